"""Examples for the documentation: one small experiment, a decay learned from two time steps, all the way.

The numbers are those that it gave, rounded.
"""

from datetime import UTC, datetime
from typing import Any

from core.cost import estimate
from core.result import Outcome
from core.spec import ExperimentSpec, setup_hash, spec_hash
from service import wire
from store.records import Experiment, Progress, RunRecord, Submission
from store.states import State

Json = dict[str, Any]

ID = "exp_019aad3c5f7e7c0a8f6b2d4e1a3c5b79"

SPEC: Json = {
    "name": "a decay learned from two time steps",
    "tags": ["example"],
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9]}},
    "student": {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": 0.01}},
    "training": {"length": 2},
    "optimizer": {"kind": "gd", "lr": 0.1, "steps": 2000},
    "evaluation": {"horizon": 4},
    "seeds": [0],
}
EDIT: Json = {"tags": ["example", "figure-2"], "notes": "Fits before step 159."}

SUMMARY = {
    "train_loss": 1.602e-31,
    "fit_error": 3.331e-16,
    "extrapolation_error": 7.715e-06,
    "extrapolation_error_rms": 6.247e-06,
    "zero_baseline": 0.81,
    "relative_extrapolation_error": 9.524e-06,
    "imbalance": 5.938e-05,
    "spectral_radius": 0.9,
    "effective_rank": 1.0,
    "eigenvalue_effective_rank": 1.07,
    "sharpness": 8.273,
}
RESULT: Json = {
    "teacher_response": [1.0, 0.9, 0.81, 0.729],
    "runs": [
        {
            "seed": 0,
            "outcome": "fitted",
            "steps": 2000,
            "response": [1.0, 0.9, 0.81, 0.729],
            "eigenvalues": [[0.9, 0.0], [-0.008618, 0.0], [-0.001714, 0.0]],
            "hankel_singular_values": [1.81, 2.378e-06],
            "parameters": {
                "A": [[0.7617, 0.1781, 0.2723], [0.1781, 0.03861, 0.06622], [0.2723, 0.06622, 0.08941]],
                "B": [[-0.921], [-0.2156], [-0.3246]],
                "C": [[-0.921, -0.2155, -0.3246]],
            },
            "summary": SUMMARY,
        }
    ],
}
SERIES: Json = {
    "seed": [0, 0, 0, 0, 0],
    "step": [0, 1, 13, 159, 2000],
    "train_loss": [1.81, 1.81, 1.781, 4.691e-14, 1.602e-31],
    "extrapolation_error": [0.81, 0.81, 0.81, 7.134e-06, 7.715e-06],
}
SERIES_CSV = "seed,step,train_loss\r\n0,0,1.81\r\n0,159,4.691e-14\r\n0,2000,1.602e-31\r\n"

_spec = ExperimentSpec.model_validate(SPEC)
_hashes = {"spec_hash": spec_hash(_spec), "setup_hash": setup_hash(_spec)}
_submitted = datetime(2026, 11, 22, 20, 0, tzinfo=UTC).timestamp()

SUBMISSION: Json = wire.Submission.of(
    Submission(id=ID, state=State.QUEUED, reused=False, warnings=(), **_hashes)
).model_dump(mode="json")
DRY_RUN: Json = wire.DryRun(spec=_spec, warnings=[], cost=wire.CostEstimate.of(estimate(_spec)), **_hashes).model_dump(
    mode="json"
)
CANCELLED: Json = wire.Moved(id=ID, state=State.CANCELLED, cancel_requested=True, links=wire.Links.of(ID)).model_dump(
    mode="json"
)
EXPERIMENT: Json = wire.Experiment.of(
    Experiment(
        id=ID,
        spec=_spec,
        state=State.COMPLETED,
        owner="ada",
        priority=0,
        not_before=None,
        max_seconds=None,
        max_memory_mb=None,
        device="cpu",
        attempts=1,
        failure=None,
        progress=Progress(step=2000, of=2000, steps_per_second=2600.0, eta_seconds=0.0),
        cancel_requested=False,
        created_at=_submitted,
        started_at=_submitted + 0.1,
        finished_at=_submitted + 0.9,
        version=1,
        warnings=(),
        provenance={"device": "cpu", "torch": "2.13.0"},
        runs=(RunRecord(seed=0, outcome=Outcome.FITTED, steps=2000, summary=SUMMARY),),
        **_hashes,
    )
).model_dump(mode="json")
REPORT: Json = {
    "name": "balanced",
    "size": "quick",
    "state": "completed",
    "claims": [
        {
            "claim": "From a near-zero start GD extrapolates as soon as k > 2 d\N{COMBINING CIRCUMFLEX ACCENT}",
            "inequality": "max over k > 2 d\N{COMBINING CIRCUMFLEX ACCENT} of the median relative error < 0.01",
            "value": 0.0021,
            "bound": 0.01,
            "verdict": "holds",
            "experiments": [ID],
        }
    ],
}
