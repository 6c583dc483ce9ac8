"""State transitions: the only way to change an experiment's state, and its history."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from store.db.database import announce_work
from store.db.tables import events, experiments
from store.records import EventKind
from store.states import State, check_move

# Built once: that takes SQLAlchemy longer than the update takes the database.
_MOVE = (
    update(experiments)
    .where(experiments.c.id == bindparam("moved_id"), experiments.c.state == bindparam("old_state"))
    .returning(experiments.c.attempt)
)
_FENCED_MOVE = _MOVE.where(experiments.c.attempt == bindparam("fence"))
_INSERT_EVENT = insert(events)


def transition(
    tx: Connection,
    experiment_id: str,
    state: State,
    to: State,
    *,
    at: float,
    kind: EventKind,
    detail: Mapping[str, object] | None = None,
    fence: int | None = None,
    values: Mapping[str, Any] | None = None,
) -> int | None:
    """Moves an experiment between two states if it is in the first, and records the event.

    Args:
        tx: An open write.
        experiment_id: The experiment.
        state: The state that it must be in.
        to: The state that it moves to.
        at: The time of the event.
        kind: The kind of the event.
        detail: The detail of the event.
        fence: The attempt that must hold the experiment; None for any.
        values: Other columns to set.

    Returns:
        The attempt after the move; None if the experiment was in another state or attempt, and
        nothing was written.

    Raises:
        IllegalMove: There is no such transition.
    """
    columns = _columns(state, to, at, values)
    where = {"moved_id": experiment_id, "old_state": state, "fence": fence}
    statement = _MOVE if fence is None else _FENCED_MOVE
    attempt = tx.scalars(statement, where | columns).one_or_none()
    if attempt is not None:
        record_event(tx, experiment_id, kind, at=at, attempt=attempt, detail=detail)
        if to is State.QUEUED:
            announce_work(tx)
    return attempt


def move(
    tx: Connection,
    attempts: Mapping[str, int],
    state: State,
    to: State,
    *,
    at: float,
    kind: EventKind,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Moves many experiments, whose rows are locked, between two states; records their events.

    ``attempts`` has the attempt of each experiment by id; the rest is as for :func:`transition`.
    """
    columns = _columns(state, to, at, values)
    tx.execute(update(experiments).where(experiments.c.id.in_([*attempts])).values(columns))
    record_events(tx, attempts, kind, at=at)
    if to is State.QUEUED:
        announce_work(tx)


def _columns(
    state: State, to: State, at: float, values: Mapping[str, Any] | None
) -> dict[str, Any]:
    check_move(state, to)
    columns: dict[str, Any] = {"state": to, **(values or {})}
    if to is not State.RUNNING:
        columns |= {"worker_id": None, "lease_until": None}
    if to.is_final:
        columns |= {"finished_at": at, "cancel_requested": False}
    if to.is_final or to is State.PAUSED:
        columns |= {"pause_requested": False}
    return columns


def record_events(
    tx: Connection, attempts: Mapping[str, int], kind: EventKind, *, at: float
) -> None:
    """Adds an event to the history of each experiment, given their attempts by id."""
    event = {"at": at, "kind": kind, "detail": {}}
    rows = [
        {"experiment_id": experiment_id, "attempt": attempt, **event}
        for experiment_id, attempt in attempts.items()
    ]
    tx.execute(_INSERT_EVENT, rows)


def record_event(
    tx: Connection,
    experiment_id: str,
    kind: EventKind,
    *,
    at: float,
    attempt: int,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Adds an event to an experiment's history."""
    row = {
        "experiment_id": experiment_id,
        "at": at,
        "kind": kind,
        "attempt": attempt,
        "detail": dict(detail or {}),
    }
    tx.execute(_INSERT_EVENT, row)
