"""The repository of sweeps: submit, read, page, extend, remove.

A sweep is seen whole or not at all: its experiments, its row and its members are written in one
transaction, or where they are many brought in before, unseen, and shown in that transaction.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from core.spec.sweep import SweepSpec
from store.db.keyset import read_page
from store.db.tables import AnyRow, experiments, sweep_members, sweeps
from store.db.visible import visible_experiments, visible_sweeps
from store.errors import IllegalMove, NotFound
from store.experiments import submission
from store.experiments.submission import Options
from store.records import Submission
from store.states import FINAL, State
from store.sweeps import members as membership
from store.sweeps import submission as sweep_intake
from store.sweeps.submission import Arrival as Arrival  # noqa: PLC0414  # known from here, as the next three
from store.sweeps.submission import Draft as Draft  # noqa: PLC0414
from store.sweeps.submission import bring as bring  # noqa: PLC0414
from store.sweeps.submission import bring_more as bring_more  # noqa: PLC0414

ID = re.compile(r"swp_[0-9a-f]{32}")
"""Every id of a sweep."""

_COLUMNS = [column for column in sweeps.c if column.key != "staged_batch_id"]


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


class StillPending(IllegalMove):
    """A sweep whose experiments are not all at their end isn't removed."""

    def __init__(self, pending: int) -> None:
        Exception.__init__(
            self, f"{pending} of its experiments are queued or running: wait for them, or cancel it"
        )


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

    An equal sweep of that name and owner is taken instead of a new one, unless ``rerun``: what
    failed or was cancelled in it, or was removed, has a new experiment then. ``arrival`` has what
    was brought in before.

    Raises:
        SpecError: An experiment starts from another, and can't.
        StoreUnavailable: The arrival was given up.
    """
    brought = None if arrival is None else arrival.experiments
    made = submission.submit(
        tx, draft.wishes, owner=owner, options=options, rerun=rerun, arrival=brought
    )
    sweep_id = None if arrival is None else arrival.sweep_id
    sweep_intake.show(tx, arrival)
    known = None if rerun else sweep_intake.equal(tx, draft, owner, but=sweep_id)
    if known is not None:
        membership.renew(tx, known, draft.points, made)
        if sweep_id is not None:
            tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))
        return Submitted(known, True, made)
    if arrival is None or sweep_id is None:
        sweep_id = sweep_intake.new(tx, draft, owner)
        membership.add(tx, sweep_id, 0, draft.points, made)
    else:
        membership.correct(tx, sweep_id, draft.points, arrival.experiments.submissions, made)
    return Submitted(sweep_id, False, made)


def extend(
    tx: Connection,
    sweep_id: str,
    draft: Draft,
    *,
    owner: str,
    options: Options,
    arrival: Arrival | None = None,
) -> Submitted:
    """Gives a sweep other axes and runs what is missing on them.

    Members stay, with the experiments that they have, also those that the new axes leave out; on an
    axis that is new they lie where their experiments do. New ones come behind them. ``arrival`` has
    what was brought in before.

    Raises:
        NotFound: There is no such sweep.
        SpecError: An experiment starts from another, and can't.
        StoreUnavailable: The arrival was given up.
    """
    submission.lock(tx)
    version = _one(tx, sweep_id, sweeps.c.version, lock=True).version
    present, _ = membership.read(tx, sweep_id)
    missing = draft.without({row.spec_hash for row in present})
    brought = None if arrival is None else arrival.experiments
    some = missing.wishes or brought is not None
    made = (
        submission.submit(tx, missing.wishes, owner=owner, options=options, arrival=brought)
        if some
        else []
    )
    sweep_intake.show(tx, arrival)
    tx.execute(
        update(sweeps)
        .where(sweeps.c.id == sweep_id)
        .values(axes=draft.content["axes"], version=version + 1)
    )
    membership.place_again(tx, sweep_id, present, draft.points)
    after = max((row.position for row in present), default=-1) + 1
    aside = None if arrival is None else arrival.sweep_id
    before = () if brought is None else brought.submissions
    if aside is not None and [one.spec_hash for one in before] == [one.spec_hash for one in made]:
        membership.correct(tx, aside, missing.points, before, made)
        membership.hand_over(tx, aside, sweep_id, after)
    else:  # few, or somebody else has extended it in the meantime
        membership.add(tx, sweep_id, after, missing.points, made)
    if aside is not None:
        tx.execute(delete(sweeps).where(sweeps.c.id == aside))
    return Submitted(sweep_id, True, made)


def get(tx: Connection, sweep_id: str) -> Sweep:
    """The sweep as it stands; raises NotFound."""
    return _sweep(_one(tx, sweep_id, *_COLUMNS), _counts(tx, [sweep_id]))


def page(tx: Connection, *, limit: int, cursor: str | None) -> tuple[list[Sweep], str | None]:
    """Up to ``limit`` sweeps, newest first, and the cursor of the next page, None on the last.

    Raises:
        BadCursor: The cursor belongs to no page.
    """
    rows, next_cursor = read_page(  # ids grow with time
        tx, visible_sweeps(*_COLUMNS), sweeps.c.id, ID, limit=limit, cursor=cursor, descending=True
    )
    counts = _counts(tx, [row.id for row in rows])
    return [_sweep(row, counts) for row in rows], next_cursor


def members(
    tx: Connection, sweep_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[list[Member], str | None]:
    """Up to ``limit`` members in their order, and the cursor of the next page, None on the last.

    Raises:
        BadCursor: The cursor belongs to no page.
    """
    rows, next_cursor = membership.read(tx, sweep_id, limit=limit, cursor=cursor)
    items = [
        Member(row.position, row.coordinates, row.experiment_id, State(row.state), row.spec_hash)
        for row in rows
    ]
    return items, next_cursor


def ids(
    tx: Connection, sweep_id: str, states: Sequence[State], *, alone: bool = False
) -> list[str]:
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
    query = visible_experiments(experiments.c.id).join(own, own.c.experiment_id == experiments.c.id)
    query = query.where(own.c.sweep_id == sweep_id, experiments.c.state.in_(states)).order_by(
        own.c.position
    )
    if alone:
        shared = select(1).where(
            other.c.experiment_id == own.c.experiment_id, other.c.sweep_id != sweep_id
        )
        query = query.where(~shared.exists())
    return list(dict.fromkeys(tx.scalars(query)))


def remove(tx: Connection, sweep_id: str) -> None:
    """Removes a sweep; its experiments stay.

    Raises:
        NotFound: There is none.
        StillPending: Some of its experiments have not ended.
    """
    _one(tx, sweep_id, sweeps.c.id, lock=True)
    pending = [
        count for state, count in _counts(tx, [sweep_id])[sweep_id].items() if state not in FINAL
    ]
    if sum(pending):
        raise StillPending(sum(pending))
    tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))


def _one(tx: Connection, sweep_id: str, *columns: Any, lock: bool = False) -> AnyRow:
    query = visible_sweeps(*columns).where(sweeps.c.id == sweep_id)
    row = (
        tx.execute(query.with_for_update() if lock else query).first()
        if ID.fullmatch(sweep_id)
        else None
    )
    if row is None:
        raise NotFound("sweep", sweep_id)
    return row


def _counts(tx: Connection, sweep_ids: Sequence[str]) -> dict[str, dict[State, int]]:
    counts: dict[str, dict[State, int]] = {name: dict.fromkeys(State, 0) for name in sweep_ids}
    state = experiments.c.state
    query = visible_experiments(sweep_members.c.sweep_id, state, func.count()).join(
        sweep_members, sweep_members.c.experiment_id == experiments.c.id
    )
    query = query.where(sweep_members.c.sweep_id.in_(list(sweep_ids))).group_by(
        sweep_members.c.sweep_id, state
    )
    for name, found, count in tx.execute(query):
        counts[name][State(found)] = count
    return counts


def _sweep(row: AnyRow, counts: Mapping[str, Mapping[State, int]]) -> Sweep:
    return Sweep(
        row.id, row.name, row.owner, row.base, row.axes, row.created_at, row.version, counts[row.id]
    )
