"""Reports: a worker renews its lease, records progress, and ends the attempt or hands it back.

Every write of a claim is fenced: it names its attempt, and is refused
(:class:`store.errors.Fenced`) once the experiment isn't running or another attempt has begun. So a
worker that was thought lost can come back and do no harm.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from store.arrays import checkpoints, runs, series
from store.arrays.checkpoints import Checkpoint
from store.arrays.packed import PackedResult, SeriesChunk
from store.db.database import now
from store.db.tables import AnyRow, experiments, logs
from store.errors import Fenced
from store.experiments import pooling, rows
from store.queue.release import (
    DECISIVE_COLUMNS,
    END_EVENTS,
    released_state,
    state_after_failure,
)
from store.records import Claim, EventKind, Failure, Progress, StopRequests
from store.states import State
from store.transition import transition

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 60.0
"""Pause after a transient failure, doubled with each in a row."""

# Built once: that takes SQLAlchemy longer than the update takes the database.
_UPDATE_HELD = (
    update(experiments)
    .where(
        experiments.c.id == bindparam("held_id"),
        experiments.c.state == bindparam("running"),
        experiments.c.attempt == bindparam("fence"),
    )
    .returning(*DECISIVE_COLUMNS)
)
_INSERT_LOG = insert(logs)


def renew_lease(
    tx: Connection, claim: Claim, *, lease_seconds: float, attempt_seconds: float = 0.0
) -> StopRequests:
    """Holds the experiment for another lease; returns what was requested of it. Raises Fenced.

    ``attempt_seconds`` is how long this attempt has trained; the limit counts all attempts.
    """
    trained = claim.trained_seconds + attempt_seconds
    row = _update_held(tx, claim, lease_until=now(tx) + lease_seconds, trained_seconds=trained)
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
    """Stores progress, new points and, unless it is None, a checkpoint taken after these points.

    Args:
        tx: An open write.
        claim: The hold on the experiment.
        progress: How far training has come.
        chunk: The points recorded since the last call, if there are any.
        checkpoint: The packed state to resume from.
        checkpoint_step: The step of the checkpoint.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    row = _update_held(
        tx,
        claim,
        step=progress.step,
        of=progress.of,
        steps_per_second=progress.steps_per_second,
        eta_seconds=progress.eta_seconds,
    )
    chunk_count = series.append(tx, claim.experiment_id, claim.attempt, chunk)
    if checkpoint is None:
        return
    is_newer = checkpoints.save(
        tx, claim.experiment_id, claim.attempt, Checkpoint(checkpoint_step, chunk_count, checkpoint)
    )
    if is_newer and row.attempts_without_progress:
        _update_held(tx, claim, attempts_without_progress=0)


def complete(
    tx: Connection,
    claim: Claim,
    result: PackedResult,
    chunk: SeriesChunk | None,
    provenance: Mapping[str, str],
    *,
    log: str = "",
) -> None:
    """Ends the experiment with its result, last points and provenance; drops its checkpoints.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    columns = {"provenance": dict(provenance), **_result_columns(claim, result)}
    _release(tx, claim, State.COMPLETED, EventKind.COMPLETED, **columns)
    _write_result(tx, claim, result, chunk)
    pooling.pool(tx, [rows.get(tx, claim.experiment_id, experiments.c.setup_hash).setup_hash])
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
    """Ends the experiment as cancelled, with the partial result if there is one. Raises Fenced."""
    columns = _result_columns(claim, result) if result else {}
    _release(tx, claim, State.CANCELLED, EventKind.CANCELLED, **columns)
    if result is None:
        series.append(tx, claim.experiment_id, claim.attempt, chunk)
    else:
        _write_result(tx, claim, result, chunk)
    _write_log(tx, claim, log)


def fail(
    tx: Connection, claim: Claim, failure: Failure, log: str, *, max_attempts: int = 1
) -> None:
    """Ends the attempt, and the experiment with it unless another attempt may help.

    After a transient failure the experiment pauses briefly and is tried again, until
    ``max_attempts`` attempts in a row have gained no checkpoint.

    Args:
        tx: An open write.
        claim: The hold on the experiment.
        failure: What happened.
        log: The trainer's output, including any traceback.
        max_attempts: 1 if this attempt was the last.

    Raises:
        Fenced: The experiment is no longer held; nothing is stored.
    """
    row = _update_held(tx, claim)
    state, values = state_after_failure(row, failure, max_attempts)
    if state is State.QUEUED:
        backoff = MIN_BACKOFF_SECONDS * 2 ** (row.attempts_without_progress - 1)
        values["not_before"] = now(tx) + min(backoff, MAX_BACKOFF_SECONDS)
    detail = {"kind": failure.kind, "sentence": failure.message}
    _release(tx, claim, state, END_EVENTS.get(state, EventKind.ATTEMPT_FAILED), detail, **values)
    _write_log(tx, claim, log)


def hand_back(tx: Connection, claim: Claim, log: str = "") -> None:
    """Releases the experiment; the attempt doesn't count. Raises Fenced.

    The experiment is queued again, as when a worker is drained, or paused or cancelled if that was
    requested.
    """
    row = _update_held(tx, claim)
    state = released_state(row)
    attempts = max(0, row.attempts_without_progress - 1)
    kind = END_EVENTS.get(state, EventKind.HANDED_BACK)
    _release(tx, claim, state, kind, attempts_without_progress=attempts)
    _write_log(tx, claim, log)


def append_log(tx: Connection, claim: Claim, text: str) -> None:
    """Appends to the log of this attempt. Raises Fenced."""
    _update_held(tx, claim)
    _write_log(tx, claim, text)


def _update_held(tx: Connection, claim: Claim, **values: Any) -> AnyRow:
    """Sets columns if this attempt still holds the experiment: the fence within running."""
    held = {"held_id": claim.experiment_id, "running": State.RUNNING, "fence": claim.attempt}
    row = tx.execute(_UPDATE_HELD, {"attempt": claim.attempt, **values, **held}).first()
    if row is None:
        raise Fenced(claim.experiment_id, claim.attempt)
    return row


def _release(
    tx: Connection,
    claim: Claim,
    to: State,
    kind: EventKind,
    detail: Mapping[str, object] | None = None,
    **values: Any,
) -> None:
    """Moves the experiment on if this attempt still holds it: the fence out of running."""
    attempt = transition(
        tx,
        claim.experiment_id,
        State.RUNNING,
        to,
        at=now(tx),
        kind=kind,
        detail=detail,
        fence=claim.attempt,
        values=values,
    )
    if attempt is None:
        raise Fenced(claim.experiment_id, claim.attempt)


def _result_columns(claim: Claim, result: PackedResult) -> dict[str, Any]:
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
        row = {"experiment_id": claim.experiment_id, "attempt": claim.attempt, "text": text}
        tx.execute(_INSERT_LOG, row)
