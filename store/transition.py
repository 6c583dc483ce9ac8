"""The one door through which an experiment changes its state, and the history that it leaves."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from store.db.database import announce_work
from store.db.tables import events, experiments
from store.records import EventKind
from store.states import State, move

_MOVE = (  # built once, since that takes SQLAlchemy longer than the database takes to do it
    update(experiments)
    .where(experiments.c.id == bindparam("which"), experiments.c.state == bindparam("leaves"))
    .returning(experiments.c.attempt)
)
_MOVE_FENCED = _MOVE.where(experiments.c.attempt == bindparam("fence"))
_NOTE = insert(events)


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
    """Moves an experiment from one state to another if it still is in the first, and notes the event.

    Args:
        tx: An open write.
        experiment_id: Which one.
        state: Where it has to be.
        to: Where it goes.
        at: Now.
        kind: What the history calls it.
        detail: More for the history.
        fence: The attempt that it has to be at, if that matters.
        values: Other columns to set with it.

    Returns:
        The attempt after the move; None if the experiment wasn't there any more, and nothing is
        written.

    Raises:
        IllegalMove: No experiment may move so.
    """
    move(state, to)
    columns: dict[str, Any] = {"state": to, **(values or {})}
    if to is not State.RUNNING:
        columns |= {"worker_id": None, "lease_until": None}
    if to.is_final:
        columns |= {
            "finished_at": at,
            "cancel_requested": False,
        }  # a wish that came too late is none any more
    if to.is_final or to is State.PAUSED:
        columns |= {"pause_requested": False}
    where = {"which": experiment_id, "leaves": state, "fence": fence}
    moved = tx.scalars(_MOVE if fence is None else _MOVE_FENCED, where | columns).one_or_none()
    if moved is not None:
        if to is State.QUEUED:
            announce_work(tx)
        note(tx, experiment_id, kind, at=at, attempt=moved, detail=detail)
    return moved


def note(
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
    tx.execute(_NOTE, row)
