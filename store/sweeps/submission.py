"""Sweeps on their way into the store: drafts, and large ones that are brought in beforehand, unseen, some at a time."""

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert
from uuid_utils import uuid7

from core.spec.sweep import Point, SweepSpec
from store.db.database import Database, now
from store.db.tables import sweeps
from store.db.visible import visible_sweeps
from store.experiments import staging, submission
from store.experiments.submission import Options, SubmissionItem
from store.sweeps import members

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
    wishes: Sequence[SubmissionItem]

    @property
    def content(self) -> dict[str, Any]:
        """Base and axes as JSON."""
        written = self.sweep.model_copy(update={"base": self.sweep.tagged}).model_dump(mode="json")
        return {"base": written["base"], "axes": written["axes"]}

    def without(self, spec_hashes: Container[str]) -> "Draft":
        """The same of those points only that are not among these."""
        pairs = zip(self.points, self.wishes, strict=True)
        left = [(point, wish) for point, wish in pairs if point.spec_hash not in spec_hashes]
        return replace(self, points=[point for point, _ in left], wishes=[wish for _, wish in left])


@dataclass(frozen=True)
class Arrival:
    """A sweep with its experiments that was brought in (:mod:`store.experiments.staging`), unseen until it is submitted.

    Attributes:
        id: Of the arrival that the sweep bears, None where there is an equal one and so no other.
        sweep_id: The sweep.
        experiments: Its experiments.
    """

    id: str | None
    sweep_id: str | None
    experiments: submission.Arrival


def bring(
    database: Database, draft: Draft, *, owner: str, options: Options, rerun: bool = False
) -> Arrival | None:
    """Stores a large sweep beforehand and some at a time, so that :func:`store.sweeps.repository.submit` has little left to do.

    None where it is small.

    Raises:
        SpecError: As :func:`store.sweeps.repository.submit`.
    """
    arrival = submission.bring(database, draft.wishes, owner=owner, options=options, rerun=rerun)
    if arrival is None:
        return None
    with database.read() as tx:
        if not rerun and equal(tx, draft, owner) is not None:
            return Arrival(arrival.id, None, arrival)
    return _bring_members(database, draft, arrival, owner)


def bring_more(
    database: Database, sweep_id: str, draft: Draft, *, owner: str, options: Options
) -> Arrival | None:
    """The same of what :func:`store.sweeps.repository.extend` adds: until then its members are those of another, unseen sweep.

    Raises:
        SpecError: As :func:`store.sweeps.repository.extend`.
    """
    with database.read() as tx:
        missing = draft.without(members.spec_hashes(tx, sweep_id))
    arrival = submission.bring(database, missing.wishes, owner=owner, options=options)
    return None if arrival is None else _bring_members(database, missing, arrival, owner)


def _bring_members(
    database: Database, draft: Draft, arrival: submission.Arrival, owner: str
) -> Arrival:
    with database.write() as tx:
        own = staging.begin(tx) if arrival.id is None else arrival.id
        sweep_id = new(tx, draft, owner, own)
    placed = list(enumerate(zip(draft.points, arrival.submissions, strict=True)))
    for some in submission.batches(placed):
        time.sleep(submission.BREATH_SECONDS)
        with database.write() as tx:
            staging.go_on(tx, own)
            points, made = zip(*(pair for _, pair in some), strict=True)
            members.add(tx, sweep_id, some[0][0], points, made)
    return Arrival(own, sweep_id, arrival)


def show(tx: Connection, arrival: Arrival | None) -> None:
    """Shows a sweep that bears an arrival of its own, where none of its experiments is new."""
    if arrival is not None and arrival.id is not None and arrival.id != arrival.experiments.id:
        staging.show(tx, arrival.id)


def equal(tx: Connection, draft: Draft, owner: str, *, but: str | None = None) -> str | None:
    """The newest sweep of the same name, owner, base and axes; ``but`` is what is being submitted."""
    namesakes = visible_sweeps(sweeps.c.id).where(
        sweeps.c.name == draft.sweep.name, sweeps.c.owner == owner
    )
    if but is not None:
        namesakes = namesakes.where(sweeps.c.id != but)
    newest = list(tx.scalars(namesakes.order_by(sweeps.c.id.desc()).limit(_NAMESAKES)))
    rows = tx.execute(
        visible_sweeps(sweeps.c.id, sweeps.c.base, sweeps.c.axes).where(sweeps.c.id.in_(newest))
    )
    content = draft.content
    return max(
        (row.id for row in rows if {"base": row.base, "axes": row.axes} == content), default=None
    )


def new(tx: Connection, draft: Draft, owner: str, arrival: str | None = None) -> str:
    """Adds the row of a sweep; its id."""
    sweep_id = f"swp_{uuid7().hex}"
    row = {
        "id": sweep_id,
        "name": draft.sweep.name,
        "owner": owner,
        "created_at": now(tx),
        "version": 1,
    }
    tx.execute(insert(sweeps).values(**row, staged_batch_id=arrival, **draft.content))
    return sweep_id
