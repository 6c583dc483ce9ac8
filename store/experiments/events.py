"""News of the lab for those who watch it: events in the order of their numbers, and how far the running ones are."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from store.db.tables import AnyRow, events, experiments
from store.db.visible import visible_experiments
from store.experiments.rows import ID
from store.records import Event, EventKind, Progress
from store.states import State

AT_ONCE = 1000
"""Events that one look brings at most."""

Happening = tuple[str, Event]
"""An experiment's id, and what happened to it."""


def newest(tx: Connection) -> int:
    """The number of the newest event, 0 where there is none."""
    return tx.scalars(select(func.coalesce(func.max(events.c.number), 0))).one()


def since(
    tx: Connection, number: int, experiment_ids: Collection[str] | None = None
) -> list[Happening]:
    """The next events with a higher number, of all experiments that are seen or some; no more than :data:`AT_ONCE`.

    On PostgreSQL an event may be committed after one with a higher number, though never of the same
    experiment.
    """
    query = visible_experiments(events).join(events, events.c.experiment_id == experiments.c.id)
    query = query.where(events.c.number > number).order_by(events.c.number).limit(AT_ONCE)
    if experiment_ids is not None:
        query = query.where(events.c.experiment_id.in_(experiment_ids))
    return [(row.experiment_id, _event(row)) for row in tx.execute(query)]


def progress(tx: Connection) -> dict[str, Progress]:
    """How far each running experiment is that has told of it."""
    columns = (
        experiments.c[name] for name in ("id", "step", "of", "steps_per_second", "eta_seconds")
    )
    running = visible_experiments(*columns).where(
        experiments.c.state == State.RUNNING, experiments.c.of.is_not(None)
    )
    return {
        row.id: Progress(row.step, row.of, row.steps_per_second, row.eta_seconds)
        for row in tx.execute(running)
    }


def unknown(tx: Connection, experiment_ids: Sequence[str]) -> list[str]:
    """Those of the ids that no experiment has."""
    asked = [name for name in experiment_ids if ID.fullmatch(name)]
    known = set(
        tx.scalars(visible_experiments(experiments.c.id).where(experiments.c.id.in_(asked)))
    )
    return [name for name in experiment_ids if name not in known]


def _event(row: AnyRow) -> Event:
    return Event(row.number, row.at, EventKind(row.kind), row.attempt, row.detail)
