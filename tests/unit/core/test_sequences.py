"""Training on sequences: mini-batches of seed and step, the loss in closed form, slices, company, what is measured."""

import itertools

import numpy as np
import pytest
import torch

from core import networks
from core.losses import input_moments, loss_matrix, target_of
from core.metrics import effective_rank
from core.metrics.errors import train_loss
from core.metrics.sequences import hankel_singular_values_of, squared_errors
from core.result import METRICS
from core.run import run
from core.spec import ExperimentSpec
from core.systems import LinearSystem, hankel_singular_values, impulse_response
from core.training import advance, begin, finish, flush, resume, snapshot
from core.training.closed_form.engine import LinearEngine
from core.training.closed_form.gradient import gradient_of
from core.training.sequences.engine import SequenceEngine
from core.training.sequences.gradient import loss_of
from core.training.sequences.inputs import (
    Teacher,
    colour,
    evaluation_sequences,
    mini_batches,
    sample,
)
from core.training.sequences.steppers import SequenceKernelStepper

GRU = {"kind": "gru", "dim": 3, "seed": 4}
LINEAR = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}}
TWO_CHANNELS = {"kind": "explicit", "A": [[0.9, 0], [0, -0.5]], "B": [[0.8, 0.3], [-0.2, 0.6]],
                "C": [[1.0, 0.0], [0.5, 0.4]]}  # fmt: skip
WIDE = {"kind": "gaussian", "scale": 0.5}
STUDENTS = {
    "gru": {"kind": "gru", "dim": 5},
    "lstm": {"kind": "lstm", "dim": 5},
    "tanh_rnn": {"kind": "tanh_rnn", "dim": 5},
    "linear": {"kind": "linear", "dim": 5, "start": WIDE},
    "diagonal": {"kind": "linear", "dim": 5, "structure": "diagonal", "start": WIDE},
    "tied_readout": {
        "kind": "linear",
        "dim": 5,
        "tied": True,
        "start": WIDE,
        "readout": {"width": 4, "scale": 0.5},
    },
}
SAMPLE = {"kind": "finite_sample", "sequences": 24, "seed": 7}
LOSSES = {
    "fresh": ({"kind": "population"}, 8),
    "coloured": ({"kind": "population", "covariance": {"kind": "ar1", "rho": 0.7}}, 8),
    "whole": (SAMPLE, None),
    "subsets": (SAMPLE, 5),
}
OPTIMIZERS = (
    {"kind": "gd"},
    {"kind": "momentum"},
    {"kind": "adaptive_gd", "lr": 0.001},
    {"kind": "adam"},
)
of_every_student = pytest.mark.parametrize("student", STUDENTS.values(), ids=STUDENTS)


def spec_of(
    student=STUDENTS["gru"], loss=LOSSES["fresh"], optimizer=None, outputs="last", **changes
):
    kind, size = loss
    return ExperimentSpec.model_validate({
        "teacher": GRU,
        "student": student,
        "training": {"length": 4, "outputs": outputs, "loss": kind},
        "optimizer": {"lr": 0.02, "steps": 60, "batch_size": size, **(optimizer or {})},
        "evaluation": {"points": 6, "horizon": 10, "sequences": 20},
        "seeds": [3, 1, 2],
        **changes,
    })  # fmt: skip


def engine_of(spec, inherited=None):
    return SequenceEngine(spec, torch.float64, torch.device("cpu"), inherited)


def gradient_at(spec, flat=None, step=0):
    """The loss and gradient that the stepper sees, and where."""
    engine = engine_of(spec)
    flat = torch.from_numpy(engine.starts()) if flat is None else flat
    seeds, stepper = len(spec.seeds), engine.stepper
    if isinstance(stepper, SequenceKernelStepper):
        found = stepper._kernel.gradient(
            flat, stepper._mini_batches.at([step] * seeds), np.arange(seeds)
        )
        loss, gradient = map(torch.from_numpy, found)
    else:
        loss, gradient = stepper._gradient(flat, torch.full((seeds,), step))
    return loss, gradient, flat, engine


def same(result, other):
    """Equal to the bit; NaN, which stands for what a student hasn't got, equals NaN."""
    return result.model_dump_json() == other.model_dump_json()


@pytest.mark.parametrize(("student", "teacher", "engine"), [
    (STUDENTS["linear"], LINEAR, LinearEngine),
    (STUDENTS["linear"], GRU, SequenceEngine),
    (STUDENTS["tied_readout"], LINEAR, SequenceEngine),
    (STUDENTS["gru"], LINEAR, SequenceEngine),
])  # fmt: skip
def test_what_has_a_closed_form_does_not_go_over_sequences(student, teacher, engine):
    size = None if engine is LinearEngine else 8
    assert type(begin(spec_of(student, ({}, size), teacher=teacher)).engine) is engine


@of_every_student
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_slicing_and_resuming_change_no_bit(student, loss):
    spec = spec_of(student, loss, {"kind": "adam", "stop": {"loss_below": 1e-5, "more_steps": 3}})
    state = begin(spec)
    for steps in itertools.cycle([1, 7, 20, 2]):
        if state.done:
            break
        state = advance(state, steps)
        kept, points = flush(state)
        resumed = resume(spec, {name: array.copy() for name, array in snapshot(kept).items()})
        state = type(state)(**{**vars(resumed), "points": state.points})
        assert points["step"].size <= 3 * 6 + 3
    assert same(finish(state), run(spec))


@of_every_student
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
def test_a_seed_is_the_same_in_any_company(student, optimizer):
    spec = spec_of(student, optimizer=optimizer)
    for together in run(spec).runs:
        (alone,) = run(spec.model_copy(update={"seeds": (together.seed,)})).runs
        for name, array in together.parameters.items():
            np.testing.assert_allclose(array, alone.parameters[name], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(together.response, alone.response, rtol=1e-12, atol=1e-12)


def test_a_mini_batch_is_of_its_seed_and_step_alone():
    spec = spec_of()
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))

    def drawn(seeds, steps):
        changed = spec.model_copy(update={"seeds": seeds})
        return mini_batches(changed, teacher, torch.float64, torch.device("cpu")).at(steps)[0]

    both = drawn((3, 2**63 - 1), [5, 9])
    assert torch.equal(both[1], drawn((2**63 - 1,), [9])[0])
    assert not torch.equal(both[1], drawn((2**63 - 1,), [10])[0])
    assert not torch.equal(both[0], drawn((4,), [5])[0])
    many = torch.cat([drawn((0,), [step]).flatten() for step in range(300)])
    assert many.unique().numel() == many.numel() == 300 * 8 * 4
    assert many.mean().abs() < 4 / len(many) ** 0.5
    assert (many.square().mean() - 1).abs() < 4 * (2 / len(many)) ** 0.5


def test_coloured_sequences_have_the_covariance_asked_for():
    spec = spec_of(
        loss=({"kind": "population", "covariance": {"kind": "ar1", "rho": 0.7}}, 100_000)
    )
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))
    drawn = mini_batches(spec, teacher, torch.float64, torch.device("cpu")).at([0, 0, 0])[0][
        0, :, :, 0
    ]
    np.testing.assert_allclose(
        drawn @ drawn.T / 100_000, input_moments(spec.training), atol=5 * 2**0.5 / 100_000**0.5
    )
    root = colour(spec)
    np.testing.assert_allclose(root @ root.T, input_moments(spec.training), atol=1e-12)


@pytest.mark.parametrize("distribution", ["gaussian", "rademacher"])
def test_a_sample_is_that_whose_moments_the_closed_form_takes(distribution, monkeypatch):
    monkeypatch.setattr(
        "core.losses._DRAWN_AT_ONCE", 40
    )  # so that the moments are taken in several pieces
    loss = {**SAMPLE, "distribution": distribution}
    spec = spec_of(loss=(loss, None))
    drawn = sample(spec.training.loss, 4)[..., 0]
    np.testing.assert_allclose(
        drawn @ drawn.T / 24, input_moments(spec.training), rtol=1e-12, atol=1e-13
    )


def test_given_inputs_are_taken_as_they_are_and_a_subset_has_no_repetition():
    given = np.arange(12.0).reshape(3, 4)
    spec = spec_of(loss=({"kind": "finite_sample", "inputs": given.tolist()}, 2))
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))
    batches = mini_batches(spec, teacher, torch.float64, torch.device("cpu"))
    seen = set()
    for step in range(40):
        inputs, labels = batches.at([step] * 3)
        assert (inputs.shape, labels.shape) == ((3, 4, 2, 1), (3, 1, 2, 1))
        torch.testing.assert_close(labels, teacher.outputs(inputs, last=True), rtol=0, atol=1e-15)
        rows = [tuple(row) for row in inputs[0, :, :, 0].T.tolist()]
        assert len(set(rows)) == 2
        seen |= set(rows)
    assert seen == {tuple(row) for row in given.tolist()}


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
def test_a_linear_students_loss_and_gradient_are_those_of_the_closed_form(structure, outputs):
    student = {**STUDENTS["linear"], "structure": structure, "trained": ["A", "C"]}
    spec = spec_of(student, (SAMPLE, None), outputs=outputs, teacher=LINEAR)
    loss, gradient, flat, engine = gradient_at(spec)
    closed = LinearEngine(spec, torch.float64, torch.device("cpu"), None)
    system = closed.layout.systems(flat)
    target = target_of(spec)
    np.testing.assert_allclose(loss, train_loss(impulse_response(system, 10), target), rtol=1e-12)
    np.testing.assert_allclose(engine.measure(flat[None])["train_loss"][0], loss, rtol=1e-12)
    _, exact = gradient_of(closed.layout, target, torch.float64, torch.device("cpu"))(flat)
    torch.testing.assert_close(gradient, exact, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_in_expectation_the_loss_on_coloured_sequences_is_the_closed_form(outputs):
    loss = {"kind": "population", "covariance": {"kind": "ar1", "rho": 0.7}}
    spec = spec_of(STUDENTS["linear"], (loss, None), outputs=outputs, teacher=LINEAR, seeds=[0])
    sized = spec.optimizer.model_copy(
        update={"batch_size": 100_000}
    )  # a spec of such students has no batches
    spec = spec.model_copy(update={"optimizer": sized})
    found, _, flat, _ = gradient_at(spec)
    closed = LinearEngine(spec, torch.float64, torch.device("cpu"), None)
    error = (impulse_response(closed.layout.systems(flat), 4) - closed.response[:4]).ravel()
    assert found.item() == pytest.approx(
        error @ loss_matrix(spec.training) @ error, rel=5 * (2 / 100_000) ** 0.5
    )


@of_every_student
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_the_gradient_is_that_of_finite_differences(student, outputs):
    """Along a direction within the structure, in which the projected gradient is the derivative."""
    loss, teacher = (
        (LOSSES["fresh"], TWO_CHANNELS) if "readout" in student else (LOSSES["subsets"], GRU)
    )
    spec = spec_of(student, loss, outputs=outputs, teacher=teacher)
    _, gradient, flat, engine = gradient_at(spec, step=2)
    way = torch.from_numpy(np.random.default_rng(0).standard_normal(flat.shape))
    if spec.student.kind == "linear" and spec.student.structure == "symmetric":
        A = engine.layout.views(way)["A"]
        A.copy_((A + A.mT).clone() / 2)
    small = 1e-5
    above, below = (gradient_at(spec, flat + sign * small * way, step=2)[0] for sign in (1, -1))
    torch.testing.assert_close(
        (gradient * way).sum(1), (above - below) / (2 * small), rtol=1e-6, atol=1e-9
    )
    assert gradient.abs().sum() > 0
    if "A" in engine.layout.names and spec.student.structure == "symmetric":
        slope = engine.layout.views(gradient)["A"]
        assert torch.equal(slope, slope.mT)


def test_the_loss_is_a_mean_over_sequences_and_outputs_and_a_sum_over_channels():
    outputs, labels = torch.ones(2, 5, 3, 4), torch.zeros(1, 5, 3, 4)
    labels[0, 0, 0] = 2.0  # as far off as the others
    labels[0, 0, 1] = 3.0
    assert loss_of(outputs, labels).tolist() == pytest.approx([4 * (14 + 4) / 15] * 2)


def test_what_is_not_trained_does_not_move():
    student = {**STUDENTS["tied_readout"], "tied": False, "trained": ["A"]}
    before, after = (
        run(spec_of(student, optimizer={"steps": steps})).runs[0].parameters for steps in (1, 30)
    )
    assert {name for name in before if before[name] != after[name]} == {"A", "W1", "W2", "W3"}


def test_training_lengths_of_one_are_no_special_case():
    for student in STUDENTS.values():
        result = run(spec_of(student, training={"length": 1}))
        assert np.isfinite(result.series["train_loss"]).all()


@pytest.mark.parametrize("kind", ["gru", "lstm", "tanh_rnn"])
def test_a_student_learns_a_teacher_of_its_own_kind(kind):
    result = run(spec_of(
        {"kind": kind, "dim": 12},
        ({"kind": "population"}, 64),
        {"kind": "adam", "lr": 0.01, "steps": 250},
        teacher={**GRU, "kind": kind},
        evaluation={"points": 5, "horizon": 10, "sequences": 200},
    ))  # fmt: skip
    for r in result.runs:
        losses = [
            x
            for x, s in zip(result.series["train_loss"], result.series["seed"], strict=True)
            if s == r.seed
        ]
        assert losses[-1] < losses[0] / 10


def test_single_precision_is_near_double_precision():
    spec = spec_of(optimizer={"kind": "adam"})
    single = run(spec.model_copy(update={"numerics": type(spec.numerics)(dtype="float32")}))
    for ours, exact in zip(single.runs, run(spec).runs, strict=True):
        np.testing.assert_allclose(ours.response, exact.response, atol=1e-5)
        assert ours.response != exact.response


def test_a_diverged_seed_ends_and_is_measured():
    (lost,) = run(
        spec_of(STUDENTS["tied_readout"], optimizer={"lr": 100.0, "steps": 200}, seeds=[0])
    ).runs
    assert lost.outcome == "diverged"
    assert lost.steps < 200


@of_every_student
def test_the_end_is_in_the_shapes_of_the_result_and_can_be_gone_on_from(student):
    spec = spec_of(student, teacher=TWO_CHANNELS if "readout" in student else GRU)
    state = advance(begin(spec), 60)
    ended = finish(state)
    p, m = (2, 2) if "readout" in student else (1, 1)
    go_on = spec_of(
        {**student, "start": {"kind": "from_experiment", "id": "x"}},
        teacher=spec.teacher.model_dump(),
    )
    inherited = {
        r.seed: {name: np.array(array) for name, array in r.parameters.items()} for r in ended.runs
    }
    assert np.array_equal(engine_of(go_on, inherited).starts(), state.batch.parameters.numpy())
    for r in ended.runs:
        assert r.summary.keys() == METRICS.keys()
        assert np.shape(r.response) == ((10,) if p == 1 else (10, p, m))
        assert np.shape(r.parameters["C"]) == (p, 5)
        if student["kind"] == "linear":
            assert (np.shape(r.parameters["A"]), np.shape(r.parameters["B"])) == ((5, 5), (5, m))
            assert len(r.eigenvalues) == 5
            assert max(np.hypot(*value) for value in r.eigenvalues) == r.summary["spectral_radius"]
        else:
            assert r.eigenvalues == []
            assert np.isnan(r.summary["spectral_radius"])


def test_trajectories_are_recorded():
    spec = spec_of(
        STUDENTS["linear"],
        evaluation={"points": 4, "horizon": 10, "record": ["response", "eigenvalues"]},
    )
    result = run(spec)
    last = [row for row, step in enumerate(result.series["step"]) if step == 60]
    for row, r in zip(last, result.runs, strict=True):
        np.testing.assert_allclose(np.ravel(result.series["response"][row]), r.response, rtol=1e-12)
        np.testing.assert_allclose(result.series["eigenvalues"][row], r.eigenvalues, rtol=1e-12)


def by_hand(kind, weights, inputs):
    """States and outputs of torch.nn's layer at ``inputs`` (q, N, 1), one sequence after the other."""
    layer = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "tanh_rnn": torch.nn.RNN}[kind](
        1, len(weights["C"][0])
    )
    layer = layer.double()
    layer.load_state_dict(
        {f"{n}_l0": torch.as_tensor(w, dtype=torch.float64) for n, w in weights.items() if n != "C"}
    )
    with torch.no_grad():
        states = layer(torch.from_numpy(inputs))[0].numpy()
    return states, states @ np.array(weights["C"]).T


@pytest.mark.parametrize("kind", ["gru", "lstm", "tanh_rnn"])
def test_the_metrics_are_what_they_say(kind):
    spec = spec_of({"kind": kind, "dim": 5}, outputs="all", seeds=[0])
    (r,) = run(spec).runs
    white = evaluation_sequences(spec)
    _, teacher = networks.of_teacher(spec.teacher)
    states, outputs = by_hand(kind, r.parameters, white)
    _, wanted = by_hand("gru", teacher, white)
    impulse, silence = np.zeros((10, 1, 1)), np.zeros((10, 1, 1))
    impulse[0] = 1
    h, h_hat = (
        (by_hand(k, w, impulse)[1] - by_hand(k, w, silence)[1]).ravel()
        for k, w in ((kind, r.parameters), ("gru", teacher))
    )
    squared = np.mean((outputs - wanted) ** 2, axis=1).ravel()
    relative = squared / wanted.var(axis=1).ravel()
    flat = states.reshape(-1, 5)
    n = 5
    hankel = np.linalg.svdvals(np.array([[h[i + j] for j in range(n)] for i in range(n)]))
    off = np.abs(h - h_hat)
    expected = {
        "train_loss": squared[:4].mean(),
        "fit_error": off[:4].max(),
        "extrapolation_error": off[4:].max(),
        "extrapolation_error_rms": np.sqrt(np.mean(off[4:] ** 2)),
        "zero_baseline": np.abs(h_hat[4:]).max(),
        "relative_extrapolation_error": off[4:].max() / np.abs(h_hat[4:]).max(),
        "extrapolation_horizon": next(
            (j for j in range(10) if off[j] > 1e-3 * np.abs(h_hat[:4]).max()), 10
        ),
        "sequence_fit_error": relative[:4].max(),
        "sequence_extrapolation_error": relative[4:].max(),
        "effective_rank": effective_rank(hankel),
        "state_effective_rank": effective_rank(np.linalg.eigvalsh(np.cov(flat.T, bias=True))),
    }
    for name, value in expected.items():
        assert r.summary[name] == pytest.approx(value, rel=1e-8), name
    assert {
        name for name, value in r.summary.items() if np.isnan(value)
    } >= METRICS.keys() - expected.keys() - {"time"}
    np.testing.assert_allclose(r.hankel_singular_values, hankel, rtol=1e-8, atol=1e-14)


def test_hankel_values_of_a_response_are_those_of_the_system():
    generator = np.random.default_rng(3)
    A, B, C = (generator.standard_normal(shape) for shape in ((2, 4, 4), (2, 4, 3), (2, 2, 4)))
    system = LinearSystem(A / 4, B, C)
    found = hankel_singular_values_of(impulse_response(system, 13))
    np.testing.assert_allclose(found, hankel_singular_values(system, 13), rtol=1e-9, atol=1e-12)


def test_a_silent_teacher_has_a_scale_all_the_same():
    error, variance = np.array([[0.0, 1.0, 2.0]]), np.array([0.0, 2.0, 4.0])
    np.testing.assert_allclose(squared_errors(error, variance), [[0.0, 0.5, 0.5]])
    np.testing.assert_allclose(squared_errors(np.array([[3.0, 1.0, 2.0]]), variance)[0, 0], 0.75)
    with np.errstate(all="ignore"):
        assert squared_errors(np.array([[0.0, 1.0]]), np.zeros(2)).tolist() == [[0.0, np.inf]]


def test_evaluation_and_training_sequences_share_no_number():
    spec = spec_of(seeds=[0])
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))
    drawn = mini_batches(spec, teacher, torch.float64, torch.device("cpu")).at([0])[0]
    assert not np.intersect1d(drawn.numpy(), evaluation_sequences(spec)).size
