"""Gradient flow: its conservation laws, solvable cases, and the limit of gradient descent."""

import numpy as np
import pytest

from core.losses import target_of
from core.run import run
from core.spec import ExperimentSpec
from core.training import advance, begin
from core.training.schedule import training_time

RTOL = 1e-9


def spec_of(structure="symmetric", *, student=None, optimizer=None, **changes):
    return ExperimentSpec.model_validate(
        {
            "teacher": {
                "kind": "balanced",
                "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
                "weights": [0.7, 0.5],
            },
            "student": {
                "kind": "linear",
                "dim": 6,
                "structure": structure,
                "start": {"scale": 0.5},
                **(student or {}),
            },
            "training": {"length": 5},
            "optimizer": {
                "kind": "gradient_flow",
                "time": 5.0,
                "steps": 20,
                "rtol": RTOL,
                **(optimizer or {}),
            },
            "evaluation": {"horizon": 15, "points": 21},
            "seeds": [0, 1],
            **changes,
        }
    )


def path(spec):
    """The systems at every waypoint, batch axis first."""
    state, systems = begin(spec), []
    while True:
        systems.append(state.engine.layout.systems(state.batch.parameters))
        if state.done:
            return systems
        state = advance(state, 1)


def commutators(A, B, C):
    """A Aᵀ - Aᵀ A + B Bᵀ - Cᵀ C."""
    At, Bt, Ct = (matrix.swapaxes(-1, -2) for matrix in (A, B, C))
    return A @ At - At @ A + B @ Bt - Ct @ C


INVARIANTS = {
    "symmetric": lambda A, B, C: (B**2).sum((1, 2)) - (C**2).sum((1, 2)),
    "diagonal": lambda A, B, C: B[:, :, 0] ** 2 - C[:, 0] ** 2,
    "general": commutators,
}


@pytest.mark.parametrize("structure", INVARIANTS)
def test_the_flow_conserves_its_invariants(structure):
    systems = path(spec_of(structure))
    start, *later = (INVARIANTS[structure](system.A, system.B, system.C) for system in systems)
    change = max(
        np.abs(systems[-1].A - systems[0].A).max(), np.abs(systems[-1].B - systems[0].B).max()
    )
    assert change > 0.1, "a flow at rest would conserve anything"
    for invariant in later:
        np.testing.assert_allclose(invariant, start, atol=1e3 * RTOL)


def test_the_imbalance_of_a_symmetric_student_follows_its_law():
    """d(B ∓ Cᵀ)/dt = ± S (B ∓ Cᵀ), S = Σ_j v_j A^j, by central differences along the path."""
    spec = spec_of(optimizer={"steps": 2000})
    systems, times = path(spec), training_time(spec.optimizer, np.arange(2001))
    target, s = target_of(spec), 1000
    before, middle, after = systems[s - 1], systems[s], systems[s + 1]
    for seed in range(2):
        A, B, C = middle.A[seed], middle.B[seed], middle.C[seed]
        powers = [np.linalg.matrix_power(A, j) for j in range(5)]
        v = [
            2 * float((C @ power @ B).item() - target.response[j].item())
            for j, power in enumerate(powers)
        ]
        S = sum(vj * power for vj, power in zip(v, powers, strict=True))
        for sign in (1, -1):
            past, now, next_ = (
                system.B[seed] - sign * system.C[seed].T for system in (before, middle, after)
            )
            rate = (next_ - past) / (times[s + 1] - times[s - 1])
            np.testing.assert_allclose(rate, sign * S @ now, atol=5e-3 * np.abs(S @ now).max())


def test_a_balanced_start_stays_balanced_and_a_symmetric_a_symmetric():
    for system in path(spec_of(student={"start": {"scale": 0.5, "balanced": True}})):
        np.testing.assert_allclose(system.B[:, :, 0], system.C[:, 0], atol=1e3 * RTOL)
        assert np.array_equal(system.A, system.A.swapaxes(1, 2))


@pytest.mark.parametrize("structure", INVARIANTS)
def test_the_loss_falls(structure):
    series = run(spec_of(structure)).series
    for seed in (0, 1):
        rows = zip(series["seed"], series["train_loss"], strict=True)
        losses = [loss for row_seed, loss in rows if row_seed == seed]
        assert (np.diff(losses) < 0).all()


def test_training_only_c_solves_a_linear_equation():
    """With K_j = (A^j b)ᵀ, L = |K c - ĥ|² and c(t) = c* + exp(-2 KᵀK t)(c_0 - c*) on K's rows."""
    spec = spec_of("general", student={"trained": ["C"]}, optimizer={"time": 3.0})
    systems = path(spec)
    target = target_of(spec).response[:5, 0, 0]
    for seed in range(2):
        A, B, start = systems[0].A[seed], systems[0].B[seed], systems[0].C[seed, 0]
        K = np.stack([(np.linalg.matrix_power(A, j) @ B).ravel() for j in range(5)])
        values, vectors = np.linalg.eigh(K.T @ K)
        limit = np.linalg.pinv(K) @ target
        decay = np.exp(-2 * values * 3.0)
        expected = limit + vectors @ (decay * (vectors.T @ (start - limit)))
        np.testing.assert_allclose(systems[-1].C[seed, 0], expected, atol=1e-7)
        assert np.array_equal(systems[-1].A[seed], A)


def test_one_state_and_one_lag_follow_a_logistic_equation():
    """For k = d = 1, tied, h = b² and L = (b² - w)², so dh/dt = -8 h (h - w)."""
    start = {"kind": "explicit", "A": [[0.3]], "B": [[0.1]]}
    spec = spec_of(
        teacher={"kind": "memoryless", "gain": 0.8},
        training={"length": 1},
        student={"dim": 1, "tied": True, "start": start},
        optimizer={"time": 1.0},
        seeds=1,
    )
    times = training_time(spec.optimizer, np.arange(21))
    h = np.array([system.B.item() ** 2 for system in path(spec)])
    np.testing.assert_allclose(
        h, 0.8 / (1 + (0.8 / 0.01 - 1) * np.exp(-8 * 0.8 * times)), rtol=1e-6
    )


def test_tighter_tolerances_reduce_the_error():
    def final_B(rtol):
        return path(spec_of(optimizer={"rtol": rtol, "atol": 1e-3 * rtol}))[-1].B

    exact = final_B(1e-13)
    errors = [np.abs(final_B(rtol) - exact).max() for rtol in (1e-4, 1e-7, 1e-10)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


@pytest.mark.parametrize(
    "schedule", [{"kind": "constant"}, {"kind": "cosine"}], ids=lambda schedule: schedule["kind"]
)
@pytest.mark.parametrize("rates", [{}, {"A": 0.25, "C": 2.0}], ids=["plain", "rates"])
def test_the_distance_of_gradient_descent_to_the_flow_is_proportional_to_lr(schedule, rates):
    """GD is Euler's method, of first order: half the step, half the distance at the same time."""

    def distances(lr):
        optimizer = {
            "kind": "gd",
            "lr": lr,
            "steps": round(4 / lr),
            "schedule": schedule,
            "rates": rates,
        }
        evaluation = {"horizon": 15, "points": 2, "flow": True}
        spec = spec_of().model_dump() | {"optimizer": optimizer, "evaluation": evaluation}
        return np.array(
            [r.summary["flow_distance"] for r in run(ExperimentSpec.model_validate(spec)).runs]
        )

    coarse, fine = distances(0.004), distances(0.002)
    assert (coarse > 1e-6).all()
    np.testing.assert_allclose(coarse / fine, 2, rtol=0.1)
