"""The repository of sweeps: submit, read, page, extend, remove.

A sweep is seen whole or not at all: its experiments, its row and its members are written in one transaction, or where
they are many brought in before, unseen, and shown in that transaction.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from uuid_utils import uuid7

from core.spec.sweep import Point, SweepSpec
from store import arrivals, intake, membership
from store.database import Database, now
from store.errors import BadCursor, IllegalMove, NotFound
from store.intake import Options, Wish
from store.records import Submission
from store.states import FINAL, State
from store.tables import AnyRow, experiments, sweep_members, sweeps

ID = re.compile(r"swp_[0-9a-f]{32}")
"""Every id of a sweep."""

_COLUMNS = [column for column in sweeps.c if column.name != "arrival"]
_SEEN = arrivals.seen(sweeps.c.arrival)

_NAMESAKES = 50
"""Sweeps of one name and owner that are looked through for an equal one, the newest first."""


@dataclass(frozen=True)
class Draft:
    """A sweep on its way into the store.

    Attributes:
        sweep: What was asked for.
        points: Its experiments.
        wishes: The same, ready to be stored.
    """

    sweep: SweepSpec
    points: Sequence[Point]
    wishes: Sequence[Wish]

    @property
    def content(self) -> dict[str, Any]:
        """Base and axes as JSON."""
        written = self.sweep.model_copy(update={"base": self.sweep.tagged}).model_dump(mode="json")
        return {"base": written["base"], "axes": written["axes"]}


@dataclass(frozen=True)
class Sweep:
    """A sweep as it stands; ``counts`` has how many of its experiments are in each state."""

    id: str
    name: str
    owner: str
    base: Mapping[str, Any]
    axes: Sequence[Mapping[str, Any]]
    created_at: float
    version: int
    counts: Mapping[State, int]

    @property
    def spec(self) -> SweepSpec:
        """What was asked for. It was valid when it was stored."""
        return SweepSpec.model_validate({"name": self.name, "base": self.base, "axes": self.axes})


@dataclass(frozen=True)
class Member:
    """One experiment of a sweep: where it lies on the axes, and how it is."""

    position: int
    coordinates: Mapping[str, Any]
    experiment_id: str
    state: State
    spec_hash: str = ""


@dataclass(frozen=True)
class Submitted:
    """What became of a sweep: ``reused`` says that an equal one was there; ``members`` are its experiments."""

    id: str
    reused: bool
    members: Sequence[Submission]


@dataclass(frozen=True)
class Arrival:
    """A sweep with its experiments that was brought in (:mod:`store.arrivals`), unseen until it is submitted.

    Attributes:
        id: Of the arrival that the sweep bears, None where there is an equal one and so no other.
        sweep_id: The sweep.
        experiments: Its experiments.
    """

    id: str | None
    sweep_id: str | None
    experiments: intake.Arrival


class StillPending(IllegalMove):
    """A sweep whose experiments are not all at their end isn't removed."""

    def __init__(self, pending: int) -> None:
        Exception.__init__(self, f"{pending} of its experiments are queued or running: wait for them, or cancel it")


def bring(database: Database, draft: Draft, *, owner: str, options: Options, rerun: bool = False) -> Arrival | None:
    """Stores a large sweep beforehand and some at a time, so that :func:`submit` has little left to do.

    None where it is small.

    Raises:
        SpecError: As :func:`submit`.
    """
    arrival = intake.bring(database, draft.wishes, owner=owner, options=options, rerun=rerun)
    if arrival is None:
        return None
    with database.read() as tx:
        if not rerun and _equal(tx, draft, owner) is not None:
            return Arrival(arrival.id, None, arrival)
    with database.write() as tx:
        own = arrivals.begin(tx) if arrival.id is None else arrival.id
        sweep_id = _new(tx, draft, owner, own)
    placed = list(enumerate(zip(draft.points, arrival.submissions, strict=True)))
    for some in intake.batches(placed):
        time.sleep(intake.BREATH_SECONDS)
        with database.write() as tx:
            arrivals.go_on(tx, own)
            points, made = zip(*(pair for _, pair in some), strict=True)
            membership.add(tx, sweep_id, some[0][0], points, made)
    return Arrival(own, sweep_id, arrival)


def submit(
    tx: Connection,
    draft: Draft,
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
    arrival: Arrival | None = None,
) -> Submitted:
    """Stores a sweep with all its experiments; equal experiments that are there become its members.

    An equal sweep of that name and owner is taken instead of a new one, unless ``rerun``: what failed or was cancelled
    in it, or was removed, has a new experiment then. ``arrival`` has what was brought in before.

    Raises:
        SpecError: An experiment starts from another, and can't.
        StoreUnavailable: The arrival was given up.
    """
    brought = None if arrival is None else arrival.experiments
    made = intake.submit(tx, draft.wishes, owner=owner, options=options, rerun=rerun, arrival=brought)
    sweep_id = None if arrival is None else arrival.sweep_id
    if arrival is not None and arrival.id is not None and arrival.id != arrival.experiments.id:
        arrivals.show(tx, arrival.id)
    known = None if rerun else _equal(tx, draft, owner, but=sweep_id)
    if known is not None:
        membership.renew(tx, known, draft.points, made)
        if sweep_id is not None:
            tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))
        return Submitted(known, True, made)
    if arrival is None or sweep_id is None:
        sweep_id = _new(tx, draft, owner)
        membership.add(tx, sweep_id, 0, draft.points, made)
    else:
        membership.correct(tx, sweep_id, draft.points, arrival.experiments.submissions, made)
    return Submitted(sweep_id, False, made)


def extend(
    tx: Connection, sweep_id: str, draft: Draft, *, owner: str, options: Options, arrival: intake.Arrival | None = None
) -> Submitted:
    """Gives a sweep other axes and runs what is missing on them.

    Members stay, with the experiments that they have, also those that the new axes leave out; on an axis that is new
    they lie where their experiments do. New ones come behind them. ``arrival`` has what was brought in before.

    Raises:
        NotFound: There is no such sweep.
        SpecError: An experiment starts from another, and can't.
        StoreUnavailable: The arrival was given up.
    """
    intake.lock(tx)
    version = _one(tx, sweep_id, sweeps.c.version, lock=True).version
    present = membership.read(tx, sweep_id)
    there = {row.spec_hash for row in present}
    missing = [i for i, point in enumerate(draft.points) if point.spec_hash not in there]
    wishes = [draft.wishes[i] for i in missing]
    made = intake.submit(tx, wishes, owner=owner, options=options, arrival=arrival) if wishes or arrival else []
    tx.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(axes=draft.content["axes"], version=version + 1))
    membership.place_again(tx, sweep_id, present, draft.points)
    after = max((row.position for row in present), default=-1) + 1
    membership.add(tx, sweep_id, after, [draft.points[i] for i in missing], made)
    return Submitted(sweep_id, True, made)


def get(tx: Connection, sweep_id: str) -> Sweep:
    """The sweep as it stands; raises NotFound."""
    return _sweep(_one(tx, sweep_id, *_COLUMNS), _counts(tx, [sweep_id]))


def page(tx: Connection, *, limit: int, cursor: str | None) -> tuple[list[Sweep], str | None]:
    """Up to ``limit`` sweeps, the newest first, and the cursor of the next page, None at the end.

    Raises:
        BadCursor: The cursor isn't one that a page gave.
    """
    query = select(*_COLUMNS).where(_SEEN).order_by(sweeps.c.id.desc()).limit(limit + 1)  # ids grow with time
    if cursor is not None:
        if not ID.fullmatch(cursor):
            raise BadCursor(cursor)
        query = query.where(sweeps.c.id < cursor)
    found = tx.execute(query).all()
    counts = _counts(tx, [row.id for row in found[:limit]])
    return [_sweep(row, counts) for row in found[:limit]], found[limit - 1].id if len(found) > limit else None


def members(
    tx: Connection, sweep_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[list[Member], str | None]:
    """Up to ``limit`` members in their order, and the cursor of the next page, None at the end.

    Raises:
        BadCursor: The cursor isn't one that a page gave.
    """
    if cursor is not None and not re.fullmatch(r"[0-9]{1,9}", cursor):
        raise BadCursor(cursor)
    found = membership.read(tx, sweep_id, after=-1 if cursor is None else int(cursor), limit=limit and limit + 1)
    shown = found[:limit]
    items = [Member(row.position, row.coordinates, row.experiment_id, State(row.state), row.spec_hash) for row in shown]
    return items, str(shown[-1].position) if len(found) > len(shown) else None


def ids(tx: Connection, sweep_id: str, states: Sequence[State], *, alone: bool = False) -> list[str]:
    """The experiments of a sweep that are in one of these states.

    Args:
        tx: An open transaction.
        sweep_id: Which sweep.
        states: Which states.
        alone: Only those that no other sweep has.

    Raises:
        NotFound: There is no such sweep.
    """
    _one(tx, sweep_id, sweeps.c.id)
    own, other = sweep_members, sweep_members.alias()
    query = select(own.c.experiment_id).join(experiments, experiments.c.id == own.c.experiment_id)
    query = query.where(own.c.sweep_id == sweep_id, experiments.c.state.in_(states)).order_by(own.c.position)
    if alone:
        shared = select(1).where(other.c.experiment_id == own.c.experiment_id, other.c.sweep_id != sweep_id)
        query = query.where(~shared.exists())
    return list(dict.fromkeys(tx.scalars(query)))


def remove(tx: Connection, sweep_id: str) -> None:
    """Removes a sweep; its experiments stay.

    Raises:
        NotFound: There is none.
        StillPending: Some of its experiments have not ended.
    """
    _one(tx, sweep_id, sweeps.c.id, lock=True)
    pending = [count for state, count in _counts(tx, [sweep_id])[sweep_id].items() if state not in FINAL]
    if sum(pending):
        raise StillPending(sum(pending))
    tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))


def _one(tx: Connection, sweep_id: str, *columns: Any, lock: bool = False) -> AnyRow:
    query = select(*columns).where(sweeps.c.id == sweep_id)
    row = tx.execute(query.with_for_update() if lock else query).first() if ID.fullmatch(sweep_id) else None
    if row is None:
        raise NotFound("sweep", sweep_id)
    return row


def _equal(tx: Connection, draft: Draft, owner: str, *, but: str | None = None) -> str | None:
    """The newest sweep of the same name, owner, base and axes; ``but`` is what is being submitted."""
    namesakes = select(sweeps.c.id).where(sweeps.c.name == draft.sweep.name, sweeps.c.owner == owner, _SEEN)
    if but is not None:
        namesakes = namesakes.where(sweeps.c.id != but)
    newest = list(tx.scalars(namesakes.order_by(sweeps.c.id.desc()).limit(_NAMESAKES)))
    rows = tx.execute(select(sweeps.c.id, sweeps.c.base, sweeps.c.axes).where(sweeps.c.id.in_(newest)))
    content = draft.content
    return max((row.id for row in rows if {"base": row.base, "axes": row.axes} == content), default=None)


def _counts(tx: Connection, sweep_ids: Sequence[str]) -> dict[str, dict[State, int]]:
    counts: dict[str, dict[State, int]] = {name: dict.fromkeys(State, 0) for name in sweep_ids}
    state = experiments.c.state
    query = select(sweep_members.c.sweep_id, state, func.count()).join(
        experiments, experiments.c.id == sweep_members.c.experiment_id
    )
    query = query.where(sweep_members.c.sweep_id.in_(list(sweep_ids))).group_by(sweep_members.c.sweep_id, state)
    for name, found, count in tx.execute(query):
        counts[name][State(found)] = count
    return counts


def _sweep(row: AnyRow, counts: Mapping[str, Mapping[State, int]]) -> Sweep:
    return Sweep(row.id, row.name, row.owner, row.base, row.axes, row.created_at, row.version, counts[row.id])


def _new(tx: Connection, draft: Draft, owner: str, arrival: str | None = None) -> str:
    sweep_id = f"swp_{uuid7().hex}"
    row = {"id": sweep_id, "name": draft.sweep.name, "owner": owner, "created_at": now(tx), "version": 1}
    tx.execute(insert(sweeps).values(**row, arrival=arrival, **draft.content))
    return sweep_id
