"""Trajectories agree with reference cases, which were computed independently in plain NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.run import run
from core.spec import ExperimentSpec

CASES = json.loads(Path(__file__).with_name("linear_cases.json").read_text())["cases"]

LOSS_TOLERANCE = 1e-8
SMALLEST_COMPARED_LOSS = 1e-12
RESPONSE_TOLERANCE = 1e-7
SENSITIVITY_FACTOR = 100
"""A response may differ by this multiple of its change under a 1e-12 change of the start."""


def spec_of(case: dict) -> ExperimentSpec:
    setup = case["params"]
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "explicit", **setup["teacher"]},
            "student": {
                "kind": "linear",
                "dim": setup["d"],
                "structure": setup["structure"],
                "trained": setup["trained"],
                "start": {"kind": "explicit", **setup["init"]},
            },
            "training": {
                "length": setup["k"],
                "loss": {"kind": "second_moment", "matrix": setup["M"]},
            },
            "optimizer": {"kind": "gd", "lr": setup["lr"], "steps": setup["steps"]},
            "evaluation": {
                "horizon": setup["q"],
                "points": 2,
                "record_at": [int(step) for step in case["result"]["curve_step_loss_extrap"]],
            },
            "seeds": [0],
        }
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_trajectories_agree_with_the_reference_case(case):
    reference = case["result"]
    result = run(spec_of(case))
    (r,) = result.runs

    rows = {step: i for i, step in enumerate(result.series["step"])}
    for step, (loss, error) in reference["curve_step_loss_extrap"].items():
        row = rows[int(step)]
        if loss > SMALLEST_COMPARED_LOSS:
            train_loss = result.series["train_loss"][row]
            assert train_loss == pytest.approx(loss, rel=LOSS_TOLERANCE), f"step {step}"
            largest = max(
                result.series["fit_error"][row], result.series["extrapolation_error"][row]
            )
            assert largest == pytest.approx(error, rel=1e-6), f"step {step}"

    if reference["diverged_at"] is not None:
        assert (r.outcome, r.steps) == ("diverged", reference["diverged_at"])
        return
    response = np.array(r.response).ravel()
    reference_response = np.array(reference["final_impulse"]).ravel()
    sensitivity = reference["sensitivity"]["abs_change_of_impulse_for_1e-12"]
    tolerance = max(
        RESPONSE_TOLERANCE * np.abs(reference_response).max(), SENSITIVITY_FACTOR * sensitivity
    )
    np.testing.assert_allclose(response, reference_response, rtol=0, atol=tolerance)
    assert r.summary["zero_baseline"] == pytest.approx(
        reference["zero_baseline_max_k_le_j_below_q"], rel=1e-12
    )
    assert r.summary["spectral_radius"] == pytest.approx(reference["spectral_radius"], rel=1e-7)
    if "gn_sharpness" in reference:
        np.testing.assert_allclose(
            r.hankel_singular_values[:2], reference["hankel_sv_top6"][:2], rtol=1e-6
        )
        assert r.summary["gauss_newton_sharpness"] == pytest.approx(
            reference["gn_sharpness"], rel=1e-6
        )
        assert r.summary["effective_rank"] == pytest.approx(reference["hankel_sv_erank"], rel=1e-5)
        assert r.summary["imbalance"] == pytest.approx(
            reference["imbalance_norm_B_minus_Ct"], rel=1e-5, abs=1e-12
        )
