"""Metrics agree with their definitions, and survive students that overflow."""

import numpy as np
import pytest
import torch

from core.caveats import undefined
from core.losses import Target
from core.metrics import (
    Reference,
    effective_rank,
    errors,
    gauss_newton_sharpness,
    imbalance,
    measure,
    response_metrics,
    sharpness,
)
from core.metrics.invariants import invariant_drift
from core.metrics.spectrum import spectral_distance, state_effective_rank
from core.result import SERIES
from core.run import run
from core.spec import ExperimentSpec, LinearStudent, Rates
from core.systems import (
    LinearSystem,
    eigenvalues,
    hankel_singular_values,
    impulse_response,
    real_spectrum,
    visible_spectrum,
    weighted_spectrum,
)
from tests.unit.core.test_gradient import CASES, make, naive_loss

STUDENT = LinearStudent(kind="linear", dim=3, structure="general")


def batch(*matrices):
    """Systems of one input and output with these A."""
    A = np.array(matrices, dtype=float)
    ones = np.ones((*A.shape[:2], 1))
    return LinearSystem(A, ones, ones.swapaxes(1, 2))


def test_errors_depend_on_their_lags_only():
    target = Target(np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1), np.eye(2))
    response = np.array([1.5, 2.0, 3.0, 3.0]).reshape(1, 4, 1, 1)
    assert errors.fit_error(response, target) == [0.5]
    assert errors.extrapolation_error(response, target) == [1.0]
    assert errors.extrapolation_error_rms(response, target) == pytest.approx([np.sqrt(0.5)])
    assert errors.train_loss(response, target) == [0.25]
    assert errors.zero_baseline(target) == 4.0


def test_a_large_error_has_a_finite_rms():
    target = Target(np.zeros((4, 1, 1)), np.eye(2))
    response = np.full((1, 4, 1, 1), 1e200)
    assert errors.extrapolation_error_rms(response, target) == pytest.approx([1e200])
    assert errors.extrapolation_error_rms(0 * response, target) == [0]


def test_the_rank_of_the_hankel_matrix_is_the_order_of_the_system():
    generator = np.random.default_rng(5)
    system = LinearSystem(
        np.diag([0.9, -0.5, 0.3]),
        generator.standard_normal((3, 1)),
        generator.standard_normal((1, 3)),
    )
    values = hankel_singular_values(system, 20)
    assert values.shape == (10,)
    assert (values > 1e-10).sum() == 3


@pytest.mark.parametrize(("dim", "horizon"), [(3, 20), (12, 20), (3, 21), (5, 2)])
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_hankel_values_are_the_singular_values_of_the_matrix_of_responses(dim, horizon, channels):
    generator = np.random.default_rng([dim, horizon])
    m, p = channels
    shapes = ((2, dim, dim), (2, dim, m), (2, p, dim))
    system = LinearSystem(*(generator.standard_normal(shape) / 2 for shape in shapes))
    response, n = impulse_response(system, horizon), horizon // 2
    expected = [
        np.linalg.svdvals(np.block([[h[r + s] for s in range(n)] for r in range(n)]))
        for h in response
    ]
    np.testing.assert_allclose(
        hankel_singular_values(system, horizon), expected, atol=1e-12 * np.max(expected)
    )


def test_effective_rank_counts_equal_values():
    assert effective_rank(np.array([[2.0, 2.0, 2.0, 0.0]])) == pytest.approx([3])
    assert effective_rank(np.full((1, 2), 1e308)) == pytest.approx([2])
    assert effective_rank(np.zeros((1, 4))) == [0]


def test_eigenvalues_fall_in_absolute_value():
    values = eigenvalues(np.array([[[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, -3.0]]]))
    np.testing.assert_allclose(values, [[-3, 2j, -2j]], atol=1e-12)


def test_imbalance_is_the_distance_of_b_and_c():
    system = LinearSystem(np.zeros((1, 2, 2)), np.array([[[1.0], [2.0]]]), np.array([[[1.0, 0.0]]]))
    assert imbalance(system) == [2.0]


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
    assert sharpness(batch([[0.0]]), student, target) == pytest.approx([-38])
    assert gauss_newton_sharpness(batch([[0.0]]), student, target) == pytest.approx([2])


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
def test_a_student_that_overflows_does_not_affect_the_others(structure):
    student = STUDENT.model_copy(update={"structure": structure})
    target = Target(np.ones((12, 1, 1)), np.eye(4))
    finite, exploded, huge = np.eye(3) / 2, np.full((3, 3), np.nan), np.full((3, 3), 1e200)
    spectrum = (np.ones(1), np.ones(1))
    in_batch, by_itself = (
        measure(systems, Reference(student, target, start=systems, spectrum=spectrum))
        for systems in (batch(finite, exploded, huge), batch(finite))
    )
    assert in_batch.keys() == {*SERIES, "zero_baseline"} - {"time"}
    for name, values in in_batch.items():
        np.testing.assert_array_equal(values[0], by_itself[name][0], err_msg=name)
    assert np.isnan(in_batch["train_loss"][1])
    for name in ("train_loss", "fit_error", "extrapolation_error", "extrapolation_error_rms"):
        assert np.isinf(in_batch[name][2])


def test_errors_past_the_range_of_float64_are_infinite():
    """Both responses overflow: their difference is not known, but not small either."""
    lags = np.arange(1200)
    with np.errstate(over="ignore"):
        teacher, student = (batch([[pole]]) for pole in (2.0, 1.9999))
        target = Target(impulse_response(teacher, len(lags))[0], np.eye(3))
        response = impulse_response(student, len(lags))
    measured = response_metrics(response, target, 1e-3)
    infinite = {name for name, values in measured.items() if np.isinf(values[0])}
    assert infinite == {"extrapolation_error", "extrapolation_error_rms", "zero_baseline"}
    assert {name for name, values in measured.items() if np.isnan(values[0])} == {
        "relative_extrapolation_error",
        "sequence_extrapolation_error",
    }
    for sentence in undefined({name: values[0] for name, values in measured.items()}):
        assert "relative_extrapolation_error and sequence_extrapolation_error are" in sentence
    assert measured["extrapolation_horizon"] == [5]
    long = Target(target.response, np.eye(1100))
    measured = response_metrics(response, long, 1e-3)
    assert {"train_loss", "fit_error"} <= {
        name for name, values in measured.items() if np.isinf(values[0])
    }


def test_sequence_errors_are_computed_although_squares_leave_the_range_of_float64():
    teacher, student = (batch([[pole]]) for pole in (1.5, 1.5 * (1 - 1e-4)))
    target = Target(impulse_response(teacher, 1700)[0], np.eye(3))
    relative = errors.sequence_errors(impulse_response(student, 1700), target)[0]
    lags = np.arange(1700)
    # both sums are geometric, and the last 100 terms are all of them to 16 digits
    near = np.array(
        [
            np.average(
                (1 - (1 - 1e-4) ** lags[t - 100 : t + 1]) ** 2, weights=2.25 ** np.arange(101.0)
            )
            for t in range(800, 1700)
        ]
    )
    np.testing.assert_allclose(relative[800:], near, rtol=1e-9)


def test_a_response_of_several_states_overflows_to_infinity():
    rotating = LinearSystem(
        1.1 * np.array([[[0.6, -0.8], [0.8, 0.6]]]), np.ones((1, 2, 1)), np.ones((1, 1, 2))
    )
    with np.errstate(all="ignore"):
        response = impulse_response(rotating, 9000)
        unknown = impulse_response(LinearSystem(rotating.A * np.nan, rotating.B, rotating.C), 5)
    assert np.isinf(response[0, -1])
    assert not np.isnan(response).any()
    assert np.isnan(unknown[0, 1:]).all()


def of_rows(*rows):
    return np.array(rows, dtype=float)[..., None, None]


def test_the_extrapolation_horizon_is_the_first_lag_past_the_tolerance():
    target = Target(of_rows([0.5, 2, 1, 1, 1])[0], np.eye(2))
    response = of_rows(
        [0.5, 2, 1, 1, 1], [0.5, 2, 1, 1.3, 1], [0.5, 2, 1.1, 1.3, 1], [0, 2, 1, 1, 1], [np.nan] * 5
    )
    assert errors.extrapolation_horizon(response, target, 0.1).tolist() == [5, 3, 3, 0, 0]


def test_sequence_errors_agree_with_simulated_gaussian_inputs():
    generator = np.random.default_rng(0)
    teacher, student = generator.standard_normal((2, 5, 2, 3)) / (1 + np.arange(5))[:, None, None]
    x = generator.standard_normal((200_000, 5, 3))
    outputs = [sum(x[:, 4 - j] @ h[j].T for j in range(5)) for h in (student, teacher)]
    simulated = np.mean((outputs[0] - outputs[1]) ** 2) / np.mean(outputs[1] ** 2)
    target = Target(teacher, np.eye(3))
    exact = errors.sequence_errors(student[None], target)
    assert exact[0, 4] == pytest.approx(simulated, rel=0.02)
    assert errors.sequence_fit_error(student[None], target) == exact[:, :3].max()
    assert errors.sequence_extrapolation_error(student[None], target) == exact[:, 3:].max()


def test_sequence_errors_are_undefined_only_if_the_teacher_is_silent_to_the_end():
    delay = Target(of_rows([0, 0, 2, 0])[0], np.eye(2))
    responses = of_rows([0, 0, 2, 0], [1, 0, 2, 0])
    np.testing.assert_array_equal(errors.sequence_errors(responses, delay), [[0] * 4, [0.25] * 4])
    silent = Target(np.zeros((4, 1, 1)), np.eye(2))
    undefined = errors.sequence_errors(of_rows([0] * 4, [0, 1, 0, 0]), silent)
    assert np.isnan(undefined).all()


def test_a_relative_error_without_a_baseline_is_undefined():
    delay = Target(of_rows([0, 2, 0, 0])[0], np.eye(2))
    metrics = response_metrics(of_rows([0, 2, 0, 0], [0, 2, 0, 3], [0, 2, 0, np.inf]), delay, 1e-3)
    assert np.isnan(metrics["relative_extrapolation_error"]).all()
    assert metrics["extrapolation_error"].tolist() == [0, 3, np.inf]
    beyond = Target(of_rows([0, 2, 0, 1e-300])[0], np.eye(2))
    metrics = response_metrics(of_rows([0, 2, 0, 1e300]), beyond, 1e-3)
    assert metrics["relative_extrapolation_error"].tolist() == [np.inf], "too large, not undefined"


def systems_of(structure, channels, seed, dim=4):
    generator = np.random.default_rng(seed)
    m, p = channels
    A, B, C = (
        generator.standard_normal((2, *shape)) / 2 for shape in ((dim, dim), (dim, m), (p, dim))
    )
    if structure == "symmetric":
        A = (A + A.swapaxes(1, 2)) / 2
    return LinearSystem(A * np.eye(dim) if structure == "diagonal" else A, B, C)


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_poles_and_weights_give_the_response(structure, channels):
    system = systems_of(structure, channels, 3)
    poles, weights = weighted_spectrum(system)
    powers = poles[:, None] ** np.arange(9)[:, None]
    response = np.einsum("sji,siom->sjom", powers, weights)
    np.testing.assert_allclose(response, impulse_response(system, 9), atol=1e-12)
    np.testing.assert_allclose(np.abs(poles), np.abs(eigenvalues(system.A)), rtol=1e-10)
    assert (np.diff(np.abs(poles)) <= 0).all()


def test_a_real_spectrum_does_not_depend_on_the_coordinates():
    basis = np.array([[1.0, 2.0], [1.0, 3.0]])
    A = basis @ np.diag([0.9, -0.5]) @ np.linalg.inv(basis)
    poles, weights = real_spectrum(
        LinearSystem(A, basis @ np.ones((2, 1)), np.array([[2.0, 3.0]]) @ np.linalg.inv(basis))
    )
    np.testing.assert_allclose(poles, [0.9, -0.5])
    np.testing.assert_allclose(weights.ravel(), [2, 3])
    delay = LinearSystem(np.eye(3, k=-1), np.ones((3, 1)), np.ones((1, 3)))
    rotation = LinearSystem(np.array([[0.0, -1.0], [1.0, 0.0]]), np.ones((2, 1)), np.ones((1, 2)))
    assert real_spectrum(delay) is real_spectrum(rotation) is None


def test_the_visible_spectrum_merges_equal_poles_and_omits_invisible_ones():
    system = LinearSystem(
        np.diag([0.5, 0.9, 0.5, 0.3]), np.array([[1.0], [1], [2], [0]]), np.ones((1, 4))
    )
    poles, weights = visible_spectrum(system)
    np.testing.assert_allclose(poles, [0.5, 0.9])
    np.testing.assert_allclose(weights.ravel(), [3, 1])


@pytest.mark.parametrize(
    ("poles", "weights", "expected"),
    [
        ([0.9, -0.5], [2.0, 6.0], 0.0),  # the teacher, with twice the weights
        (
            [0.9, 0.9, -0.5, 0.2],
            [0.5, 0.5, 3.0, 0.0],
            0.0,
        ),  # a repeated pole and an invisible one
        ([0.9, -0.5, 0.9 + 1e-12], [2.0, 3.0, -1.0], 0.0),  # equal poles, weights of both signs
        ([0.7, -0.5], [1.0, 3.0], 0.25 * 0.2),
        ([-0.5], [1.0], 0.25 * 1.4),
        (
            [0.9, -0.5],
            [1.0, -3.0],
            0.75 * 2,
        ),  # opposite sign: 0.75 leaves and 0.75 enters, 1 away on average
    ],
)
def test_spectral_distance_is_the_distance_that_weight_must_travel(poles, weights, expected):
    teacher = np.array([0.9, -0.5]), np.array([1.0, 3.0])
    (distance,) = spectral_distance(np.array([poles]), np.array([weights]), *teacher)
    assert distance == pytest.approx(expected, abs=1e-12)


def test_spectral_distance_of_probability_measures_equals_scipys():
    scipy_stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(1)
    u, v, wu, wv = (
        generator.uniform(-1, 1, 6),
        generator.uniform(-1, 1, 3),
        generator.random(6),
        generator.random(3),
    )
    expected = scipy_stats.wasserstein_distance(u, v, wu, wv)
    assert spectral_distance(u[None], wu[None], v, wv) == pytest.approx([expected], rel=1e-12)
    assert spectral_distance(v[None], -wv[None], u, -wu) == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("horizon", [2, 30])
def test_state_effective_rank_agrees_with_the_summed_gramian(horizon):
    system = systems_of("general", (2, 1), 4)
    P = sum(
        power @ system.B @ system.B.swapaxes(1, 2) @ power.swapaxes(1, 2)
        for power in (np.linalg.matrix_power(system.A, s) for s in range(horizon))
    )
    expected = effective_rank(np.maximum(np.linalg.eigvalsh(P), 0))
    np.testing.assert_allclose(state_effective_rank(system, horizon), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("structure", "trained", "conserved"),
    [
        ("general", "ABC", lambda A, B, C: A @ A.T - A.T @ A + B @ B.T - C.T @ C),
        ("general", "BC", lambda A, B, C: np.sum(B**2) - np.sum(C**2)),
        ("symmetric", "ABC", lambda A, B, C: np.sum(B**2) - np.sum(C**2)),
        ("diagonal", "ABC", lambda A, B, C: np.sum(B**2, axis=1) - np.sum(C**2, axis=0)),
        ("symmetric", "AB", lambda A, B, C: np.nan),
    ],
)
@pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
def test_invariant_drift_is_the_distance_of_the_conserved_quantity(
    structure, trained, conserved, channels
):
    now, then = (systems_of(structure, channels, seed) for seed in (5, 6))
    student = LinearStudent(kind="linear", dim=4, structure=structure, trained=tuple(trained))
    values = [
        [conserved(system.A[i], system.B[i], system.C[i]) for i in range(2)]
        for system in (now, then)
    ]
    expected = [np.linalg.norm(a - b) for a, b in zip(*values, strict=True)]
    np.testing.assert_allclose(invariant_drift(now, then, student), expected, rtol=1e-12)
    tied = student.model_copy(update={"tied": True})
    assert invariant_drift(now, then, tied).tolist() == [0, 0]


@pytest.mark.parametrize("rates", [Rates(), Rates(A=0.3, B=1.0, C=0.1)])
def test_the_drift_of_gd_is_proportional_to_the_step_for_all_rates(rates):
    def drift(lr):
        spec = ExperimentSpec.model_validate({
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
            "student": {
                "kind": "linear", "dim": 5, "structure": "general", "start": {"scale": 0.5}
            },
            "training": {"length": 5},
            "optimizer": {"lr": lr, "steps": round(4 / lr), "rates": rates.model_dump()},
            "evaluation": {"points": 2},
            "seeds": 1,
        })  # fmt: skip
        return run(spec).runs[0].summary["invariant_drift"]

    coarse, fine = drift(0.01), drift(0.005)
    assert coarse < 0.1
    assert coarse / fine == pytest.approx(2, rel=0.1)


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
