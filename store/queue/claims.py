"""Claims: a worker takes the next experiment from the queue of record."""

from pydantic import ValidationError
from sqlalchemy import Connection

from core.errors import SpecError
from core.spec import ExperimentSpec
from store.arrays import checkpoints, series
from store.db.database import now
from store.db.tables import AnyRow
from store.errors import Fenced
from store.experiments import warm_start
from store.queue import scheduling
from store.records import Claim, EventKind, FailureKind
from store.states import State
from store.transition import transition


def claim(tx: Connection, *, worker_id: str, device: str, lease_seconds: float) -> Claim | None:
    """Claims the next experiment for a worker of this device; None if none is waiting.

    The experiment is pinned to the device. It resumes from its newest intact checkpoint, and points
    recorded after that are dropped. If this version can't read its spec, or the experiment that it
    starts from was removed, it fails and the next one is claimed.
    """
    at = now(tx)
    while (row := scheduling.next_experiment(tx, device, at)) is not None:
        try:
            return _start(
                tx, row, at, worker_id=worker_id, device=device, lease_seconds=lease_seconds
            )
        except (ValidationError, SpecError) as error:
            failure = {"failure_kind": FailureKind.USER, "failure_message": _message(error)}
            transition(
                tx,
                row.id,
                State.RUNNING,
                State.FAILED,
                at=at,
                kind=EventKind.FAILED,
                values=failure,
            )
    return None


def _start(
    tx: Connection, row: AnyRow, at: float, *, worker_id: str, device: str, lease_seconds: float
) -> Claim:
    """Starts the experiment of a row.

    Raises:
        ValidationError: The experiment is running now, but its spec can't be read.
        SpecError: The experiment is running now, but has no initial parameters.
    """
    attempt = row.attempt + 1
    checkpoint = None
    if row.attempt:  # the first attempt finds neither checkpoints nor points
        checkpoint = checkpoints.newest(tx, row.id, at=at, attempt=attempt)
        series.truncate(tx, row.id, checkpoint.chunks if checkpoint else 0)
    from_step = checkpoint.step if checkpoint else None
    started = transition(
        tx,
        row.id,
        State.QUEUED,
        State.RUNNING,
        at=at,
        kind=EventKind.STARTED,
        detail={"worker": worker_id, "device": device, "from_step": from_step or 0},
        fence=row.attempt,
        values={
            "attempt": attempt,
            "attempts_without_progress": row.attempts_without_progress + 1,
            "device": device,
            "worker_id": worker_id,
            "lease_until": at + lease_seconds,
            "started_at": row.started_at or at,
            "step": from_step,
        },
    )
    if started is None:  # impossible: the row is locked, or this is the only writer
        raise Fenced(row.id, attempt)
    spec = ExperimentSpec.model_validate(row.spec)
    return Claim(
        experiment_id=row.id,
        attempt=attempt,
        spec=spec,
        device=device,
        checkpoint=checkpoint.payload if checkpoint else None,
        max_seconds=row.max_seconds,
        max_memory_mb=row.max_memory_mb,
        trained_seconds=row.trained_seconds,
        initial_parameters=warm_start.initial_parameters(tx, spec),
    )


def _message(error: ValidationError | SpecError) -> str:
    if isinstance(error, SpecError):
        reasons = "; ".join(problem.message for problem in error.problems)
        return f"it starts from another experiment: {reasons}"
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the spec"
    return (
        "its spec was written for another version and isn't valid in this one "
        f"({field}: {first['msg']}); submit it again in this version's form"
    )
