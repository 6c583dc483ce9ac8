"""The closed-form gradient agrees with automatic differentiation and finite differences."""

import itertools

import numpy as np
import pytest
import torch

from core.cost import LONG_LENGTH
from core.losses import Target
from core.spec import LinearStudent
from core.training.closed_form.gradient import gradient_of
from core.training.layout import LinearLayout

STRUCTURES = ("symmetric", "general", "diagonal")
CHANNELS = ((1, 1), (2, 2), (2, 3))


def make(structure, *, tied, trained, channels, length=6, dim=5, seeds=3):
    generator = np.random.default_rng([len(structure), tied, *channels, length])
    inputs, outputs = channels
    student = LinearStudent(kind="linear", dim=dim, structure=structure, tied=tied, trained=trained)
    layout = LinearLayout(student, inputs, outputs)
    root = generator.standard_normal((length, length))
    target = Target(generator.standard_normal((length + 3, outputs, inputs)), root @ root.T)
    flat = torch.tensor(generator.standard_normal((seeds, layout.size)) / 2)
    if structure == "symmetric":
        A = layout.views(flat)["A"]
        A.copy_((A + A.mT) / 2)
    return layout, target, flat


def naive_loss(layout, target, flat):
    """The loss by the recurrence, step by step, with A symmetrised inside."""
    views = layout.views(flat)
    A, B = views["A"], views["B"]
    C = views.get("C", B.mT)
    if layout.student.structure == "diagonal":
        A = torch.diag_embed(A)
    if layout.student.structure == "symmetric":
        A = (A + A.mT) / 2
    state, response = B, []
    for _ in range(target.length):
        response.append(C @ state)
        state = A @ state
    error = torch.stack(response, 1) - torch.tensor(target.response[: target.length])
    return torch.einsum("jl,sjpm,slpm->s", torch.tensor(target.M), error, error)


LONG_CASES = [
    (structure, tied, ("A", "B", "C"), channels, LONG_LENGTH)
    for structure, tied, channels in itertools.product(
        ("symmetric", "general"), (False, True), CHANNELS
    )
    if not tied or channels[0] == channels[1]
]
CASES = [
    (structure, tied, trained, channels, length)
    for structure, tied, trained, channels, length in itertools.product(
        STRUCTURES, (False, True), (("A", "B", "C"), ("A",), ("B", "C")), CHANNELS, (1, 2, 6)
    )
    if not tied or channels[0] == channels[1]
]


@pytest.mark.parametrize(("structure", "tied", "trained", "channels", "length"), CASES + LONG_CASES)
def test_the_gradient_agrees_with_automatic_differentiation(
    structure, tied, trained, channels, length
):
    layout, target, flat = make(
        structure, tied=tied, trained=trained, channels=channels, length=length
    )
    loss, gradient = gradient_of(layout, target, torch.float64, torch.device("cpu"))(flat)
    leaf = flat.clone().requires_grad_()
    naive = naive_loss(layout, target, leaf)
    (derivative,) = torch.autograd.grad(naive.sum(), leaf)
    for name, view in layout.views(derivative).items():
        if name not in trained:
            view.zero_()
    torch.testing.assert_close(loss, naive.detach(), rtol=1e-12, atol=1e-12)
    largest = float(derivative.abs().max())
    torch.testing.assert_close(gradient, derivative, rtol=1e-10, atol=1e-10 * max(1, largest))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_gradient_agrees_with_finite_differences(structure):
    layout, target, flat = make(
        structure, tied=False, trained=("A", "B", "C"), channels=(1, 1), seeds=1
    )
    compute = gradient_of(layout, target, torch.float64, torch.device("cpu"))
    _, gradient = compute(flat)
    h = 1e-4
    for i in range(layout.size):
        shift = torch.zeros_like(flat)
        shift[0, i] = h
        near, far = (
            naive_loss(layout, target, flat + n * shift)
            - naive_loss(layout, target, flat - n * shift)
            for n in (1, 2)
        )
        assert float(8 * near - far) / (12 * h) == pytest.approx(
            float(gradient[0, i]), rel=1e-7, abs=1e-7
        )


def test_a_seeds_gradient_does_not_depend_on_the_other_seeds():
    layout, target, flat = make("general", tied=False, trained=("A", "B", "C"), channels=(1, 1))
    compute = gradient_of(layout, target, torch.float64, torch.device("cpu"))
    loss, together = compute(flat)
    for seed in range(len(flat)):
        alone_loss, alone = compute(flat[seed : seed + 1])
        torch.testing.assert_close(together[seed : seed + 1], alone, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(loss[seed : seed + 1], alone_loss, rtol=1e-12, atol=0)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("channels", "length"), [((1, 1), 6), ((2, 2), 6), ((1, 1), 1)])
@pytest.mark.parametrize("trained", [("A", "B", "C"), ("B", "C")])
def test_full_norms_are_those_of_the_dense_student(tied, channels, length, trained):
    """They count every entry of the gradient at A = diag(a), not only its diagonal."""
    layout, target, flat = make(
        "diagonal", tied=tied, trained=trained, channels=channels, length=length
    )
    dense, *_ = make("general", tied=tied, trained=trained, channels=channels, length=length)
    views = layout.views(flat)
    A = torch.diag_embed(views["A"])
    dense_flat = torch.cat(
        [A.flatten(1), *(views[name].flatten(1) for name in layout.names if name != "A")], 1
    )
    cpu = torch.device("cpu")
    _, gradient = gradient_of(dense, target, torch.float64, cpu)(dense_flat)
    expected = sum(block.norm(dim=1) for block in dense.blocks(gradient))
    ours = gradient_of(layout, target, torch.float64, cpu).sum_of_full_norms(flat)
    torch.testing.assert_close(ours, expected[:, None])
