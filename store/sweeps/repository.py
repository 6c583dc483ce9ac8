"""The repository of sweeps: read, page through, remove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, delete, func, select

from core.spec.sweep import SweepSpec
from store.db.keyset import read_newest
from store.db.tables import AnyRow, experiments, sweep_members, sweeps
from store.db.visible import visible_experiments, visible_sweeps
from store.errors import IllegalMove
from store.experiments import changes, duplicates
from store.experiments.changes import Changes
from store.states import FINAL, State
from store.sweeps import members as member_rows
from store.sweeps import rows
from store.sweeps.rows import SWEEP_COLUMNS


@dataclass(frozen=True)
class Sweep:
    """A sweep; ``counts`` has the number of its experiments in each state."""

    id: str
    name: str
    owner: str
    base: Mapping[str, Any]
    axes: Sequence[Mapping[str, Any]]
    created_at: float
    version: int
    counts: Mapping[State, int]

    @cached_property
    def spec(self) -> SweepSpec:
        """The spec of the sweep, valid when stored."""
        return SweepSpec.model_validate({"name": self.name, "base": self.base, "axes": self.axes})


@dataclass(frozen=True)
class Member:
    """An experiment of a sweep, with its position and its coordinates on the axes."""

    position: int
    coordinates: Mapping[str, Any]
    experiment_id: str
    state: State
    spec_hash: str = ""


class StillPending(IllegalMove):
    """A sweep with pending experiments can't be removed."""

    def __init__(self, pending: int) -> None:
        Exception.__init__(
            self, f"{pending} of its experiments are pending: wait for them, or cancel it"
        )


class StillNeeded(IllegalMove):
    """A sweep can't be removed with an experiment that has to stay."""

    def __init__(self, experiment_id: str, reason: str) -> None:
        Exception.__init__(self, f"{experiment_id} and the sweep stay: {reason}")


def get(tx: Connection, sweep_id: str) -> Sweep:
    """The sweep with this id; raises NotFound."""
    return _sweep(rows.get(tx, sweep_id, *SWEEP_COLUMNS), _count_states(tx, [sweep_id]))


def page(tx: Connection, *, limit: int, cursor: str | None) -> tuple[list[Sweep], str | None]:
    """Up to ``limit`` sweeps, newest first, and the cursor of the next page or None.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    query = visible_sweeps(*SWEEP_COLUMNS)
    page_rows, next_cursor = read_newest(tx, query, sweeps, limit=limit, cursor=cursor)
    counts = _count_states(tx, [row.id for row in page_rows])
    return [_sweep(row, counts) for row in page_rows], next_cursor


def members(
    tx: Connection, sweep_id: str, *, limit: int | None = None, cursor: str | None = None
) -> tuple[list[Member], str | None]:
    """Up to ``limit`` members in order, and the cursor of the next page or None.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    page_rows, next_cursor = member_rows.read(tx, sweep_id, limit=limit, cursor=cursor)
    items = [
        Member(row.position, row.coordinates, row.experiment_id, State(row.state), row.spec_hash)
        for row in page_rows
    ]
    return items, next_cursor


def experiment_ids(
    tx: Connection, sweep_id: str, states: Sequence[State], *, exclusive: bool = False
) -> list[str]:
    """The experiments of a sweep that are in one of these states.

    Args:
        tx: An open transaction.
        sweep_id: The sweep.
        states: The states.
        exclusive: Leave out experiments that another sweep has too.

    Raises:
        NotFound: There is no such sweep.
    """
    rows.get(tx, sweep_id, sweeps.c.id)
    member, other = sweep_members, sweep_members.alias()
    query = (
        visible_experiments(experiments.c.id)
        .join(member, member.c.experiment_id == experiments.c.id)
        .where(member.c.sweep_id == sweep_id, experiments.c.state.in_(states))
        .order_by(member.c.position)
    )
    if exclusive:
        is_shared = select(1).where(
            other.c.experiment_id == member.c.experiment_id, other.c.sweep_id != sweep_id
        )
        query = query.where(~is_shared.exists())
    return list(dict.fromkeys(tx.scalars(query)))


def remove(tx: Connection, sweep_id: str) -> None:
    """Removes a sweep, but not its experiments.

    Raises:
        NotFound: There is no such sweep.
        StillPending: Some of its experiments are pending.
    """
    rows.get(tx, sweep_id, sweeps.c.id, lock=True)
    refuse_pending(tx, sweep_id)
    tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))


def remove_experiments(tx: Connection, sweep_id: str, ids: Sequence[str]) -> Changes:
    """Removes ended experiments of a sweep, but leaves those that another sweep has too."""
    duplicates.lock(tx)  # a sweep that is being submitted may reuse them
    others = select(sweep_members.c.experiment_id).where(
        sweep_members.c.experiment_id.in_(list(ids)), sweep_members.c.sweep_id != sweep_id
    )
    shared = set(tx.scalars(others))
    return changes.remove(tx, [name for name in ids if name not in shared])


def refuse_pending(tx: Connection, sweep_id: str) -> None:
    """Raises StillPending if some of a sweep's experiments are pending."""
    counts = _count_states(tx, [sweep_id])[sweep_id]
    if pending := sum(count for state, count in counts.items() if state not in FINAL):
        raise StillPending(pending)


def _count_states(tx: Connection, sweep_ids: Sequence[str]) -> dict[str, dict[State, int]]:
    counts: dict[str, dict[State, int]] = {name: dict.fromkeys(State, 0) for name in sweep_ids}
    columns = sweep_members.c.sweep_id, experiments.c.state
    query = (
        visible_experiments(*columns, func.count())
        .join(sweep_members, sweep_members.c.experiment_id == experiments.c.id)
        .where(sweep_members.c.sweep_id.in_(list(sweep_ids)))
        .group_by(*columns)
    )
    for sweep_id, state, count in tx.execute(query):
        counts[sweep_id][State(state)] = count
    return counts


def _sweep(row: AnyRow, counts: Mapping[str, Mapping[State, int]]) -> Sweep:
    return Sweep(
        row.id, row.name, row.owner, row.base, row.axes, row.created_at, row.version, counts[row.id]
    )
