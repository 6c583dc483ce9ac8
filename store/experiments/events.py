"""Events of all experiments in the order of their numbers, and the progress of running ones."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from store.db.tables import AnyRow, events, experiments
from store.db.visible import visible_experiments
from store.experiments.rows import ID
from store.records import Event, EventKind, Progress
from store.states import State

EVENTS_PER_QUERY = 1000

MAX_LATE = 200
"""On PostgreSQL, an event may be committed after events with up to this many higher numbers."""

ExperimentEvent = tuple[str, Event]
"""An experiment's id and an event of it."""


def newest_number(tx: Connection) -> int:
    """The number of the newest event, 0 if there are no events."""
    return tx.scalars(select(func.coalesce(func.max(events.c.number), 0))).one()


def settled_number(tx: Connection) -> int:
    """A number such that this read has seen the effect of every event up to it.

    Whoever reads experiments and then follows the events after this number misses nothing.
    """
    late = 0 if tx.dialect.name == "sqlite" else MAX_LATE
    return max(0, newest_number(tx) - late)


def newest_number_of(tx: Connection, experiment_id: str) -> int:
    """The number of an experiment's newest event."""
    number = func.coalesce(func.max(events.c.number), 0)
    return tx.scalars(select(number).where(events.c.experiment_id == experiment_id)).one()


def since(
    tx: Connection, number: int, experiment_ids: Collection[str] | None = None
) -> list[ExperimentEvent]:
    """The next events after a number, of all or given experiments, up to :data:`EVENTS_PER_QUERY`.

    On PostgreSQL an event may be committed after one with a higher number, but never of the same
    experiment.
    """
    query = visible_experiments(events).join(events, events.c.experiment_id == experiments.c.id)
    query = query.where(events.c.number > number)
    if experiment_ids is not None:
        query = query.where(events.c.experiment_id.in_(experiment_ids))
    rows = tx.execute(query.order_by(events.c.number).limit(EVENTS_PER_QUERY))
    return [(row.experiment_id, to_event(row)) for row in rows]


def to_event(row: AnyRow) -> Event:
    """The event of a row."""
    return Event(row.number, row.at, EventKind(row.kind), row.attempt, row.detail)


def running_progress(tx: Connection) -> dict[str, Progress]:
    """The progress of each running experiment that has reported any."""
    names = ("id", "step", "of", "steps_per_second", "eta_seconds")
    query = visible_experiments(*(experiments.c[name] for name in names)).where(
        experiments.c.state == State.RUNNING, experiments.c.of.is_not(None)
    )
    return {
        row.id: Progress(row.step, row.of, row.steps_per_second, row.eta_seconds)
        for row in tx.execute(query)
    }


def unknown_ids(tx: Connection, experiment_ids: Sequence[str]) -> list[str]:
    """The ids that belong to no experiment."""
    well_formed = [experiment_id for experiment_id in experiment_ids if ID.fullmatch(experiment_id)]
    query = visible_experiments(experiments.c.id).where(experiments.c.id.in_(well_formed))
    existing = set(tx.scalars(query))
    return [experiment_id for experiment_id in experiment_ids if experiment_id not in existing]
