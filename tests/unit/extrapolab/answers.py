"""Records as a lab would answer them."""

from extrapolab.models.experiments import ExperimentRecord, Run
from tests.kit import sample_specs

ID = "exp_" + "0" * 32


def record(state="queued", *, number=0, **changes) -> ExperimentRecord:
    """Returns an experiment's record in a state."""
    base = {
        "id": f"exp_{number:032x}",
        "spec": sample_specs.spec(name=f"number {number}").model_dump(mode="json"),
        "spec_hash": "a" * 64,
        "setup_hash": "b" * 64,
        "state": state,
        "created_at": "2026-11-22T20:00:00Z",
    }
    return ExperimentRecord.read(base | changes)


def running(step, *, number=0, speed=250.0) -> ExperimentRecord:
    """Returns a running experiment's record at a step."""
    progress = {"step": step, "of": 100, "steps_per_second": speed, "eta_seconds": 0.4}
    return record("running", number=number, progress=progress)


def runs(*outcomes, **summary) -> tuple[Run, ...]:
    """Returns one run per outcome, all with the same summary."""
    return tuple(
        Run(seed=seed, outcome=outcome, steps=100, summary=summary)
        for seed, outcome in enumerate(outcomes)
    )
