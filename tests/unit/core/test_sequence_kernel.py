"""The compiled loops of non-linear networks agree with torch."""

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
from core.training.loops.formulas import elementwise, sigmoid, tanh
from core.training.loops.lanes import BYTES
from core.training.loops.optimizer_steps import OPTIONS, jit
from core.training.loops.tiles import address
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import Teacher, mini_batches
from core.training.sequences.kernel import SequenceKernel
from core.training.sequences.steppers import SequenceStepper
from core.training.stepper import DIVERGED, RUNNING, STOPPED

CPU = torch.device("cpu")
TOLERANCES = {"float64": 1e-12, "float32": 1e-4}
sigmoid_and_tanh = elementwise(lambda x: (sigmoid(x), tanh(x)))


@jit(**OPTIONS)
def apply_both(x, s, t, lanes):
    sigmoid_and_tanh((address(x),), (address(s), address(t)), len(x) // lanes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_are_within_three_units_in_the_last_place(dtype):
    x = np.concatenate(
        [np.linspace(-80, 80, 2**12), np.logspace(-30, 1, 2**12), -np.logspace(-30, 1, 2**12)]
    )
    x = x.astype(dtype)
    s, t = np.empty_like(x), np.empty_like(x)
    apply_both(x, s, t, BYTES // x.itemsize)
    wide = x.astype(np.longdouble)
    for ours, exact in ((s, 1 / (1 + np.exp(-wide))), (t, np.tanh(wide))):
        assert np.max(np.abs(ours - exact) / np.spacing(np.abs(exact).astype(dtype))) < 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_propagate_nan_and_infinity(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 1e4, -1e4, 1.0, -1.0] * 2, dtype)
    s, t = np.empty_like(x), np.empty_like(x)
    apply_both(x, s, t, BYTES // x.itemsize)
    np.testing.assert_allclose(s, 1 / (1 + np.exp(-x.astype(np.longdouble))), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(t, np.tanh(x), rtol=1e-6)


@st.composite
def problems(draw):
    """A network, the weights of some seeds, labelled sequences for each or all, and a tolerance."""
    kind, dtype = draw(st.sampled_from([*networks.CELLS])), draw(st.sampled_from([*TOLERANCES]))
    d, m, p = draw(st.integers(1, 40)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    k, seeds = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    # few: less than a block or some blocks; many: several chunks
    sequences = draw(st.integers(1, 70) | st.integers(250, 400))
    shared, last = draw(st.booleans()), draw(st.booleans())
    network = networks.Recurrent(kind, d, m, p)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    batches = 1 if shared else seeds
    shapes = (
        (seeds, Layout(network.shapes).size),
        (batches, k, sequences, m),
        (batches, 1 if last else k, sequences, p),
    )
    theta, inputs, labels = (
        torch.from_numpy(generator.standard_normal(shape).astype(dtype) * scale)
        for shape, scale in zip(
            shapes, (draw(st.sampled_from([1e-3, 1.0, 3.0])) / d**0.5, 1, 1), strict=True
        )
    )
    return network, theta.to(inputs.dtype), inputs, labels, TOLERANCES[dtype]


@pytest.mark.timeout(600)  # the first example compiles the loops
@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_compiled_loops_and_torch_agree(problem):
    network, theta, inputs, labels, tolerance = problem
    last, layout, kernel = labels.shape[1] == 1, Layout(network.shapes), SequenceKernel(network)
    student = type("Student", (), {})()  # only its type counts: it is not linear
    loss, gradient = SequenceGradient(student, network, layout, last=last)(theta, (inputs, labels))
    fast_loss, fast_gradient = map(
        torch.from_numpy, kernel.gradient(theta, (inputs, labels), np.arange(len(theta)))
    )
    outputs = network.outputs(layout.views(theta), inputs.expand(len(theta), -1, -1, -1), last=last)
    size = float(outputs.abs().max() + labels.abs().max())
    torch.testing.assert_close(fast_loss, loss, rtol=0, atol=tolerance * size**2)
    torch.testing.assert_close(
        fast_gradient, gradient, rtol=0, atol=tolerance * max(size, float(gradient.abs().max()))
    )
    fast = kernel.outputs(theta[-1], inputs[-1:], last=last)
    torch.testing.assert_close(fast, outputs[-1:], rtol=0, atol=tolerance * size)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("kind", networks.CELLS)
def test_compiled_and_torch_teachers_give_the_same_labels(kind, last):
    teacher = Teacher(*networks.of_teacher(RecurrentTeacher(kind=kind, dim=7)), torch.float64, CPU)
    inputs = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 30, 11, 1)))
    compiled = teacher.outputs(inputs, last=last)
    teacher._kernel = None
    torch.testing.assert_close(compiled, teacher.outputs(inputs, last=last), rtol=1e-12, atol=1e-13)


def test_the_workspace_for_outputs_does_not_grow_with_the_length():
    kernel = SequenceKernel(networks.Recurrent("lstm", 5, 1, 1))
    theta = torch.zeros(Layout(kernel._network.shapes).size, dtype=torch.float64)
    for length in (3, 3000):
        kernel.outputs(theta, torch.zeros(1, length, 4, 1, dtype=torch.float64), last=True)
    assert len(kernel._workspaces) == 1


def test_a_diverged_seed_does_not_affect_the_others():
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
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "lstm", "dim": 3, "seed": 4},
            "student": {"kind": student, "dim": 9},
            "training": {"length": 4},
            "optimizer": {"kind": "gd", "lr": 0.1, "steps": 200, "batch_size": 300, **optimizer},
            "evaluation": {"points": 2, "horizon": 8},
            "numerics": {"dtype": dtype},
            "seeds": 3,
        }
    )


def torch_stepper(spec):
    """The torch stepper of the spec."""
    network = networks.of_student(spec.student, 1, 1)
    layout, dtype = (
        Layout(network.shapes),
        {"float64": torch.float64, "float32": torch.float32}[spec.numerics.dtype],
    )
    batches = mini_batches(
        spec, Teacher(*networks.of_teacher(spec.teacher), dtype, CPU), dtype, CPU
    )
    gradient = SequenceGradient(spec.student, network, layout, last=True)
    return SequenceStepper(gradient, batches, spec.optimizer, layout)


OPTIMIZERS = [
    {"kind": "gd"},
    {"kind": "momentum", "schedule": {"kind": "cosine"}},
    {"kind": "adaptive_gd", "lr": 1e-3},
    {"kind": "adam", "lr": 1e-3, "eps": 1e-4, "schedule": {"kind": "warmup", "steps": 5}},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("kind", networks.CELLS)
def test_compiled_and_torch_steppers_take_the_same_steps(kind, dtype, optimizer):
    spec = spec_of(kind, dtype, **optimizer)
    state = begin(spec)
    fast, slow = (
        stepper.advance(state.batch, 12) for stepper in (state.engine.stepper, torch_stepper(spec))
    )
    torch.testing.assert_close(
        fast.parameters, slow.parameters, rtol=0, atol=10 * TOLERANCES[dtype]
    )
    torch.testing.assert_close(fast.memory, slow.memory, rtol=0, atol=10 * TOLERANCES[dtype])
    assert torch.equal(fast.steps, slow.steps)
    assert (fast.parameters - state.batch.parameters).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("optimizer", "status"),
    [
        ({"stop": {"loss_below": 0.03, "more_steps": 3}}, STOPPED),
        ({"lr": 1e6}, DIVERGED),
        ({"kind": "gd"}, RUNNING),
    ],
)
def test_both_steppers_end_each_seed_at_the_same_step_with_the_same_status(optimizer, status):
    spec = spec_of(**optimizer)
    batch = begin(spec).batch
    fast, slow = (
        stepper.advance(batch, 40) for stepper in (begin(spec).engine.stepper, torch_stepper(spec))
    )
    assert status in fast.status.tolist()
    assert torch.equal(fast.status, slow.status)
    assert torch.equal(fast.steps, slow.steps)
    assert torch.equal(fast.until, slow.until)
    torch.testing.assert_close(
        fast.parameters, slow.parameters, rtol=1e-6, atol=1e-6, equal_nan=True
    )


def test_neither_a_check_nor_a_step_changes_the_batch_it_is_given():
    spec = spec_of(stop={"loss_below": 1e9, "more_steps": 2})
    state = begin(spec)
    before = state.batch.parameters.clone()
    checked = state.engine.stepper.check(state.batch)
    assert checked.status.tolist() == [RUNNING] * 3
    assert checked.until.tolist() == [2] * 3
    stepped = state.engine.stepper.advance(state.batch, 1)
    assert not torch.equal(stepped.parameters, before)
    assert torch.equal(state.batch.parameters, before)
    assert torch.equal(checked.parameters, before)


def test_a_seed_depends_neither_on_the_other_seeds_nor_on_threads(request):
    threads = torch.get_num_threads()
    request.addfinalizer(lambda: torch.set_num_threads(threads))
    spec, together = spec_of(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        state = begin(spec)
        together.append(state.engine.stepper.advance(state.batch, 5).parameters)
    assert torch.equal(*together)
    state = begin(spec.model_copy(update={"seeds": spec.seeds[1:2]}))
    alone = state.engine.stepper.advance(state.batch, 5).parameters
    assert torch.equal(alone, together[0][1:2])


def test_a_seed_that_has_ended_keeps_its_values():
    spec = spec_of()
    state = begin(spec)
    status = torch.tensor([RUNNING, STOPPED, RUNNING])
    batch = state.engine.stepper.advance(replace(state.batch, status=status), 4)
    assert batch.steps.tolist() == [4, 0, 4]
    assert torch.equal(batch.parameters[1], state.batch.parameters[1])


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("kind", networks.CELLS)
def test_the_recorded_loss_of_each_seed_is_that_of_its_steps(kind, outputs):
    sample = {"length": 4, "outputs": outputs, "loss": {"kind": "finite_sample", "sequences": 300}}
    spec = spec_of(kind, batch_size=None)
    spec = ExperimentSpec.model_validate({**spec.model_dump(), "training": sample})
    state = begin(spec)
    batch = state.engine.stepper._mini_batches.at([0] * 3)
    stepped, _ = state.engine.stepper._kernel.gradient(state.batch.parameters, batch, np.arange(3))
    recorded = state.engine.measure(state.batch.parameters[None])["train_loss"][0]
    np.testing.assert_allclose(recorded, stepped, rtol=1e-12)
    assert len({*stepped.tolist()}) == 3
