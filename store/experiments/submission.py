"""The intake: drafts become experiments, one or many at a time, or find the equal ones that are there.

Very many are brought in beforehand, unseen and some at a time (:mod:`store.experiments.staging`);
the write that submits them then has little left to do.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update
from uuid_utils import uuid7

from store.db.database import Database, announce_work, now
from store.db.tables import AnyRow, events, experiments, tags
from store.db.visible import visible_experiments
from store.experiments import staging, warm_start
from store.experiments import tags as tagging
from store.experiments.draft import Draft
from store.records import EventKind, Submission
from store.states import State

REUSED = (State.QUEUED, State.RUNNING, State.COMPLETED)
"""States in which an equal experiment is as good as a new one.

One that is put aside is not: it may stay there.
"""

AT_ONCE = 500
"""Hashes or ids that one query names."""

BREATH_SECONDS = 0.01
"""Between two writes of an arrival: whoever waits for the database gets it."""

_SUBMISSIONS = 0x5EED
"""PostgreSQL's lock that a submission of many takes for itself, and submissions of one share."""

_ALIKE = visible_experiments(
    *(
        experiments.c[name]
        for name in ("id", "spec_hash", "setup_hash", "created_at", "state", "warnings")
    )
)
_EQUALS = (
    _ALIKE.where(experiments.c.spec_hash.in_(bindparam("hashes", expanding=True)))
    .where(experiments.c.state.in_([literal_column(f"'{state}'") for state in REUSED]))
    .where(~experiments.c.cancel_requested, ~experiments.c.pause_requested)
    .order_by(experiments.c.created_at, experiments.c.id)
)
_EQUALS_TO_KEEP = _EQUALS.with_for_update()
_STILL_GOOD = (
    visible_experiments(experiments.c.id)
    .where(experiments.c.id.in_(bindparam("ids", expanding=True)))
    .where(experiments.c.state.in_([literal_column(f"'{state}'") for state in REUSED]))
    .where(~experiments.c.cancel_requested, ~experiments.c.pause_requested)
    .order_by(experiments.c.id)
    .with_for_update()
)
_STORE, _TAG, _NOTE = insert(experiments), insert(tags), insert(events)
_brought = experiments.alias()
_OVERTAKEN = _ALIKE.add_columns(experiments.c.cancel_requested).where(
    experiments.c.spec_hash.in_(
        select(_brought.c.spec_hash).where(_brought.c.staged_batch_id == bindparam("arrival"))
    )
)

SubmissionItem = tuple[Draft, Sequence[str]]
"""What to run, and what is questionable about it."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Options:
    """How an experiment is queued and bounded.

    Higher priority runs first; ``not_before`` is in Unix seconds.
    """

    priority: int = 0
    not_before: float | None = None
    max_seconds: float | None = None
    max_memory_mb: int | None = None


@dataclass(frozen=True)
class Arrival:
    """What was brought in, unseen until it is submitted.

    Attributes:
        id: Its name, None where nothing is new.
        submissions: What became of each wish so far; those of them that are new are there.
    """

    id: str | None
    submissions: Sequence[Submission]

    @property
    def made(self) -> dict[str, Submission]:
        """What is new, by spec hash."""
        return {one.spec_hash: one for one in self.submissions if not one.reused}

    @property
    def found(self) -> dict[str, Submission]:
        """What was there already, by spec hash."""
        return {one.spec_hash: one for one in self.submissions if one.reused}


def bring(
    database: Database,
    wishes: Sequence[SubmissionItem],
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
) -> Arrival | None:
    """Stores what would be new of very many wishes, so that :func:`submit` need not; None where they are few.

    Each write holds the database for a moment only. Should the process end before :func:`submit`,
    all is removed, but for the tags that equal experiments have gained.

    Raises:
        SpecError: As :func:`submit`.
    """
    if len(wishes) <= staging.AT_ONCE:
        return None
    with database.read() as tx:
        present = {} if rerun else equals(tx, (draft.spec_hash for draft, _ in wishes))
    submissions = [
        _submission(present.get(draft.spec_hash), draft, warnings) for draft, warnings in wishes
    ]
    shared = [
        (present[draft.spec_hash], draft.spec.tags)
        for draft, _ in wishes
        if draft.spec_hash in present
    ]
    for reused in batches(shared if any(names for _, names in shared) else ()):
        time.sleep(BREATH_SECONDS)
        with database.write() as tx:
            _merge_tags(tx, reused)
    new = [
        (made, draft)
        for made, (draft, _) in zip(submissions, wishes, strict=True)
        if not made.reused
    ]
    if not new:
        return Arrival(None, submissions)
    with database.write() as tx:
        arrival, at = staging.begin(tx), now(tx)
    for some in batches(new, staging.AT_ONCE):
        time.sleep(BREATH_SECONDS)
        with database.write() as tx:
            staging.go_on(tx, arrival)
            _insert(tx, some, at, owner=owner, options=options, arrival=arrival)
    return Arrival(arrival, submissions)


def submit(
    tx: Connection,
    wishes: Sequence[SubmissionItem],
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
    arrival: Arrival | None = None,
) -> list[Submission]:
    """Queues experiments, unless equal ones are queued, running or completed: then those get the tags too.

    Args:
        tx: An open write. All that is new is seen when it is committed, and not before.
        wishes: What to run, no two of them equal.
        owner: Who submits.
        options: Of the new ones; an experiment that is reused keeps its own.
        rerun: Queue new ones whatever there is.
        arrival: What :func:`bring` made of these wishes; it is seen now.

    Raises:
        SpecError: A new one starts from another experiment, and can't.
        StoreUnavailable: The arrival was given up.
    """
    hashes = [draft.spec_hash for draft, _ in wishes]
    lock(tx, hashes)
    known = {} if arrival is None else {**arrival.made, **_still_good(tx, arrival.found)}
    present = (
        {} if rerun else equals(tx, [one for one in hashes if one not in known], lock_rows=True)
    )
    if arrival is not None and arrival.id is not None and not rerun:
        present |= _overtaken(tx, arrival.id)
    at = now(tx)
    submissions = [
        _submission(present.get(draft.spec_hash), draft, warnings, known.get(draft.spec_hash))
        for draft, warnings in wishes
    ]
    brought = {} if arrival is None else arrival.made
    if arrival is not None and arrival.id is not None:
        _show(
            tx,
            arrival.id,
            {made.id for made in brought.values()} - {made.id for made in submissions},
        )
    new = [
        (made, draft)
        for made, (draft, _) in zip(submissions, wishes, strict=True)
        if not made.reused and draft.spec_hash not in brought
    ]
    _insert(tx, new, at, owner=owner, options=options)
    _merge_tags(
        tx,
        [
            (present[draft.spec_hash], draft.spec.tags)
            for draft, _ in wishes
            if draft.spec_hash in present
        ],
    )
    return submissions


def equals(tx: Connection, hashes: Iterable[str], *, lock_rows: bool = False) -> dict[str, AnyRow]:
    """The experiments that would be reused, by spec hash; of several the newest."""
    found: dict[str, AnyRow] = {}
    for some in batches(hashes):
        rows = tx.execute(_EQUALS_TO_KEEP if lock_rows else _EQUALS, {"hashes": some})
        found |= {row.spec_hash: row for row in rows}
    return found


def _still_good(tx: Connection, found: Mapping[str, Submission]) -> dict[str, Submission]:
    """Those of what was found before that would still be reused: names are read, and nothing else of so many."""
    good: set[str] = set()
    for some in batches(sorted(one.id for one in found.values())):
        good.update(tx.scalars(_STILL_GOOD, {"ids": some}))
    return {spec_hash: one for spec_hash, one in found.items() if one.id in good}


def _overtaken(tx: Connection, arrival: str) -> dict[str, AnyRow]:
    """What others have submitted of an arrival in the meantime, as :func:`equals` has it: mostly nothing."""
    alike = tx.execute(_OVERTAKEN, {"arrival": arrival}).all()
    good = [row for row in alike if row.state in REUSED and not row.cancel_requested]
    return {row.spec_hash: row for row in sorted(good, key=lambda row: (row.created_at, row.id))}


def batches(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    """The items, so many at a time; at most as one query may name."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def lock(tx: Connection, hashes: Sequence[str] = ()) -> None:
    """Two equal submissions at once are one experiment.

    SQLite has one writer; PostgreSQL is told what to wait for.

    Args:
        tx: An open write.
        hashes: What is submitted. More than one keep all others from submitting, as none do: a lock
            for each would be more than the server holds.
    """
    if tx.dialect.name != "postgresql":
        return
    if len(hashes) == 1:
        own = int.from_bytes(bytes.fromhex(hashes[0][:16]), signed=True)
        tx.execute(
            select(func.pg_advisory_xact_lock_shared(_SUBMISSIONS), func.pg_advisory_xact_lock(own))
        )
    else:
        tx.execute(select(func.pg_advisory_xact_lock(_SUBMISSIONS)))


def _submission(
    equal: AnyRow | None, draft: Draft, warnings: Sequence[str], known: Submission | None = None
) -> Submission:
    if equal is not None:
        return Submission(
            equal.id,
            State(equal.state),
            equal.spec_hash,
            equal.setup_hash,
            True,
            tuple(equal.warnings),
        )
    if known is not None:
        return known
    made = f"exp_{uuid7().hex}"
    return Submission(made, State.QUEUED, draft.spec_hash, draft.setup_hash, False, tuple(warnings))


def _show(tx: Connection, arrival: str, unwanted: Collection[str]) -> None:
    """Lets an arrival be seen, without what somebody else has submitted in the meantime, or nobody wants any more."""
    for some in batches(unwanted):
        tx.execute(delete(experiments).where(experiments.c.id.in_(some)))
    staging.show(tx, arrival)


def _insert(
    tx: Connection,
    new: Sequence[tuple[Submission, Draft]],
    at: float,
    *,
    owner: str,
    options: Options,
    arrival: str | None = None,
) -> None:
    if not new:
        return
    for _, draft in new:
        warm_start.check(tx, draft.spec, lock=True)
    rows = [_row(made, draft, at, owner=owner, options=options) for made, draft in new]
    tx.execute(_STORE, [{**row, "staged_batch_id": arrival} for row in rows])
    if tagged := [row for made, draft in new for row in _tag_rows(made.id, at, draft.spec.tags, 0)]:
        tx.execute(_TAG, tagged)
    submitted = {"at": at, "kind": EventKind.SUBMITTED, "attempt": 0, "detail": {"owner": owner}}
    tx.execute(_NOTE, [{"experiment_id": made.id, **submitted} for made, _ in new])
    if arrival is None:
        announce_work(tx)


def _row(
    new: Submission, draft: Draft, at: float, *, owner: str, options: Options
) -> dict[str, Any]:
    return {
        "id": new.id,
        "name": draft.spec.name,
        "notes": draft.spec.notes,
        "spec": draft.content,
        "spec_hash": new.spec_hash,
        "setup_hash": new.setup_hash,
        "state": new.state,
        "owner": owner,
        "priority": options.priority,
        "not_before": options.not_before,
        "max_seconds": options.max_seconds,
        "max_memory_mb": options.max_memory_mb,
        "device": draft.spec.numerics.device,
        "attempt": 0,
        "attempts_without_progress": 0,
        "cancel_requested": False,
        "pause_requested": False,
        "created_at": at,
        "version": 1,
        "warnings": list(new.warnings),
    }


def _tag_rows(
    experiment_id: str, created_at: float, names: Iterable[str], first: int
) -> Iterator[Mapping[str, Any]]:
    for position, tag in enumerate(names, first):
        yield {
            "experiment_id": experiment_id,
            "tag": tag,
            "position": position,
            "created_at": created_at,
        }


def _merge_tags(tx: Connection, reused: Sequence[tuple[AnyRow, Sequence[str]]]) -> None:
    """Gives each experiment these tags behind those that it has; its version grows where one is new."""
    for some in batches(reused):
        present = tagging.read(tx, [row.id for row, names in some if names])
        added = []
        for row, names in some:
            own = present.get(row.id, ())
            added += list(
                _tag_rows(
                    row.id, row.created_at, (name for name in names if name not in own), len(own)
                )
            )
        if added:
            tx.execute(_TAG, added)
            changed = {row["experiment_id"] for row in added}
            tx.execute(
                update(experiments)
                .where(experiments.c.id.in_(changed))
                .values(version=experiments.c.version + 1)
            )
