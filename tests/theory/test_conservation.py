"""Conservation laws of gradient flow and their exact forms for GD, on trained students."""

import numpy as np
import pytest
import torch

from core.losses import target_of
from core.run import run
from core.spec import ExperimentSpec, LinearStudent
from core.training import advance, begin
from core.training.closed_form.gradient import gradient_of
from core.training.layout import LinearLayout


def spec_of(structure="symmetric", *, lr=0.01, steps=200, student=None, **changes):
    return ExperimentSpec.model_validate(
        {
            "teacher": {
                "kind": "balanced",
                "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
                "weights": [0.7, 0.5],
            },
            "student": {
                "kind": "linear",
                "dim": 7,
                "structure": structure,
                "start": {"scale": 0.5},
                **(student or {}),
            },
            "training": {"length": 5},
            "optimizer": {"lr": lr, "steps": steps},
            "evaluation": {"horizon": 15, "points": 5},
            "seeds": [0, 1],
            **changes,
        }
    )


def systems(state):
    return state.engine.layout.systems(state.batch.parameters)


def test_each_gd_step_changes_the_imbalance_by_its_exact_law():
    """B ∓ Cᵀ becomes (I ± lr S)(B ∓ Cᵀ) with S = Σ_j v_j A^j, for a symmetric A."""
    spec = spec_of()
    state = begin(spec)
    for _ in range(20):
        before, after = systems(state), systems(advance(state, 1))
        target, lr = target_of(spec), spec.optimizer.lr
        for seed in range(2):
            A, B, C = before.A[seed], before.B[seed], before.C[seed]
            powers = [np.linalg.matrix_power(A, j) for j in range(5)]
            v = [
                2 * float((C @ power @ B).item() - target.response[j].item())
                for j, power in enumerate(powers)
            ]
            S = sum(vj * power for vj, power in zip(v, powers, strict=True))
            for sign in (1, -1):
                expected = (np.eye(7) + sign * lr * S) @ (B - sign * C.T)
                np.testing.assert_allclose(
                    after.B[seed] - sign * after.C[seed].T, expected, atol=1e-13
                )
        state = advance(state, 1)


def test_a_balanced_start_stays_balanced():
    result = run(
        spec_of(
            student={"start": {"scale": 0.5, "balanced": True}},
            optimizer={"lr": 0.02, "steps": 3000},
        )
    )
    assert max(result.series["imbalance"]) < 1e-12


@pytest.mark.parametrize(
    ("structure", "invariant"),
    [
        ("symmetric", lambda A, B, C: np.sum(B**2) - np.sum(C**2)),
        ("diagonal", lambda A, B, C: B.ravel() ** 2 - C.ravel() ** 2),
        ("general", lambda A, B, C: A @ A.T - A.T @ A + B @ B.T - C.T @ C),
    ],
)
def test_invariants_of_the_flow_drift_in_proportion_to_lr(structure, invariant):
    """Gradient flow conserves them; under GD over the same time they drift by O(lr)."""

    def drift(lr):
        spec = spec_of(structure, lr=lr, steps=round(4 / lr))
        start = systems(begin(spec))
        end = systems(advance(begin(spec), 10**6))
        return np.abs(
            invariant(end.A[0], end.B[0], end.C[0]) - invariant(start.A[0], start.B[0], start.C[0])
        ).max()

    coarse, fine = drift(0.01), drift(0.005)
    assert coarse < 0.1
    assert coarse / fine == pytest.approx(2, rel=0.1)


def test_imbalance_and_error_from_a_near_zero_start_are_of_order_scale_squared():
    def final_metrics(scale):
        student = {"dim": 10, "start": {"scale": scale}}
        (r,) = run(spec_of(student=student, lr=0.02, steps=6000, seeds=[1])).runs
        return r.summary["imbalance"], r.summary["extrapolation_error"]

    larger, smaller = final_metrics(1e-2), final_metrics(1e-3)
    for large, small in zip(larger, smaller, strict=True):
        assert 30 < large / small < 300


def test_a_tied_student_has_the_full_gradient_of_its_parameter():
    """It is dB + dCᵀ, twice the gradient by B of a balanced untied student."""
    tied, untied = (
        LinearLayout(LinearStudent(kind="linear", dim=4, tied=tied, start={"balanced": True}), 1, 1)
        for tied in (True, False)
    )
    target = target_of(spec_of())
    generator = np.random.default_rng(0)
    A = generator.standard_normal((4, 4))
    B = generator.standard_normal((4, 1))
    flat = np.concatenate([((A + A.T) / 2).ravel(), B.ravel(), B.ravel()])[None]
    cpu = torch.device("cpu")
    _, tied_gradient = gradient_of(tied, target, torch.float64, cpu)(
        torch.tensor(flat[:, : tied.size])
    )
    _, untied_gradient = gradient_of(untied, target, torch.float64, cpu)(torch.tensor(flat))
    torch.testing.assert_close(
        tied.views(tied_gradient)["B"], 2 * untied.views(untied_gradient)["B"]
    )
    torch.testing.assert_close(tied.views(tied_gradient)["A"], untied.views(untied_gradient)["A"])


def test_a_tied_student_cannot_leave_the_plateau_of_an_unbalanced_teacher():
    """A numerical observation: the untied student leaves it from a near-zero start, and fits."""
    teacher = {
        "kind": "unbalanced",
        "eigenvalues": {"kind": "list", "values": [0.8, -0.5]},
        "weights": [1.0, -0.5],
    }
    common = {
        "teacher": teacher,
        "training": {"length": 9},
        "evaluation": {"horizon": 20, "points": 5},
        "seeds": [0],
    }
    tied, untied = (
        run(
            spec_of(
                student={"dim": 12, "tied": tied, "start": {"scale": 1e-3}},
                lr=0.01,
                steps=8000,
                **common,
            )
        ).runs[0]
        for tied in (True, False)
    )
    assert tied.summary["train_loss"] > 0.2
    assert untied.summary["train_loss"] < 1e-10
