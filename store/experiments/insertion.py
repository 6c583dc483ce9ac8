"""New experiments as rows, with their tags and first event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert

from store.db.database import announce_work
from store.db.tables import events, experiments
from store.experiments import tags, warm_start
from store.experiments.draft import Draft, Options
from store.ids import new_id
from store.records import EventKind, Submission
from store.states import State

# Built once: that takes SQLAlchemy longer than the insert takes the database.
_INSERT_EXPERIMENTS, _INSERT_EVENTS = insert(experiments), insert(events)


def queued_submission(draft: Draft, warnings: Sequence[str]) -> Submission:
    """The submission of a new experiment, which is still to be inserted."""
    hashes = draft.spec_hash, draft.setup_hash
    return Submission(new_id("exp"), State.QUEUED, *hashes, reused=False, warnings=tuple(warnings))


def insert_queued(
    tx: Connection,
    new: Sequence[tuple[Submission, Draft]],
    times: Sequence[float],
    *,
    owner: str,
    options: Options,
    batch_id: str | None = None,
) -> None:
    """Queues new experiments; those of a staged batch wait until it is published.

    Args:
        tx: An open write.
        new: The experiments.
        times: When each is submitted (:func:`store.ids.times`).
        owner: The submitter.
        options: Their options.
        batch_id: Their staged batch, if they are staged.

    Raises:
        SpecError: One starts from another experiment, and can't.
    """
    if not new:
        return
    for _, draft in new:
        warm_start.check(tx, draft.spec, lock=True)
    rows = []
    for (submission, draft), at in zip(new, times, strict=True):
        device = draft.spec.numerics.device
        row = experiment_row(submission, draft, at, owner=owner, options=options, device=device)
        rows.append({**row, "staged_batch_id": batch_id})
    tx.execute(_INSERT_EXPERIMENTS, rows)
    insert_tags(tx, new, times)
    insert_events(tx, [s for s, _ in new], times, EventKind.SUBMITTED, {"owner": owner})
    if batch_id is None:
        announce_work(tx)


def experiment_row(
    submission: Submission, draft: Draft, at: float, *, owner: str, options: Options, device: str
) -> dict[str, Any]:
    """The row of a new experiment."""
    return {
        "id": submission.id,
        "name": draft.spec.name,
        "notes": draft.spec.notes,
        "spec": draft.content,
        "spec_hash": submission.spec_hash,
        "setup_hash": submission.setup_hash,
        "state": submission.state,
        "owner": owner,
        "priority": options.priority,
        "not_before": options.not_before,
        "max_seconds": options.max_seconds,
        "max_memory_mb": options.max_memory_mb,
        "device": device,
        "attempt": 0,
        "attempts_without_progress": 0,
        "cancel_requested": False,
        "pause_requested": False,
        "created_at": at,
        "version": 1,
        "warnings": list(submission.warnings),
    }


def insert_tags(
    tx: Connection, new: Sequence[tuple[Submission, Draft]], times: Sequence[float]
) -> None:
    """Stores the tags of new experiments."""
    rows: list[dict[str, Any]] = []
    for (submission, draft), at in zip(new, times, strict=True):
        rows += tags.rows_for(submission.id, at, draft.spec.tags)
    tags.add(tx, rows)


def insert_events(
    tx: Connection,
    submissions: Sequence[Submission],
    times: Sequence[float],
    kind: EventKind,
    detail: dict[str, Any],
) -> None:
    """Stores one event of each new experiment."""
    event = {"kind": kind, "attempt": 0, "detail": detail}
    rows = [
        {"experiment_id": submission.id, "at": at, **event}
        for submission, at in zip(submissions, times, strict=True)
    ]
    tx.execute(_INSERT_EVENTS, rows)
