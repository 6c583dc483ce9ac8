"""What training conserves: its drift is measured as defined, and vanishes with the step."""

import numpy as np
import pytest

from core.metrics import imbalance
from core.metrics.invariants import invariant_drift
from core.run import run
from core.spec import ExperimentSpec, LinearStudent, Rates
from core.systems import LinearSystem
from tests.unit.core.test_spectrum import systems_of


def test_imbalance_is_the_distance_of_b_and_c():
    system = LinearSystem(np.zeros((1, 2, 2)), np.array([[[1.0], [2.0]]]), np.array([[[1.0, 0.0]]]))
    assert imbalance(system) == [2.0]


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
