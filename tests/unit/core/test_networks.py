"""Networks on sequences agree with torch.nn, finite differences and plain simulation."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from core import networks, students, teachers
from core.errors import SpecError
from core.networks.cells import CELLS
from core.networks.scan import scan
from core.spec import ExplicitTeacher, RecurrentTeacher, Student
from core.systems import impulse_response

LAYERS = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "tanh_rnn": torch.nn.RNN}
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
GENERATOR = np.random.default_rng(20)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def gaussian(*shape):
    return torch.from_numpy(GENERATOR.standard_normal(shape))


def weights_of(network, seeds, scale=0.5):
    return {name: scale * gaussian(seeds, *shape) for name, shape in network.shapes.items()}


def student(**fields):
    return TypeAdapter(Student).validate_python(fields)


def layer_with(kind, weights, seed):
    layer = LAYERS[kind](
        weights["weight_ih"].shape[2], weights["weight_hh"].shape[2], batch_first=True
    ).double()
    layer.load_state_dict({f"{name}_l0": weights[name][seed] for name in NAMES})
    return layer


@pytest.mark.parametrize(
    "shape", [(3, 7, 5, 6, 2, 3), (1, 1, 1, 1, 1, 1), (2, 30, 4, 9, 1, 1), (1, 12, 8, 40, 1, 2)]
)
@pytest.mark.parametrize("kind", LAYERS)
def test_states_outputs_and_gradients_agree_with_torch_nn(kind, shape):
    seeds, length, sequences, d, m, p = shape
    network = networks.Recurrent(kind, d, m, p)
    weights, inputs = weights_of(network, seeds), gaussian(seeds, length, sequences, m)
    cotangent = gaussian(seeds, length, sequences, p)
    ours = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    outputs = network.outputs(ours, inputs, last=False)
    gradients = torch.autograd.grad((outputs * cotangent).sum(), list(ours.values()))
    unrolled = list(network.unroll(weights, inputs))
    for seed in range(seeds):
        layer, C = layer_with(kind, weights, seed), weights["C"][seed].clone().requires_grad_()
        states = layer(inputs[seed].transpose(0, 1))[0].transpose(0, 1)
        theirs = states @ C.mT
        parameters = [*(getattr(layer, f"{name}_l0") for name in NAMES), C]
        expected = torch.autograd.grad((theirs * cotangent[seed]).sum(), parameters)
        torch.testing.assert_close(outputs[seed], theirs, **EXACT)
        torch.testing.assert_close(
            torch.stack([state[seed] for state, _ in unrolled]), states, **EXACT
        )
        torch.testing.assert_close(
            torch.stack([output[seed] for _, output in unrolled]), theirs, **EXACT
        )
        for gradient, reference in zip(gradients, expected, strict=True):
            torch.testing.assert_close(gradient[seed], reference, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_agrees_with_finite_differences(kind, last):
    network, inputs = networks.Recurrent(kind, 3, 2, 1), gaussian(2, 4, 3, 2)
    weights = [weight.requires_grad_() for weight in weights_of(network, 2).values()]

    def outputs(*weights):
        named = dict(zip(network.shapes, weights, strict=True))
        return network.outputs(named, inputs, last=last)

    assert torch.autograd.gradcheck(outputs, weights, eps=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_last_state_equals_the_last_of_all_states(kind):
    weights, inputs = weights_of(networks.Recurrent(kind, 4, 1, 1), 2), gaussian(1, 6, 3, 1)
    all_states = scan(CELLS[kind], weights, inputs, last=False)
    assert torch.equal(scan(CELLS[kind], weights, inputs, last=True), all_states[:, -1:])
    assert all_states.shape == (2, 6, 3, 4)


SHAPES = {
    "general": {"structure": "general"},
    "diagonal": {"structure": "diagonal"},
    "tied": {"structure": "symmetric", "tied": True},
    "readout": {"structure": "general", "readout": {"width": 4, "layers": 2}},
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("last", [True, False])
def test_a_linear_network_gives_the_same_outputs_by_convolution_and_unrolled(changes, last):
    network = networks.of_student(student(kind="linear", dim=5, **changes), 2, 2)
    weights, inputs = weights_of(network, 3), gaussian(3, 6, 4, 2)
    unrolled = torch.stack([output for _, output in network.unroll(weights, inputs)], 1)
    outputs = network.outputs(weights, inputs, last=last)
    torch.testing.assert_close(outputs, unrolled[:, -1:] if last else unrolled, **EXACT)
    shared = network.outputs(weights, inputs[:1], last=last)
    torch.testing.assert_close(shared[0], outputs[0], **EXACT)


def test_a_linear_network_answers_an_impulse_with_its_response():
    network = networks.of_student(student(kind="linear", dim=5, structure="general"), 2, 3)
    weights = weights_of(network, 2)
    impulses = torch.zeros(1, 9, 2, 2, dtype=torch.float64)
    impulses[0, 0] = torch.eye(2)
    system = teachers.LinearSystem(*(weights[name].numpy() for name in "ABC"))
    outputs = torch.stack([output for _, output in network.unroll(weights, impulses)], 1)
    np.testing.assert_allclose(outputs.transpose(2, 3), impulse_response(system, 9), **EXACT)


def test_a_teachers_readout_has_no_relu_after_its_last_layer():
    matrices = {"A": [[0.5]], "B": [[1.0]], "C": [[1.0]]}
    readout = {"weights": [[[1.0], [-1.0]], [[-2.0, -3.0]]]}
    network, weights = networks.of_teacher(
        ExplicitTeacher(kind="explicit", **matrices, readout=readout)
    )
    inputs = torch.tensor([4.0, -7.0], dtype=torch.float64)[None, None, :, None]
    outputs = network.outputs(
        {name: torch.from_numpy(w)[None] for name, w in weights.items()}, inputs, last=True
    )
    assert outputs.ravel().tolist() == [-2 * 4.0, -3 * 7.0]


@pytest.mark.parametrize("kind", LAYERS)
def test_a_recurrent_teacher_is_drawn_by_its_seed_as_torch_initialises(kind):
    _, first = networks.of_teacher(RecurrentTeacher(kind=kind, dim=25, seed=1))
    _, again = networks.of_teacher(RecurrentTeacher(kind=kind, dim=25, seed=1))
    _, other = networks.of_teacher(RecurrentTeacher(kind=kind, dim=25, seed=2))
    layer = LAYERS[kind](1, 25)
    assert list(first) == [*NAMES, "C"]
    for name, weight in first.items():
        assert np.array_equal(weight, again[name])
        assert not np.array_equal(weight, other[name])
        assert np.abs(weight).max() <= 0.2
        if name != "C":
            assert weight.shape == getattr(layer, f"{name}_l0").shape
    entries = np.concatenate([weight.ravel() for weight in first.values()])
    assert np.abs(entries).max() > 0.19
    assert entries.var() == pytest.approx(0.04 / 3, rel=0.1)  # uniform on [-0.2, 0.2]


def start_of(kind="gru", seed=0, initial_parameters=None, **fields):
    """The start of a student, and the shapes of its parameters."""
    spec = student(kind=kind, dim=16, **fields)
    shapes = networks.of_student(spec, 1, 1).shapes
    return networks.start(spec, shapes, seed, (1, 1), initial_parameters), shapes


def test_a_scaled_start_is_the_same_gaussian_draw_at_any_scale():
    small, shapes = start_of(start={"kind": "gaussian", "scale": 1e-3})
    large, _ = start_of(start={"kind": "gaussian", "scale": 1.0})
    assert {name: array.shape for name, array in small.items()} == dict(shapes)
    for name, array in small.items():
        np.testing.assert_allclose(1e3 * array, large[name], rtol=1e-12)
    entries = np.concatenate([array.ravel() for array in large.values()])
    assert entries.std() == pytest.approx(1 / 4, rel=0.1)


def test_a_readout_does_not_change_the_linear_start():
    start, _ = start_of("linear", seed=3, readout={"width": 7, "scale": 0.1})
    plain = students.start(student(kind="linear", dim=16), 3, 1, 1)
    assert [np.array_equal(start[name], getattr(plain, name)) for name in "ABC"] == [True] * 3
    assert [start[name].shape for name in ("W1", "W2", "W3")] == [(7, 1), (7, 7), (1, 7)]
    assert start["W2"].std() == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("kind", ["gru", "linear"])
def test_initial_parameters_are_matched_by_name_and_shape(kind):
    fields = {"readout": {"width": 3}} if kind == "linear" else {}
    final, _ = start_of(kind, seed=8, **fields)
    warm = {"start": {"kind": "from_experiment", "id": "x"}, **fields}
    start, _ = start_of(kind, initial_parameters=final, **warm)
    assert start.keys() == final.keys()
    for name, array in final.items():
        assert np.array_equal(start[name], array)
    shorter = {name: array[:-1] for name, array in final.items()}
    with pytest.raises(SpecError, match=r"can't continue from that experiment: its \w+ has shape"):
        start_of(kind, initial_parameters=shorter, **warm)
    last = list(final)[-1]
    incomplete = {name: array for name, array in final.items() if name != last}
    with pytest.raises(SpecError, match=f"it has no {last}"):
        start_of(kind, initial_parameters=incomplete, **warm)
    with pytest.raises(ValueError, match="needs initial parameters"):
        start_of(kind, **warm)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_teacher_with_memory_remembers_longer_and_is_otherwise_drawn_alike(kind):
    network, drawn = networks.of_teacher(RecurrentTeacher(kind=kind, dim=6, seed=3))
    _, longer = networks.of_teacher(RecurrentTeacher(kind=kind, dim=6, seed=3, memory=50))
    for name in ("weight_ih", "C"):
        assert np.array_equal(drawn[name], longer[name])
    inputs = torch.zeros(1, 40, 2, 1, dtype=torch.float64)
    inputs[0, 0, 0] = 1.0
    kept = []
    for weights in (drawn, longer):
        tensors = {name: torch.from_numpy(w)[None] for name, w in weights.items()}
        (*_, (states, _)) = network.unroll(tensors, inputs)
        kept.append(float((states[0, 0] - states[0, 1]).abs().max()))
    assert kept[1] > 1e3 * kept[0]
    if kind != "tanh_rnn":
        gate = longer["bias_ih"][6:12] + longer["bias_hh"][6:12]
        assert (gate >= 0).all()
        assert (gate <= np.log(49)).all()
