"""The queue of record: workers claim experiments here, report on them, and hand them on.

Every write of a claim is fenced: it names its attempt, and is refused
(:class:`store.errors.Fenced`) once the experiment is not running or another attempt has begun. So a
worker that was thought lost can come back and do no harm.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, insert, select, update

from core.errors import SpecError
from core.spec import ExperimentSpec
from store.arrays import checkpoints, runs, series
from store.arrays.checkpoints import Checkpoint
from store.arrays.packed import PackedResult, SeriesChunk
from store.db.database import now
from store.db.tables import AnyRow, experiments, logs
from store.errors import Fenced
from store.experiments import warm_start
from store.queue import scheduling
from store.records import Claim, EventKind, Failure, FailureKind, Progress, StopRequests
from store.states import State
from store.transition import transition

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""How long an experiment rests after an attempt that failed through no fault of its own; doubled
with each in a row."""

LOST = Failure(
    FailureKind.WORKER_LOST,
    "Its worker or trainer was lost before it could save a checkpoint; it may ask for more memory than there is.",
)

_WISHED = (
    experiments.c.cancel_requested,
    experiments.c.pause_requested,
    experiments.c.attempts_without_progress.label("attempts_without_progress"),
)
"""What decides where an experiment goes that its worker lets go of."""

_HELD = (  # built once, since that takes SQLAlchemy longer than the database takes to do it
    update(experiments)
    .where(
        experiments.c.id == bindparam("which"),
        experiments.c.state == bindparam("running"),
        experiments.c.attempt == bindparam("fence"),
    )
    .returning(*_WISHED)
)
_LOG = insert(logs)

_ENDED = {
    State.CANCELLED: EventKind.CANCELLED,
    State.PAUSED: EventKind.PAUSED,
    State.FAILED: EventKind.FAILED,
}


def claim(tx: Connection, *, worker_id: str, device: str, lease_seconds: float) -> Claim | None:
    """Takes the experiment that is next in line for this device, None if none waits for it.

    It is pinned to the device, and resumes from its newest whole checkpoint: the points that were
    recorded after that are cut. One whose spec this version of the software doesn't understand, or
    whose start is gone, fails, and the next one is taken.
    """
    at = now(tx)
    while (best := scheduling.best(tx, device, at)) is not None:
        try:
            return _take(
                tx, best, at, worker_id=worker_id, device=device, lease_seconds=lease_seconds
            )
        except (ValidationError, SpecError) as error:
            sentence = _foreign(error) if isinstance(error, ValidationError) else _orphaned(error)
            failure = {"failure_kind": FailureKind.USER, "failure_message": sentence}
            transition(
                tx,
                best.id,
                State.RUNNING,
                State.FAILED,
                at=at,
                kind=EventKind.FAILED,
                values=failure,
            )
    return None


def beat(tx: Connection, claim: Claim, *, lease_seconds: float) -> StopRequests:
    """Holds on to the experiment for another lease; what is asked for meanwhile. Raises Fenced."""
    row = _report(tx, claim, lease_until=now(tx) + lease_seconds)
    return StopRequests(cancel=row.cancel_requested, pause=row.pause_requested)


def record(
    tx: Connection,
    claim: Claim,
    *,
    progress: Progress,
    chunk: SeriesChunk | None,
    checkpoint: bytes | None,
    checkpoint_step: int,
) -> None:
    """Stores progress, new points and, unless it is None, a checkpoint that comes after these points.

    Args:
        tx: An open write.
        claim: The hold on the experiment.
        progress: How far it is.
        chunk: The points recorded since the last call, if there are any.
        checkpoint: The packed state to resume from.
        checkpoint_step: The step that the checkpoint is at.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    row = _report(
        tx,
        claim,
        step=progress.step,
        of=progress.of,
        steps_per_second=progress.steps_per_second,
        eta_seconds=progress.eta_seconds,
    )
    count = series.append(tx, claim.experiment_id, claim.attempt, chunk)
    if checkpoint is None:
        return
    further = checkpoints.save(
        tx, claim.experiment_id, claim.attempt, Checkpoint(checkpoint_step, count, checkpoint)
    )
    if further and row.attempts_without_progress:
        _report(tx, claim, attempts_without_progress=0)


def complete(
    tx: Connection,
    claim: Claim,
    result: PackedResult,
    chunk: SeriesChunk | None,
    provenance: Mapping[str, str],
    *,
    log: str = "",
) -> None:
    """Ends the experiment with its result, the last points and what it was computed with; checkpoints are dropped.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    _leave(
        tx,
        claim,
        State.COMPLETED,
        EventKind.COMPLETED,
        provenance=dict(provenance),
        **_outcome(claim, result),
    )
    _write_result(tx, claim, result, chunk)
    checkpoints.drop(tx, claim.experiment_id)
    _write_log(tx, claim, log)


def mark_cancelled(
    tx: Connection,
    claim: Claim,
    result: PackedResult | None,
    chunk: SeriesChunk | None,
    *,
    log: str = "",
) -> None:
    """Ends the experiment as cancelled, with how far its runs came if that is known.

    Raises Fenced.
    """
    _leave(
        tx,
        claim,
        State.CANCELLED,
        EventKind.CANCELLED,
        **(_outcome(claim, result) if result else {}),
    )
    if result is None:
        series.append(tx, claim.experiment_id, claim.attempt, chunk)
    else:
        _write_result(tx, claim, result, chunk)
    _write_log(tx, claim, log)


def fail(
    tx: Connection, claim: Claim, failure: Failure, log: str, *, max_attempts: int = 1
) -> None:
    """Ends the attempt, and the experiment with it where that is the submitter's turn.

    Otherwise it rests for a moment and is tried again, unless ``max_attempts`` attempts in a row
    gained no checkpoint.

    Args:
        tx: An open write.
        claim: The hold on the experiment.
        failure: What happened.
        log: What the trainer printed, with the traceback in it.
        max_attempts: 1 for an attempt that was the last.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    row = _report(tx, claim)
    to, values = _after(row, failure, max_attempts)
    detail = {"kind": failure.kind, "sentence": failure.message}
    if to is State.QUEUED:
        values["not_before"] = now(tx) + min(
            FIRST_PAUSE_SECONDS * 2 ** (row.attempts_without_progress - 1), LONGEST_PAUSE_SECONDS
        )
    _leave(tx, claim, to, _ENDED.get(to, EventKind.ATTEMPT_FAILED), detail, **values)
    _write_log(tx, claim, log)


def hand_back(tx: Connection, claim: Claim, log: str = "") -> None:
    """Lets go of the experiment: an attempt that doesn't count. Raises Fenced.

    It is queued again, as when a worker is drained, or paused or cancelled where that was asked
    for.
    """
    row = _report(tx, claim)
    to = _where_to(row)
    _leave(
        tx,
        claim,
        to,
        _ENDED.get(to, EventKind.HANDED_BACK),
        attempts_without_progress=max(0, row.attempts_without_progress - 1),
    )
    _write_log(tx, claim, log)


def append_log(tx: Connection, claim: Claim, text: str) -> None:
    """Adds to the log of this attempt. Raises Fenced."""
    _report(tx, claim)
    _write_log(tx, claim, text)


def reap(tx: Connection, *, max_attempts: int) -> int:
    """Takes experiments from workers whose lease is over; how many.

    They are queued again, or failed after ``max_attempts`` attempts in a row that gained no
    checkpoint, or cancelled or paused where that was asked for. Safe in several processes at once.
    """
    at = now(tx)
    expired = tx.execute(
        select(experiments.c.id, experiments.c.attempt, experiments.c.worker_id, *_WISHED)
        .where(experiments.c.state == State.RUNNING, experiments.c.lease_until < at)
        .with_for_update(skip_locked=True)
    ).all()
    for row in expired:
        to, values = _after(row, LOST, max_attempts)
        kind, detail = _ENDED.get(to, EventKind.LEASE_EXPIRED), {"worker": row.worker_id}
        transition(
            tx,
            row.id,
            State.RUNNING,
            to,
            at=at,
            kind=kind,
            detail=detail,
            fence=row.attempt,
            values=values,
        )
    return len(expired)


def _take(
    tx: Connection, best: AnyRow, at: float, *, worker_id: str, device: str, lease_seconds: float
) -> Claim:
    """Starts the experiment of a row.

    Raises:
        ValidationError: It is started, but its spec can't be read.
        SpecError: It is started, but there is nothing that it could start from.
    """
    attempt = best.attempt + 1
    checkpoint = None
    if best.attempt:  # what nobody has begun has left nothing
        checkpoint = checkpoints.newest(tx, best.id, at=at, attempt=attempt)
        series.truncate(tx, best.id, checkpoint.chunks if checkpoint else 0)
    taken = transition(
        tx,
        best.id,
        State.QUEUED,
        State.RUNNING,
        at=at,
        kind=EventKind.STARTED,
        detail={
            "worker": worker_id,
            "device": device,
            "from_step": checkpoint.step if checkpoint else 0,
        },
        fence=best.attempt,
        values={
            "attempt": attempt,
            "attempts_without_progress": best.attempts_without_progress + 1,
            "device": device,
            "worker_id": worker_id,
            "lease_until": at + lease_seconds,
            "started_at": best.started_at or at,
            "step": checkpoint.step if checkpoint else None,
        },
    )
    if taken is None:  # the row is locked, or this is the only writer
        raise Fenced(best.id, attempt)
    spec = ExperimentSpec.model_validate(best.spec)
    payload = checkpoint.payload if checkpoint else None
    inherited = warm_start.inherited(tx, spec)
    return Claim(
        best.id, attempt, spec, device, payload, best.max_seconds, best.max_memory_mb, inherited
    )


def _foreign(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the spec"
    return (
        f"its spec is another version's and not valid in this one ({place}: {first['msg']}); "
        "submit it again as this version wants it"
    )


def _orphaned(error: SpecError) -> str:
    return f"it starts from another experiment: {'; '.join(problem.message for problem in error.problems)}"


def _report(tx: Connection, claim: Claim, **values: Any) -> AnyRow:
    """The fence for what doesn't move the state: sets the columns of the experiment if this attempt still holds it."""
    held = {"which": claim.experiment_id, "running": State.RUNNING, "fence": claim.attempt}
    row = tx.execute(_HELD, {"attempt": claim.attempt, **values, **held}).first()
    if row is None:
        raise Fenced(claim.experiment_id, claim.attempt)
    return row


def _leave(
    tx: Connection,
    claim: Claim,
    to: State,
    kind: EventKind,
    detail: Mapping[str, object] | None = None,
    **values: Any,
) -> None:
    """The fence for what moves the state."""
    held, fence = claim.experiment_id, claim.attempt
    moved = transition(
        tx,
        held,
        State.RUNNING,
        to,
        at=now(tx),
        kind=kind,
        detail=detail,
        fence=fence,
        values=values,
    )
    if moved is None:
        raise Fenced(claim.experiment_id, claim.attempt)


def _outcome(claim: Claim, result: PackedResult) -> dict[str, Any]:
    return {
        "teacher_response": result.teacher_response,
        "baselines": list(result.baselines),
        "step": max(run.steps for run in result.runs),
        "of": claim.spec.optimizer.steps,
        "eta_seconds": None,
    }


def _write_result(
    tx: Connection, claim: Claim, result: PackedResult, chunk: SeriesChunk | None
) -> None:
    series.append(tx, claim.experiment_id, claim.attempt, chunk)
    runs.write(tx, claim.experiment_id, result.runs)


def _write_log(tx: Connection, claim: Claim, text: str) -> None:
    if text:
        tx.execute(
            _LOG, {"experiment_id": claim.experiment_id, "attempt": claim.attempt, "text": text}
        )


def _after(row: AnyRow, failure: Failure, max_attempts: int) -> tuple[State, dict[str, Any]]:
    """Where an attempt that came to such an end leaves the experiment, and the columns to set with it."""
    if failure.kind.is_of_the_lab:
        to = _where_to(row)
        if to is State.CANCELLED or row.attempts_without_progress < max_attempts:
            return to, {}
    again = (
        f" So it went {row.attempts_without_progress} times in a row; see the log, then retry."
        if row.attempts_without_progress > 1
        else ""
    )
    often = again if failure.kind.is_of_the_lab else ""
    return State.FAILED, {"failure_kind": failure.kind, "failure_message": failure.message + often}


def _where_to(row: AnyRow) -> State:
    """Where an experiment goes that nobody has any more, by what was asked for."""
    return (
        State.CANCELLED
        if row.cancel_requested
        else State.PAUSED
        if row.pause_requested
        else State.QUEUED
    )
