"""Events of all experiments in the order of their numbers, and the progress of running ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Select,
    Text,
    TextClause,
    and_,
    cast,
    func,
    not_,
    or_,
    select,
    text,
)

from store.db.tables import AnyRow, events, experiments
from store.db.visible import visible_experiments
from store.experiments.rows import ID
from store.records import Event, EventKind, Progress
from store.states import State

EVENTS_PER_QUERY = 1000

ExperimentEvent = tuple[str, Event]
"""An experiment's id and an event of it."""

_SEEN, _UNTIL = text("CAST(:seen AS txid_snapshot)"), text("CAST(:until AS txid_snapshot)")


@dataclass(frozen=True)
class Mark:
    """How far a reader of events has come.

    On PostgreSQL an event may be committed after events with higher numbers. So a mark has two
    snapshots of the database: all events in ``seen`` are read, and those that are only in ``until``
    are being read in the order of their numbers.

    Attributes:
        number: Number of the last event that was read.
        seen, until: The snapshots; empty on SQLite and before the first read.
    """

    number: int = 0
    seen: str = ""
    until: str = ""


def newest_number(tx: Connection) -> int:
    """The number of the newest event, 0 if there are no events.

    Whoever reads experiments and then follows the events :func:`since` this number misses nothing,
    not even those of a staged batch that is published later.
    """
    newest = _visible_events().with_only_columns(events.c.number)
    newest = newest.order_by(None).order_by(events.c.number.desc()).limit(1)
    return tx.scalars(newest).first() or 0


def newest_number_of(tx: Connection, experiment_id: str) -> int:
    """The number of an experiment's newest event."""
    number = func.coalesce(func.max(events.c.number), 0)
    return tx.scalars(select(number).where(events.c.experiment_id == experiment_id)).one()


def now_read(tx: Connection) -> Mark:
    """The mark of a reader who has read all events of this snapshot."""
    if tx.dialect.name == "sqlite":
        return Mark(newest_number(tx))
    snapshot = _snapshot(tx)
    return Mark(0, snapshot, snapshot)


def after(tx: Connection, mark: Mark) -> tuple[list[ExperimentEvent], Mark]:
    """Up to :data:`EVENTS_PER_QUERY` events that are not read yet, and the mark after them.

    Each event comes once, whenever it is committed.
    """
    query = _visible_events()
    if tx.dialect.name == "sqlite":
        found = _read(tx, query.where(events.c.number > mark.number))
        return found, Mark(found[-1][1].number if found else mark.number)
    if mark.seen == mark.until:
        mark = Mark(0, mark.seen, _snapshot(tx))
    query = query.where(
        events.c.number > mark.number,
        events.c.txid >= func.txid_snapshot_xmin(_SEEN),
        not_(_is_in(_SEEN)),
        _is_in(_UNTIL),
    )
    found = _read(tx, query, {"seen": mark.seen, "until": mark.until})
    if len(found) < EVENTS_PER_QUERY:
        return found, Mark(0, mark.until, mark.until)
    return found, replace(mark, number=found[-1][1].number)


def since(
    tx: Connection,
    last: int,
    experiment_ids: Collection[str] | None = None,
    *,
    mark: Mark = Mark(),
) -> tuple[list[ExperimentEvent], Mark]:
    """The next events that a reader may not know, of all or given experiments, and the mark after.

    On PostgreSQL these are those after the ``last`` event, and those of transactions that were open
    when it was written, of which a few may be known. All are in the snapshot of the first call: a
    later event would hide from a reader who is cut off what was committed between two calls.

    Args:
        tx: An open transaction.
        last: Number of the last event that the reader knows; 0 for none.
        experiment_ids: The experiments; None for all.
        mark: The mark after the previous call, which is continued.

    Returns:
        Up to :data:`EVENTS_PER_QUERY` events in the order of their numbers.
    """
    query = _visible_events()
    if experiment_ids is not None:
        query = query.where(events.c.experiment_id.in_(experiment_ids))
    if tx.dialect.name == "sqlite":
        found = _read(tx, query.where(events.c.number > max(last, mark.number)))
    else:
        mark = replace(mark, until=mark.until or _snapshot(tx))
        query = query.where(events.c.number > mark.number, *_unknown(tx, last), _is_in(_UNTIL))
        found = _read(tx, query, {"until": mark.until})
    return found, replace(mark, number=found[-1][1].number if found else mark.number)


def _unknown(tx: Connection, last: int) -> list[ColumnElement[bool]]:
    """Conditions for the events that a reader of the ``last`` one may not know, on PostgreSQL."""
    columns = events.c.number, events.c.txid, events.c.oldest_txid
    newest = select(*columns).where(events.c.number <= last).order_by(events.c.number.desc())
    known = tx.execute(newest.limit(1)).first()
    if known is None:
        return []
    others = events.c.txid >= max(known.oldest_txid, 1)  # 0: from before they were stored
    if known.number == last:
        others = and_(others, events.c.txid != known.txid)
    late = select(events.c.number).where(others, events.c.number <= last)
    first = tx.scalars(select(func.min(late.subquery().c.number))).one()
    lowest = last if first is None else first - 1
    unknown = or_(events.c.number > last, events.c.number.in_(late))
    return [events.c.number > lowest, unknown]


def _is_in(snapshot: TextClause) -> ColumnElement[bool]:
    return func.txid_visible_in_snapshot(events.c.txid, snapshot, type_=Boolean)


def _visible_events() -> Select[Any]:
    joined = events.c.experiment_id == experiments.c.id
    return visible_experiments(events).join(events, joined).order_by(events.c.number)


def _read(
    tx: Connection, query: Select[Any], parameters: Mapping[str, str] = MappingProxyType({})
) -> list[ExperimentEvent]:
    rows = tx.execute(query.limit(EVENTS_PER_QUERY), dict(parameters))
    return [(row.experiment_id, to_event(row)) for row in rows]


def _snapshot(tx: Connection) -> str:
    return str(tx.scalars(select(cast(func.txid_current_snapshot(), Text))).one())


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
