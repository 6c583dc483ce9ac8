"""The one door through which an experiment changes its state, and the history that it leaves."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, update

from store.records import EventKind
from store.states import State, move
from store.tables import events, experiments


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
        The attempt after the move; None if the experiment wasn't there any more, and nothing is written.

    Raises:
        IllegalMove: No experiment may move so.
    """
    move(state, to)
    columns: dict[str, Any] = {"state": to, **(values or {})}
    if to is not State.RUNNING:
        columns |= {"worker_id": None, "lease_until": None}
    if to.is_final:
        columns |= {"finished_at": at, "cancel_requested": False}  # a wish that came too late is none any more
    if to.is_final or to is State.PAUSED:
        columns |= {"pause_requested": False}
    change = update(experiments).where(experiments.c.id == experiment_id, experiments.c.state == state)
    if fence is not None:
        change = change.where(experiments.c.attempt == fence)
    moved = tx.scalars(change.values(columns).returning(experiments.c.attempt)).one_or_none()
    if moved is not None:
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
    tx.execute(
        insert(events).values(experiment_id=experiment_id, at=at, kind=kind, attempt=attempt, detail=dict(detail or {}))
    )
