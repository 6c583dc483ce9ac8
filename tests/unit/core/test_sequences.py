"""Training on sequences: loss and gradient, slices and seeds, results."""

import itertools

import numpy as np
import pytest
import torch

from core.losses import loss_matrix, target_of
from core.metrics.errors import train_loss
from core.result import METRICS
from core.run import run
from core.spec import ExperimentSpec
from core.systems import impulse_response
from core.training import advance, begin, finish, flush, resume, snapshot
from core.training.closed_form.engine import LinearEngine
from core.training.closed_form.gradient import gradient_of
from core.training.sequences.engine import SequenceEngine
from core.training.sequences.gradient import loss_of
from core.training.sequences.steppers import SequenceKernelStepper

CPU = torch.device("cpu")
GRU = {"kind": "gru", "dim": 3, "seed": 4}
LINEAR = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}}
TWO_CHANNELS = {
    "kind": "explicit",
    "A": [[0.9, 0], [0, -0.5]],
    "B": [[0.8, 0.3], [-0.2, 0.6]],
    "C": [[1.0, 0.0], [0.5, 0.4]],
}
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
    return ExperimentSpec.model_validate(
        {
            "teacher": GRU,
            "student": student,
            "training": {"length": 4, "outputs": outputs, "loss": kind},
            "optimizer": {"lr": 0.02, "steps": 60, "batch_size": size, **(optimizer or {})},
            "evaluation": {"points": 6, "horizon": 10, "sequences": 20},
            "seeds": [3, 1, 2],
            **changes,
        }
    )


def engine_of(spec, initial_parameters=None):
    return SequenceEngine(spec, torch.float64, CPU, initial_parameters)


def gradient_at(spec, flat=None, step=0):
    """Loss and gradient of the stepper, the flat parameters, and the engine."""
    engine = engine_of(spec)
    flat = torch.from_numpy(engine.starts()) if flat is None else flat
    seeds, stepper = len(spec.seeds), engine.stepper
    if isinstance(stepper, SequenceKernelStepper):
        batch = stepper._mini_batches.at([step] * seeds)
        arrays = stepper._kernel.gradient(flat, batch, np.arange(seeds))
        loss, gradient = map(torch.from_numpy, arrays)
    else:
        loss, gradient = stepper._gradient(flat, torch.full((seeds,), step))
    return loss, gradient, flat, engine


def same(result, other):
    """Whether two results are equal bit for bit; a NaN equals a NaN."""
    return result.model_dump_json() == other.model_dump_json()


@pytest.mark.parametrize(
    ("student", "teacher", "engine"),
    [
        (STUDENTS["linear"], LINEAR, LinearEngine),
        (STUDENTS["linear"], GRU, SequenceEngine),
        (STUDENTS["tied_readout"], LINEAR, SequenceEngine),
        (STUDENTS["gru"], LINEAR, SequenceEngine),
    ],
)
def test_only_students_without_a_closed_form_train_on_sequences(student, teacher, engine):
    size = None if engine is LinearEngine else 8
    assert type(begin(spec_of(student, ({}, size), teacher=teacher)).engine) is engine


@of_every_student
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_results_do_not_depend_on_slicing_and_resuming(student, loss):
    spec = spec_of(student, loss, {"kind": "adam", "stop": {"loss_below": 1e-5, "more_steps": 3}})
    state = begin(spec)
    for steps in itertools.cycle([1, 7, 20, 2]):
        if state.done:
            break
        state = advance(state, steps)
        flushed, points = flush(state)
        checkpoint = {name: array.copy() for name, array in snapshot(flushed).items()}
        resumed = resume(spec, checkpoint)
        state = type(state)(**{**vars(resumed), "points": state.points})
        assert points["step"].size <= 3 * 6 + 3
    assert same(finish(state), run(spec))


@of_every_student
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
def test_a_seed_does_not_depend_on_the_other_seeds(student, optimizer):
    spec = spec_of(student, optimizer=optimizer)
    for together in run(spec).runs:
        (alone,) = run(spec.model_copy(update={"seeds": (together.seed,)})).runs
        for name, array in together.parameters.items():
            np.testing.assert_allclose(array, alone.parameters[name], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(together.response, alone.response, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
def test_loss_and_gradient_of_a_linear_student_agree_with_the_closed_form(structure, outputs):
    student = {**STUDENTS["linear"], "structure": structure, "trained": ["A", "C"]}
    spec = spec_of(student, (SAMPLE, None), outputs=outputs, teacher=LINEAR)
    loss, gradient, flat, engine = gradient_at(spec)
    closed = LinearEngine(spec, torch.float64, CPU, None)
    system = closed.layout.systems(flat)
    target = target_of(spec)
    np.testing.assert_allclose(loss, train_loss(impulse_response(system, 10), target), rtol=1e-12)
    np.testing.assert_allclose(engine.measure(flat[None])["train_loss"][0], loss, rtol=1e-12)
    _, exact = gradient_of(closed.layout, target, torch.float64, CPU)(flat)
    torch.testing.assert_close(gradient, exact, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("outputs", ["last", "all"])
def test_the_expected_loss_on_coloured_sequences_is_the_closed_form(outputs):
    loss = {"kind": "population", "covariance": {"kind": "ar1", "rho": 0.7}}
    spec = spec_of(STUDENTS["linear"], (loss, None), outputs=outputs, teacher=LINEAR, seeds=[0])
    # Not validated: a student with a closed form has no batches.
    optimizer = spec.optimizer.model_copy(update={"batch_size": 100_000})
    spec = spec.model_copy(update={"optimizer": optimizer})
    sampled_loss, _, flat, _ = gradient_at(spec)
    closed = LinearEngine(spec, torch.float64, CPU, None)
    error = (impulse_response(closed.layout.systems(flat), 4) - closed.response[:4]).ravel()
    assert sampled_loss.item() == pytest.approx(
        error @ loss_matrix(spec.training) @ error, rel=5 * (2 / 100_000) ** 0.5
    )


@of_every_student
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_the_gradient_agrees_with_finite_differences(student, outputs):
    """The projected gradient is the derivative along directions within the structure."""
    loss, teacher = (
        (LOSSES["fresh"], TWO_CHANNELS) if "readout" in student else (LOSSES["subsets"], GRU)
    )
    spec = spec_of(student, loss, outputs=outputs, teacher=teacher)
    _, gradient, flat, engine = gradient_at(spec, step=2)
    direction = torch.from_numpy(np.random.default_rng(0).standard_normal(flat.shape))
    if spec.student.kind == "linear" and spec.student.structure == "symmetric":
        A = engine.layout.views(direction)["A"]
        A.copy_((A + A.mT).clone() / 2)
    small = 1e-5
    above, below = (
        gradient_at(spec, flat + sign * small * direction, step=2)[0] for sign in (1, -1)
    )
    torch.testing.assert_close(
        (gradient * direction).sum(1), (above - below) / (2 * small), rtol=1e-6, atol=1e-9
    )
    assert gradient.abs().sum() > 0
    if "A" in engine.layout.names and spec.student.structure == "symmetric":
        dA = engine.layout.views(gradient)["A"]
        assert torch.equal(dA, dA.mT)


def test_the_loss_averages_sequences_and_outputs_and_sums_channels():
    outputs, labels = torch.ones(2, 5, 3, 4), torch.zeros(1, 5, 3, 4)
    labels[0, 0, 0] = 2.0  # an error of 1, as elsewhere
    labels[0, 0, 1] = 3.0
    assert loss_of(outputs, labels).tolist() == pytest.approx([4 * (14 + 4) / 15] * 2)


def test_parameters_that_are_not_trained_keep_their_values():
    student = {**STUDENTS["tied_readout"], "tied": False, "trained": ["A"]}
    before, after = (
        run(spec_of(student, optimizer={"steps": steps})).runs[0].parameters for steps in (1, 30)
    )
    assert {name for name in before if before[name] != after[name]} == {"A", "W1", "W2", "W3"}


def test_a_training_length_of_one_works():
    for student in STUDENTS.values():
        result = run(spec_of(student, training={"length": 1}))
        assert np.isfinite(result.series["train_loss"]).all()


@pytest.mark.parametrize("kind", ["gru", "lstm", "tanh_rnn"])
def test_a_student_learns_a_teacher_of_the_same_kind(kind):
    result = run(
        spec_of(
            {"kind": kind, "dim": 12},
            ({"kind": "population"}, 64),
            {"kind": "adam", "lr": 0.01, "steps": 250},
            teacher={**GRU, "kind": kind},
            evaluation={"points": 5, "horizon": 10, "sequences": 200},
        )
    )
    for r in result.runs:
        rows = zip(result.series["seed"], result.series["train_loss"], strict=True)
        losses = [loss for seed, loss in rows if seed == r.seed]
        assert losses[-1] < losses[0] / 10


def test_single_precision_is_near_double_precision():
    spec = spec_of(optimizer={"kind": "adam"})
    single = run(spec.model_copy(update={"numerics": type(spec.numerics)(dtype="float32")}))
    for ours, exact in zip(single.runs, run(spec).runs, strict=True):
        np.testing.assert_allclose(ours.response, exact.response, atol=1e-5)
        assert ours.response != exact.response


def test_a_diverged_seed_ends_early_with_a_result():
    (diverged,) = run(
        spec_of(STUDENTS["tied_readout"], optimizer={"lr": 100.0, "steps": 200}, seeds=[0])
    ).runs
    assert diverged.outcome == "diverged"
    assert diverged.steps < 200


@of_every_student
def test_final_parameters_have_the_shapes_of_the_result_and_can_start_a_training(student):
    spec = spec_of(student, teacher=TWO_CHANNELS if "readout" in student else GRU)
    state = advance(begin(spec), 60)
    result = finish(state)
    p, m = (2, 2) if "readout" in student else (1, 1)
    continued = spec_of(
        {**student, "start": {"kind": "from_experiment", "id": "x"}},
        teacher=spec.teacher.model_dump(),
    )
    final_parameters = {
        r.seed: {name: np.array(array) for name, array in r.parameters.items()} for r in result.runs
    }
    starts = engine_of(continued, final_parameters).starts()
    assert np.array_equal(starts, state.batch.parameters.numpy())
    for r in result.runs:
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


def test_recorded_trajectories_end_at_the_final_state():
    spec = spec_of(
        STUDENTS["linear"],
        evaluation={"points": 4, "horizon": 10, "record": ["response", "eigenvalues"]},
    )
    result = run(spec)
    last = [row for row, step in enumerate(result.series["step"]) if step == 60]
    for row, r in zip(last, result.runs, strict=True):
        np.testing.assert_allclose(np.ravel(result.series["response"][row]), r.response, rtol=1e-12)
        np.testing.assert_allclose(result.series["eigenvalues"][row], r.eigenvalues, rtol=1e-12)
