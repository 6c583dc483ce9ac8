"""The compiled loops of non-linear networks against torch, the slow path that they are trusted by."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core import networks
from core.spec import ExperimentSpec, RecurrentTeacher
from core.training import begin
from core.training.layout import Layout
from core.training.loops.formulas import each, sigmoid, tanh
from core.training.loops.lanes import BYTES
from core.training.loops.optimizer_steps import how, jit
from core.training.loops.tiles import address
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import Teacher, mini_batches
from core.training.sequences.kernel import SequenceKernel
from core.training.sequences.steppers import SequenceStepper
from core.training.stepper import DIVERGED, RUNNING, STOPPED

CPU = torch.device("cpu")
PRECISE = {"float64": 1e-12, "float32": 1e-4}
both = each(lambda x: (sigmoid(x), tanh(x)))


@jit(**how)
def squashed(x, s, t, lanes):
    both((address(x),), (address(s), address(t)), len(x) // lanes)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_logistic_function_and_tanh_are_right_to_three_units_in_the_last_place(kind):
    x = np.concatenate(
        [np.linspace(-80, 80, 2**12), np.logspace(-30, 1, 2**12), -np.logspace(-30, 1, 2**12)]
    )
    x = x.astype(kind)
    s, t = np.empty_like(x), np.empty_like(x)
    squashed(x, s, t, BYTES // x.itemsize)
    wide = x.astype(np.longdouble)
    for ours, exact in ((s, 1 / (1 + np.exp(-wide))), (t, np.tanh(wide))):
        assert np.max(np.abs(ours - exact) / np.spacing(np.abs(exact).astype(kind))) < 3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_not_finite_is_not_lost(kind):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e4, -1e4, 1.0, -1.0] * 2, kind)
    s, t = np.empty_like(x), np.empty_like(x)
    squashed(x, s, t, BYTES // x.itemsize)
    np.testing.assert_allclose(s, 1 / (1 + np.exp(-x.astype(np.longdouble))), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(t, np.tanh(x), rtol=1e-6)


@st.composite
def problems(draw):
    """A network with weights of some seeds, and labelled sequences of their own or for all."""
    kind, dtype = draw(st.sampled_from([*networks.CELLS])), draw(st.sampled_from([*PRECISE]))
    d, m, p = draw(st.integers(1, 40)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    k, seeds = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    sequences = draw(
        st.integers(1, 70) | st.integers(250, 400)
    )  # of which a block is a part, and which are cut
    shared, last = draw(st.booleans()), draw(st.booleans())
    network = networks.Recurrent(kind, d, m, p)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    own = 1 if shared else seeds
    shapes = (
        (seeds, Layout(network.shapes).size),
        (own, k, sequences, m),
        (own, 1 if last else k, sequences, p),
    )
    theta, inputs, labels = (
        torch.from_numpy(generator.standard_normal(shape).astype(dtype) * scale)
        for shape, scale in zip(
            shapes, (draw(st.sampled_from([1e-3, 1.0, 3.0])) / d**0.5, 1, 1), strict=True
        )
    )
    return network, theta.to(inputs.dtype), inputs, labels, PRECISE[dtype]


@pytest.mark.timeout(600)  # the first example compiles
@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_the_loops_find_what_torch_finds(problem):
    network, theta, inputs, labels, precise = problem
    last, layout, kernel = labels.shape[1] == 1, Layout(network.shapes), SequenceKernel(network)
    student = type("Student", (), {})()  # a non-linear one, of which nothing is asked
    loss, gradient = SequenceGradient(student, network, layout, last=last)(theta, (inputs, labels))
    fast_loss, fast_gradient = map(
        torch.from_numpy, kernel.gradient(theta, (inputs, labels), np.arange(len(theta)))
    )
    made = network.outputs(layout.views(theta), inputs.expand(len(theta), -1, -1, -1), last=last)
    size = float(made.abs().max() + labels.abs().max())
    torch.testing.assert_close(fast_loss, loss, rtol=0, atol=precise * size**2)
    torch.testing.assert_close(
        fast_gradient, gradient, rtol=0, atol=precise * max(size, float(gradient.abs().max()))
    )
    fast = kernel.outputs(theta[-1], inputs[-1:], last=last)
    torch.testing.assert_close(fast, made[-1:], rtol=0, atol=precise * size)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("kind", networks.CELLS)
def test_a_teacher_labels_on_a_cpu_as_it_would_on_a_gpu(kind, last):
    teacher = Teacher(*networks.of_teacher(RecurrentTeacher(kind=kind, dim=7)), torch.float64, CPU)
    inputs = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 30, 11, 1)))
    compiled = teacher.outputs(inputs, last=last)
    teacher._kernel = None
    torch.testing.assert_close(compiled, teacher.outputs(inputs, last=last), rtol=1e-12, atol=1e-13)


def test_the_room_for_outputs_does_not_grow_with_the_sequences():
    kernel = SequenceKernel(networks.Recurrent("lstm", 5, 1, 1))
    theta = torch.zeros(Layout(kernel._network.shapes).size, dtype=torch.float64)
    for length in (3, 3000):
        kernel.outputs(theta, torch.zeros(1, length, 4, 1, dtype=torch.float64), last=True)
    assert len(kernel._rooms) == 1


def test_a_seed_whose_numbers_exploded_spoils_no_other():
    network = networks.Recurrent("lstm", 5, 1, 1)
    generator = np.random.default_rng(2)
    theta = torch.from_numpy(generator.standard_normal((3, Layout(network.shapes).size)))
    theta[1] = np.nan
    batch = tuple(torch.from_numpy(generator.standard_normal((1, 4, 50, 1))) for _ in range(2))
    loss, gradient = SequenceKernel(network).gradient(theta, batch, np.arange(3))
    alone = SequenceKernel(network).gradient(theta, batch, np.array([2]))
    assert np.isnan(loss[1])
    assert np.array_equal(loss[2:], alone[0])
    assert np.array_equal(gradient[2:], alone[1])


def spec_of(student="gru", dtype="float64", **optimizer):
    return ExperimentSpec.model_validate({
        "teacher": {"kind": "lstm", "dim": 3, "seed": 4},
        "student": {"kind": student, "dim": 9},
        "training": {"length": 4},
        "optimizer": {"kind": "gd", "lr": 0.1, "steps": 200, "batch_size": 300, **optimizer},
        "evaluation": {"points": 2, "horizon": 8},
        "numerics": {"dtype": dtype},
        "seeds": 3,
    })  # fmt: skip


def slow(spec):
    """The torch stepper of the spec."""
    network = networks.of_student(spec.student, 1, 1)
    layout, dtype = (
        Layout(network.shapes),
        {"float64": torch.float64, "float32": torch.float32}[spec.numerics.dtype],
    )
    drawn = mini_batches(spec, Teacher(*networks.of_teacher(spec.teacher), dtype, CPU), dtype, CPU)
    gradient = SequenceGradient(spec.student, network, layout, last=True)
    return SequenceStepper(gradient, drawn, spec.optimizer, layout)


OPTIMIZERS = [
    {"kind": "gd"},
    {"kind": "momentum", "schedule": {"kind": "cosine"}},
    {"kind": "adaptive_gd", "lr": 1e-3},
    {"kind": "adam", "lr": 1e-3, "eps": 1e-4, "schedule": {"kind": "warmup", "steps": 5}},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("dtype", PRECISE)
@pytest.mark.parametrize("kind", networks.CELLS)
def test_the_steps_are_those_of_torch(kind, dtype, optimizer):
    spec = spec_of(kind, dtype, **optimizer)
    state = begin(spec)
    fast, other = (
        stepper.advance(state.batch, 12) for stepper in (state.engine.stepper, slow(spec))
    )
    torch.testing.assert_close(fast.parameters, other.parameters, rtol=0, atol=10 * PRECISE[dtype])
    torch.testing.assert_close(fast.memory, other.memory, rtol=0, atol=10 * PRECISE[dtype])
    assert torch.equal(fast.steps, other.steps)
    assert (fast.parameters - state.batch.parameters).abs().max() > 1e-4


@pytest.mark.parametrize(("optimizer", "status"), [
    ({"stop": {"loss_below": 0.03, "more_steps": 3}}, STOPPED),
    ({"lr": 1e6}, DIVERGED),
    ({"kind": "gd"}, RUNNING),
])  # fmt: skip
def test_both_end_a_seed_at_the_same_step_for_the_same_reason(optimizer, status):
    spec = spec_of(**optimizer)
    batch = begin(spec).batch
    fast, other = (
        stepper.advance(batch, 40) for stepper in (begin(spec).engine.stepper, slow(spec))
    )
    assert status in fast.status.tolist()
    assert torch.equal(fast.status, other.status)
    assert torch.equal(fast.steps, other.steps)
    assert torch.equal(fast.until, other.until)
    torch.testing.assert_close(
        fast.parameters, other.parameters, rtol=1e-6, atol=1e-6, equal_nan=True
    )


def test_a_look_moves_nothing_and_a_step_leaves_the_batch_that_it_is_given():
    spec = spec_of(stop={"loss_below": 1e9, "more_steps": 2})
    state = begin(spec)
    before = state.batch.parameters.clone()
    looked = state.engine.stepper.look(state.batch)
    assert looked.status.tolist() == [RUNNING] * 3
    assert looked.until.tolist() == [2] * 3
    moved = state.engine.stepper.advance(state.batch, 1)
    assert not torch.equal(moved.parameters, before)
    assert torch.equal(state.batch.parameters, before)
    assert torch.equal(looked.parameters, before)


def test_neither_company_nor_threads_change_a_bit(request):
    threads = torch.get_num_threads()
    request.addfinalizer(lambda: torch.set_num_threads(threads))
    together = spec_of()
    ends = []
    for count in (1, 3):
        torch.set_num_threads(count)
        ends.append(begin(together).engine.stepper.advance(begin(together).batch, 5).parameters)
    assert torch.equal(*ends)
    alone = together.model_copy(update={"seeds": together.seeds[1:2]})
    assert torch.equal(
        begin(alone).engine.stepper.advance(begin(alone).batch, 5).parameters, ends[0][1:2]
    )


def test_a_seed_that_ended_stays_as_it_is():
    spec = spec_of()
    state = begin(spec)
    status = torch.tensor([RUNNING, STOPPED, RUNNING])
    moved = state.engine.stepper.advance(replace(state.batch, status=status), 4)
    assert moved.steps.tolist() == [4, 0, 4]
    assert torch.equal(moved.parameters[1], state.batch.parameters[1])


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("kind", networks.CELLS)
def test_the_loss_that_is_recorded_is_that_of_each_seed_which_the_steps_see(kind, outputs):
    sample = {"length": 4, "outputs": outputs, "loss": {"kind": "finite_sample", "sequences": 300}}
    spec = spec_of(kind, batch_size=None)
    spec = ExperimentSpec.model_validate({**spec.model_dump(), "training": sample})
    state = begin(spec)
    batch = state.engine.stepper._mini_batches.at([0] * 3)
    seen, _ = state.engine.stepper._kernel.gradient(state.batch.parameters, batch, np.arange(3))
    recorded = state.engine.measure(state.batch.parameters[None])["train_loss"][0]
    np.testing.assert_allclose(recorded, seen, rtol=1e-12)
    assert len({*seen.tolist()}) == 3
