"""Examples in the OpenAPI document: a decay learned from two time steps, with rounded results."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.cost import estimate
from core.recipe import Recipe
from core.result import Outcome
from core.spec import ExperimentSpec, SweepSpec, setup_hash, spec_hash
from core.theory import theorem
from service import schemas
from store.queue.eta import LabTime
from store.queue.workers import WorkerActivity
from store.records import Experiment, Progress, RunRecord, Submission, WorkerRecord
from store.saved_figures import Figure
from store.states import State
from store.sweeps.repository import Member, Sweep

Json = dict[str, Any]

ID = "exp_019aad3c5f7e7c0a8f6b2d4e1a3c5b79"
OTHER_ID = "exp_019aad3c5f7e7c0a8f6b2d4e1a3c5b7c"

SPEC: Json = {
    "name": "a decay learned from two time steps",
    "tags": ["example"],
    "teacher": {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": [0.9]},
        "weights": [1.0],
    },
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
    "extrapolation_horizon": 4.0,
    "sequence_fit_error": 1.972e-31,
    "sequence_extrapolation_error": 2.604e-11,
    "imbalance": 5.938e-05,
    "invariant_drift": 0.0001023,
    "spectral_radius": 0.9,
    "spectral_distance": 9.485e-06,
    "effective_rank": 1.0,
    "state_effective_rank": 1.0,
    "eigenvalue_effective_rank": 1.07,
    "sharpness": 8.273,
    "gauss_newton_sharpness": 8.273,
    "time": 200.0,
    "steps_to_fit": 74.0,
    "time_to_fit": 7.4,
    "plateaus": 1.0,
    "plateau_steps": 16.0,
    "plateau_time": 1.6,
    "plateau_loss": 1.81,
    "flow_distance": math.nan,
}
TEACHER_QUESTION: Json = {"teacher": SPEC["teacher"], "horizon": 4}
TEACHER_PREVIEW: Json = {
    "response": [1.0, 0.9, 0.81, 0.729],
    "poles": [[0.9, 0.0]],
    "hankel_singular_values": [1.81, 0.0],
    "note": None,
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
                "A": [
                    [0.7617, 0.1781, 0.2723],
                    [0.1781, 0.03861, 0.06622],
                    [0.2723, 0.06622, 0.08941],
                ],
                "B": [[-0.921], [-0.2156], [-0.3246]],
                "C": [[-0.921, -0.2155, -0.3246]],
            },
            "summary": {**SUMMARY, "flow_distance": "NaN"},
            "warnings": [],
        }
    ],
    "baselines": [],
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

SUBMISSION: Json = schemas.Submission.from_record(
    Submission(id=ID, state=State.QUEUED, reused=False, warnings=(), **_hashes)
).model_dump(mode="json")
_theorem = schemas.Theorem.from_record(theorem.check(_spec))
THEOREM: Json = json.loads(_theorem.model_dump_json())
DRY_RUN: Json = json.loads(
    schemas.DryRun(
        spec=_spec,
        warnings=[],
        cost=schemas.CostEstimate.from_record(estimate(_spec), LabTime(0.8, 0.8, slots=2)),
        theorem=_theorem,
        **_hashes,
    ).model_dump_json()
)
_experiment = Experiment(
    id=ID,
    content=_spec.model_dump(mode="json"),
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
    pause_requested=False,
    created_at=_submitted,
    started_at=_submitted + 0.1,
    finished_at=_submitted + 0.9,
    version=1,
    warnings=(),
    provenance={"device": "cpu", "torch": "2.13.0"},
    runs=(RunRecord(seed=0, outcome=Outcome.FITTED, steps=2000, summary=SUMMARY),),
    **_hashes,
)
IMPORT: Json = {
    "file": "runs.csv",
    "content": "training.length,seed,outcome,fit_error\n2,0,fitted,1e-9\n2,1,diverged,inf\n",
    "base": {"teacher": SPEC["teacher"], "student": SPEC["student"], "steps": 2000},
    "origin": "our code of 2023, commit 1f0a, on the department's cluster",
    "tags": ["before"],
}
IMPORTED: Json = {
    "sha256": "0d4f" * 16,
    "tag": "import:0d4f0d4f0d4f",
    "experiments": [{"id": ID, "seeds": 2, "reused": False}],
    "links": {"self": "/v1/experiments?tag=import:0d4f0d4f0d4f"},
}
IMPORT_JOB: Json = {
    "id": "imp_" + "0d4f" * 16,
    "state": "running",
    "done": 120_000,
    "of": 200_000,
    "imported": None,
    "problem": None,
    "links": {"self": "/v1/imports/imp_" + "0d4f" * 16},
}
IMPORT_LIMITS: Json = {
    "max_bytes": 8_388_608,
    "max_rows": 250_000,
    "max_columns": 1_000,
    "max_experiments": 2_000,
    "formats": [".csv", ".json", ".ndjson"],
}
CANCELLATION: Json = {"q": "tag:example and state = queued", "expect_count": 1}
CANCELLED_ALL: Json = schemas.Cancelled.from_states({ID: State.CANCELLED}, {}).model_dump(
    mode="json"
)
EXPERIMENT: Json = json.loads(schemas.to_json(schemas.Experiment.from_record(_experiment)))


def _after_action(state: State) -> Json:
    return schemas.Moved.from_record(replace(_experiment, state=state)).model_dump(mode="json")


CANCELLED = _after_action(State.CANCELLED)
PAUSED = _after_action(State.PAUSED)
RESUMED = _after_action(State.QUEUED)
STREAM = f"""\
: open
retry: 1000

event: state
data: {{"id":"{ID}","state":"running","kind":"started","number":2, ...}}
id: 2

event: progress
data: {{"id":"{ID}","step":1300,"of":2000,"steps_per_second":2600.0,"eta_seconds":0.27,
data:  "newest":{{"seed":[0],"step":[1262],"train_loss":[3.1e-06], ...}}}}

"""
WORKER: Json = schemas.Worker.from_record(
    WorkerActivity(
        WorkerRecord(
            id="worker_019aad3c5f7e7c0a8f6b2d4e1a3c5b7c",
            host="node1",
            pid=4711,
            trainer_pid=4712,
            device="cpu",
            threads=2,
            heartbeat_at=_submitted,
            experiment_id=ID,
            draining=True,
        ),
        name="node1 cpu·0",
        experiment_name=SPEC["name"],
        progress=Progress(1300, 2000, 2600.0, 0.27),
        seed_steps_per_second=2600.0,
    ),
    _submitted + 0.5,
    30.0,
).model_dump(mode="json")
REPORT: Json = {
    "name": "balanced",
    "size": "quick",
    "state": "completed",
    "eta_seconds": None,
    "missing_seconds": 0.0,
    "claims": [
        {
            "claim": "From a near-zero start, GD extrapolates as soon as k > 2 d̂",
            "inequality": "max over k > 2 d̂ of the median relative error < 0.01",
            "value": 0.0021,
            "bound": 0.01,
            "verdict": "holds",
            "experiments": [ID],
            "kind": "extrapolates",
            "fitted": 5,
            "seeds": 5,
            "swapped": None,
        }
    ],
}

SWEEP_ID = "swp_019aad3c5f7e7c0a8f6b2d4e1a3c5b7a"
SWEEP_SPEC: Json = {
    "name": "two starts, two lengths",
    "base": {name: part for name, part in SPEC.items() if name not in {"name", "training"}},
    "axes": [
        {"path": "training.length", "values": [2, 3]},
        {"path": "student.start.scale", "kind": "logspace", "low": 0.01, "high": 1.0, "count": 2},
    ],
}
_sweep = SweepSpec.model_validate(SWEEP_SPEC)
_points = _sweep.expand()
_member = Member(0, _points[0].coordinates, ID, State.COMPLETED)

SWEPT: Json = schemas.SweepSubmission(
    id=SWEEP_ID,
    name=_sweep.name,
    count=4,
    created=3,
    reused=1,
    state=schemas.SweepState.RUNNING,
    warnings=[],
    links=schemas.SweepLinks.for_sweep(SWEEP_ID),
).model_dump(mode="json")
SWEEP_DRY_RUN: Json = schemas.SweepDryRun(
    name=_sweep.name,
    count=4,
    created=3,
    reused=1,
    cost=schemas.CostEstimate.from_record(estimate(_points[0].spec), LabTime(3.2, 1.6, slots=2)),
    warnings=[],
    points=[
        schemas.SweepPoint(coordinates=point.coordinates, spec_hash=point.spec_hash)
        for point in _points[:2]
    ],
).model_dump(mode="json")
SWEEP: Json = schemas.Sweep.with_members(
    Sweep(
        id=SWEEP_ID,
        name=_sweep.name,
        owner="ada",
        base=SWEEP_SPEC["base"],
        axes=SWEEP_SPEC["axes"],
        created_at=_submitted,
        version=1,
        counts=dict.fromkeys(State, 0) | {State.QUEUED: 3, State.COMPLETED: 1},
    ),
    members=schemas.Page(items=[schemas.SweepMember.from_record(_member)], next="0"),
    eta_seconds=2.4,
).model_dump(mode="json")
FIGURE_ID = "fig_019aad3c5f7e7c0a8f6b2d4e1a3c5b7d"
RECIPE: Json = {
    "name": "A cliff at k = 2 d̂",
    "query": "tag:example",
    "x": "training.length",
    "y": "relative_extrapolation_error",
    "series": "student.start.scale",
}
FIGURE: Json = json.loads(
    schemas.Figure.from_record(
        Figure(id=FIGURE_ID, owner="ada", recipe=Recipe(**RECIPE), created_at=_submitted, version=1)
    ).model_dump_json()
)
_setups = {"state": "completed", "seeds": 1, "outcomes": {"fitted": 1}}
COMPARISON: Json = {
    "experiments": [
        {
            "id": ID,
            "name": SPEC["name"],
            "label": SPEC["name"],
            "setup_hash": _hashes["setup_hash"],
            **_setups,
        },
        {
            "id": OTHER_ID,
            "name": "the same from three time steps",
            "label": "the same from three time steps",
            "setup_hash": "0" * 64,
            **_setups,
        },
    ],
    "differences": [{"path": "training.length", "values": [2, 3]}],
    "metrics": {"extrapolation_error": [{"median": 7.715e-06}, {"median": 2.1e-06}]},
    "figures": {"response": f"/v1/compare/figures/response.svg?ids={ID},{OTHER_ID}"},
}
