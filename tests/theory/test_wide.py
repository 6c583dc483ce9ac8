"""The infinitely wide student: tangent kernel, trained response, and wide finite students."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from core import students
from core.losses import Target, loss_matrix, target_of
from core.metrics import gauss_newton_sharpness
from core.run import run
from core.spec import ExperimentSpec, LinearStudent, Training, WideStart
from core.systems import controllability_columns, impulse_response, observability_rows
from core.theory.wide import learning_rates, rates_of, trained_response

START = {"kind": "wide", "variance_a": 0.5, "variance_b": 1.5, "variance_c": 0.7}


def test_the_tangent_kernel_of_a_wide_student_is_diagonal():
    """Measured / formula is 0.97 to 1.02 at width 1500; the rest of the kernel is O(d^-1/2)."""
    student = LinearStudent.model_validate(
        {"kind": "linear", "dim": 1500, "structure": "general", "start": START}
    )
    system, k = students.start(student, 0, 1, 1), 6
    G, H = observability_rows(system, k)[:, 0], controllability_columns(system, k)[..., 0]
    GG, HH, of = G @ G.T, H @ H.T, learning_rates(1500)
    kernel = of.B * GG + of.C * HH
    for j, i, r, s in itertools.product(range(k), repeat=4):  # ∂h_j/∂A = Σ_r G_rᵀ H_{j-1-r}ᵀ
        if r < j and s < i:
            kernel[j, i] += of.A * GG[r, s] * HH[j - 1 - r, i - 1 - s]
    rates = rates_of(WideStart.model_validate(START), k)
    np.testing.assert_allclose(np.diagonal(kernel), rates, rtol=0.1)
    assert np.abs(kernel - np.diag(np.diagonal(kernel))).max() < 0.1 * rates.max()
    target = Target(np.zeros((k + 1, 1, 1)), np.eye(k))
    assert gauss_newton_sharpness(system, student, target, of) == pytest.approx(
        2 * np.linalg.eigvalsh(kernel)[-1]
    )


def test_the_rates_agree_with_the_derivation():
    j, (a, b, c) = np.arange(5), (0.5, 1.5, 0.7)
    np.testing.assert_allclose(
        rates_of(WideStart.model_validate(START), 5), a**j * (b + c) + j * a ** (j - 1.0) * b * c
    )
    frozen = WideStart(kind="wide", variance_a=0.0)
    assert rates_of(frozen, 4).tolist() == [2, 1, 0, 0]


MATRICES = {
    "white": loss_matrix(Training(length=4)),
    "all outputs": loss_matrix(Training.model_validate({"length": 4, "outputs": "all"})),
    "two sequences": loss_matrix(
        Training.model_validate({"length": 4, "loss": {"kind": "finite_sample", "sequences": 2}})
    ),
}


def gaussian(shape=(7, 1, 1), seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("M", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("rates", [np.array([2.0, 1.5, 0.5, 0.1]), np.array([2.0, 1.0, 0.0, 0.0])])
def test_the_trained_response_solves_its_differential_equation(M, rates):
    start, teacher = gaussian(seed=1), gaussian(seed=2)
    error = solve_ivp(
        lambda _, e: -2 * rates * (M @ e),
        (0, 1.7),
        (start - teacher)[:4].ravel(),
        rtol=1e-11,
        atol=1e-13,
    ).y[:, -1]
    response = trained_response(start, teacher, M, rates=rates, time=1.7)
    np.testing.assert_allclose((response - teacher)[:4].ravel(), error, atol=1e-8)
    np.testing.assert_array_equal(response[4:], start[4:])


@pytest.mark.parametrize("M", MATRICES.values(), ids=MATRICES)
def test_the_trained_response_with_lr_equals_the_iteration(M):
    rates, start, teacher = np.array([2.0, 1.5, 0.5, 0.1]), gaussian(seed=1), gaussian(seed=2)
    error = (start - teacher)[:4].ravel()
    for _ in range(30):
        error = error - 0.05 * 2 * rates * (M @ error)
    response = trained_response(start, teacher, M, rates=rates, time=1.5, lr=0.05)
    np.testing.assert_allclose((response - teacher)[:4].ravel(), error, atol=1e-12)


def test_on_white_inputs_each_lag_decays_independently():
    rates, start, teacher = (
        np.array([2.0, 1.5, 0.5, 0.1]),
        gaussian((3, 7, 2, 1), 1),
        gaussian((7, 2, 1), 2),
    )
    response = trained_response(start, teacher, np.eye(4), rates=rates, time=0.8)
    decay = np.exp(-2 * rates * 0.8)[:, None, None]
    np.testing.assert_allclose(
        response[:, :4], teacher[:4] + decay * (start - teacher)[:, :4], atol=1e-13
    )


def test_few_sequences_are_fitted_with_the_least_rate_weighted_norm():
    """min Σ h_j² / ρ_j subject to Z h = Z ĥ has the solution h = P Zᵀ (Z P Zᵀ)⁻¹ Z ĥ."""
    rates, teacher = np.array([2.0, 1.5, 0.5, 0.1]), gaussian()
    Z = gaussian((2, 4), 5)
    P = np.diag(rates)
    least_norm = P @ Z.T @ np.linalg.solve(Z @ P @ Z.T, Z @ teacher[:4].ravel())
    response = trained_response(np.zeros((7, 1, 1)), teacher, Z.T @ Z / 2, rates=rates, time=np.inf)
    np.testing.assert_allclose(response[:4].ravel(), least_norm, atol=1e-12)


def test_a_wide_student_trains_as_predicted_and_does_not_extrapolate():
    """Within the length each lag decays exponentially; past it nothing changes."""
    d, k, lr, steps = 400, 4, 0.02, 40
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {
                "kind": "balanced",
                "eigenvalues": {"kind": "list", "values": [1.0]},
                "weights": [0.5],
            },
            "student": {"kind": "linear", "dim": d, "structure": "general", "start": START},
            "training": {"length": k},
            "optimizer": {"lr": lr, "steps": steps, "rates": learning_rates(d).model_dump()},
            "evaluation": {"horizon": 8, "points": 2},
            "seeds": 1,
        }
    )
    target = target_of(spec)
    (r,) = run(spec).runs
    start = impulse_response(students.start(spec.student, 0, 1, 1), 8)
    rates = rates_of(spec.student.start, k)
    predicted = trained_response(
        start, target.response, target.M, rates=rates, time=lr * steps, lr=lr
    ).ravel()
    change = np.abs(predicted - start.ravel()).max()
    assert change > 0.3
    np.testing.assert_allclose(r.response, predicted, atol=0.15 * change)
    assert r.summary["relative_extrapolation_error"] > 0.7
