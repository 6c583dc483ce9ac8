"""Networks on sequences: torch.nn's own layers, finite differences and plain simulation are what they agree with."""

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


def drawn(*shape):
    return torch.from_numpy(GENERATOR.standard_normal(shape))


def weights_of(network, seeds, scale=0.5):
    return {name: scale * drawn(seeds, *shape) for name, shape in network.shapes.items()}


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
def test_states_outputs_and_gradients_are_those_of_torch_nn(kind, shape):
    seeds, length, sequences, d, m, p = shape
    network = networks.Recurrent(kind, d, m, p)
    weights, inputs = weights_of(network, seeds), drawn(seeds, length, sequences, m)
    pull = drawn(seeds, length, sequences, p)
    ours = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    outputs = network.outputs(ours, inputs, last=False)
    slopes = torch.autograd.grad((outputs * pull).sum(), list(ours.values()))
    walked = list(network.walk(weights, inputs))
    for seed in range(seeds):
        layer, C = layer_with(kind, weights, seed), weights["C"][seed].clone().requires_grad_()
        states = layer(inputs[seed].transpose(0, 1))[0].transpose(0, 1)
        theirs = states @ C.mT
        parameters = [*(getattr(layer, f"{name}_l0") for name in NAMES), C]
        expected = torch.autograd.grad((theirs * pull[seed]).sum(), parameters)
        torch.testing.assert_close(outputs[seed], theirs, **EXACT)
        torch.testing.assert_close(
            torch.stack([state[seed] for state, _ in walked]), states, **EXACT
        )
        torch.testing.assert_close(
            torch.stack([output[seed] for _, output in walked]), theirs, **EXACT
        )
        for slope, reference in zip(slopes, expected, strict=True):
            torch.testing.assert_close(slope[seed], reference, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_is_that_of_finite_differences(kind, last):
    network, inputs = networks.Recurrent(kind, 3, 2, 1), drawn(2, 4, 3, 2)
    weights = [weight.requires_grad_() for weight in weights_of(network, 2).values()]

    def outputs(*given):
        return network.outputs(dict(zip(network.shapes, given, strict=True)), inputs, last=last)

    assert torch.autograd.gradcheck(outputs, weights, eps=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_last_state_is_the_last_of_all(kind):
    weights, inputs = weights_of(networks.Recurrent(kind, 4, 1, 1), 2), drawn(1, 6, 3, 1)
    every = scan(CELLS[kind], weights, inputs, last=False)
    assert torch.equal(scan(CELLS[kind], weights, inputs, last=True), every[:, -1:])
    assert every.shape == (2, 6, 3, 4)


SHAPES = {
    "general": {"structure": "general"},
    "diagonal": {"structure": "diagonal"},
    "tied": {"structure": "symmetric", "tied": True},
    "readout": {"structure": "general", "readout": {"width": 4, "layers": 2}},
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("last", [True, False])
def test_a_linear_network_convolves_to_what_it_walks_to(changes, last):
    network = networks.of_student(student(kind="linear", dim=5, **changes), 2, 2)
    weights, inputs = weights_of(network, 3), drawn(3, 6, 4, 2)
    walked = torch.stack([output for _, output in network.walk(weights, inputs)], 1)
    outputs = network.outputs(weights, inputs, last=last)
    torch.testing.assert_close(outputs, walked[:, -1:] if last else walked, **EXACT)
    shared = network.outputs(weights, inputs[:1], last=last)
    torch.testing.assert_close(shared[0], outputs[0], **EXACT)


def test_the_answer_of_a_linear_network_to_an_impulse_is_its_response():
    network = networks.of_student(student(kind="linear", dim=5, structure="general"), 2, 3)
    weights = weights_of(network, 2)
    impulses = torch.zeros(1, 9, 2, 2, dtype=torch.float64)
    impulses[0, 0] = torch.eye(2)
    system = teachers.LinearSystem(*(weights[name].numpy() for name in "ABC"))
    answer = torch.stack([output for _, output in network.walk(weights, impulses)], 1).transpose(
        2, 3
    )
    np.testing.assert_allclose(answer, impulse_response(system, 9), **EXACT)


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
def test_a_teacher_is_of_its_seed_and_starts_as_the_library_does(kind):
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
    every = np.concatenate([weight.ravel() for weight in first.values()])
    assert np.abs(every).max() > 0.19
    assert every.var() == pytest.approx(0.04 / 3, rel=0.1)  # uniform on [-0.2, 0.2]


def start_of(kind="gru", seed=0, inherited=None, **fields):
    made = student(kind=kind, dim=16, **fields)
    network = networks.of_student(made, 1, 1)
    return networks.start(made, network.shapes, seed, (1, 1), inherited), network.shapes


def test_a_scaled_start_is_gaussian_and_the_same_draw_at_any_scale():
    small, shapes = start_of(start={"kind": "gaussian", "scale": 1e-3})
    large, _ = start_of(start={"kind": "gaussian", "scale": 1.0})
    assert {name: array.shape for name, array in small.items()} == dict(shapes)
    for name, array in small.items():
        np.testing.assert_allclose(1e3 * array, large[name], rtol=1e-12)
    every = np.concatenate([array.ravel() for array in large.values()])
    assert every.std() == pytest.approx(1 / 4, rel=0.1)


def test_a_readout_leaves_the_linear_start_as_it_is():
    made, _ = start_of("linear", seed=3, readout={"width": 7, "scale": 0.1})
    plain = students.start(student(kind="linear", dim=16), 3, 1, 1)
    assert [np.array_equal(made[name], getattr(plain, name)) for name in "ABC"] == [True] * 3
    assert [made[name].shape for name in ("W1", "W2", "W3")] == [(7, 1), (7, 7), (1, 7)]
    assert made["W2"].std() == pytest.approx(0.1, rel=0.3)


@pytest.mark.parametrize("kind", ["gru", "linear"])
def test_an_inherited_start_is_taken_by_name_and_refused_in_other_shapes(kind):
    fields = {"readout": {"width": 3}} if kind == "linear" else {}
    origin, _ = start_of(kind, seed=8, **fields)
    go_on = {"start": {"kind": "from_experiment", "id": "x"}, **fields}
    taken, _ = start_of(kind, inherited=origin, **go_on)
    assert {name: array.tolist() for name, array in taken.items()} == {
        n: a.tolist() for n, a in origin.items()
    }
    with pytest.raises(SpecError, match="can't be gone on from"):
        start_of(kind, inherited={name: array[:-1] for name, array in origin.items()}, **go_on)
    last = list(origin)[-1]
    with pytest.raises(SpecError, match="missing"):
        start_of(
            kind, inherited={name: array for name, array in origin.items() if name != last}, **go_on
        )
    with pytest.raises(ValueError, match="needs the parameters"):
        start_of(kind, **go_on)
