"""Sharpness is the top eigenvalue of the Hessian, over the parameters that are trained."""

import numpy as np
import pytest
import torch

from core.losses import Target
from core.metrics import gauss_newton_sharpness, sharpness
from core.spec import LinearStudent, Rates
from core.systems import LinearSystem, impulse_response
from tests.unit.core.test_gradient import CASES, make, naive_loss


def hessian_of(layout, target, flat, scale=None):
    """The Hessian over the trained parameters θ / ``scale``, by automatic differentiation."""
    scale = torch.ones_like(flat) if scale is None else scale
    hessian = torch.autograd.functional.hessian(
        lambda leaf: naive_loss(layout, target, scale * leaf).sum(), flat / scale
    )
    trained = torch.zeros_like(flat)
    for name, view in layout.views(trained).items():
        view.fill_(float(name in layout.student.trained))
    kept = np.flatnonzero(trained.numpy())
    return hessian.reshape(layout.size, layout.size).numpy()[np.ix_(kept, kept)]


@pytest.mark.parametrize(("structure", "tied", "trained", "channels", "length"), CASES)
def test_sharpness_is_the_top_eigenvalue_of_the_hessian(structure, tied, trained, channels, length):
    layout, target, flat = make(
        structure, tied=tied, trained=trained, channels=channels, length=length, seeds=1
    )
    systems = layout.systems(flat)
    expected = np.linalg.eigvalsh(hessian_of(layout, target, flat))[-1]
    assert sharpness(systems, layout.student, target) == pytest.approx(
        [expected], rel=1e-8, abs=1e-12
    )
    fitted = Target(impulse_response(systems, target.horizon)[0], target.M)
    expected = np.linalg.eigvalsh(hessian_of(layout, fitted, flat))[-1]
    for metric in (sharpness, gauss_newton_sharpness):
        assert metric(systems, layout.student, fitted) == pytest.approx(
            [expected], rel=1e-8, abs=1e-12
        )
    # Gauss and Newton's part depends on the teacher only through e, which it leaves out.
    assert gauss_newton_sharpness(systems, layout.student, target) == pytest.approx(
        [expected], rel=1e-8, abs=1e-12
    )


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
@pytest.mark.parametrize("scale", [1e-3, 1e-6])
def test_sharpness_is_exact_among_nearly_equal_eigenvalues(structure, scale):
    """At a near-zero start d eigenvalues lie within about ``scale`` of 2 h_0 x 2."""
    layout, target, flat = make(
        structure, tied=False, trained=("A", "B", "C"), channels=(1, 1), dim=9, seeds=1
    )
    flat *= scale
    values = np.linalg.eigvalsh(hessian_of(layout, target, flat))
    assert values[-4] > (1 - 9 * scale) * values[-1]
    systems = layout.systems(flat)
    assert sharpness(systems, layout.student, target) == pytest.approx([values[-1]], rel=1e-8)
    assert gauss_newton_sharpness(systems, layout.student, target)[0] < values[-1] / 100


def test_sharpness_is_negative_where_the_loss_curves_down_in_every_direction():
    """L(a) = 2 (1 - 1)² + a² + (a² - 10)² at a = 0: L'' = 2 - 40."""
    student = LinearStudent(kind="linear", dim=1, structure="diagonal", trained=("A",))
    target = Target(np.array([1.0, 0.0, 10.0, 0.0]).reshape(4, 1, 1), np.eye(3))
    at_zero = LinearSystem(*np.array([0.0, 1.0, 1.0]).reshape(3, 1, 1, 1))
    assert sharpness(at_zero, student, target) == pytest.approx([-38])
    assert gauss_newton_sharpness(at_zero, student, target) == pytest.approx([2])


@pytest.mark.parametrize("rates", [{"A": 2, "B": 3, "C": 0.5}, {"A": 0, "C": 0.1}])
def test_sharpness_with_rates_is_the_curvature_in_rescaled_parameters(rates):
    """θ = R^½ φ makes GD on θ with rates R plain GD on φ; the Hessian is with respect to φ."""
    rates = Rates.model_validate(rates)
    trained = tuple(name for name in "ABC" if getattr(rates, name) > 0)
    layout, target, flat = make(
        "general", tied=False, trained=trained, channels=(1, 1), length=4, seeds=1
    )
    root = torch.ones_like(flat)
    for name, view in layout.views(root).items():
        view.fill_(np.sqrt(getattr(rates, name) or 1.0))
    expected = np.linalg.eigvalsh(hessian_of(layout, target, flat, root))[-1]
    all_trained = layout.student.model_copy(update={"trained": ("A", "B", "C")})
    assert sharpness(layout.systems(flat), all_trained, target, rates) == pytest.approx(
        [expected], rel=1e-8
    )
