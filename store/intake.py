"""The intake: drafts become experiments, one or many at a time, or find the equal ones that are there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update
from uuid_utils import uuid7

from store import inheritance, tagging
from store.database import now
from store.draft import Draft
from store.records import EventKind, Submission
from store.states import State
from store.tables import AnyRow, events, experiments, tags

REUSED = (State.QUEUED, State.RUNNING, State.COMPLETED)
"""States in which an equal experiment is as good as a new one."""

AT_ONCE = 500
"""Hashes or ids that one query names."""

_SUBMISSIONS = 0x5EED
"""PostgreSQL's lock that a submission of many takes for itself, and submissions of one share."""

_EQUALS = (
    select(*(experiments.c[name] for name in ("id", "spec_hash", "setup_hash", "created_at", "state", "warnings")))
    .where(experiments.c.spec_hash.in_(bindparam("hashes", expanding=True)))
    .where(experiments.c.state.in_([literal_column(f"'{state}'") for state in REUSED]), ~experiments.c.cancel_requested)
    .order_by(experiments.c.created_at, experiments.c.id)
)
_EQUALS_TO_KEEP = _EQUALS.with_for_update()

Wish = tuple[Draft, Sequence[str]]
"""What to run, and what is questionable about it."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Options:
    """How an experiment is queued and bounded. Higher priority runs first; ``not_before`` is in Unix seconds."""

    priority: int = 0
    not_before: float | None = None
    max_seconds: float | None = None
    max_memory_mb: int | None = None


def submit(
    tx: Connection, wishes: Sequence[Wish], *, owner: str, options: Options, rerun: bool = False
) -> list[Submission]:
    """Queues experiments, unless equal ones are queued, running or completed: then those get the tags too.

    Args:
        tx: An open write. All that is new is seen when it is committed, and not before.
        wishes: What to run, no two of them equal.
        owner: Who submits.
        options: Of the new ones; an experiment that is reused keeps its own.
        rerun: Queue new ones whatever there is.

    Raises:
        SpecError: A new one starts from another experiment, and can't.
    """
    hashes = [draft.spec_hash for draft, _ in wishes]
    lock(tx, hashes)
    present = {} if rerun else equals(tx, hashes, lock_rows=True)
    at = now(tx)
    submissions = [_submission(present.get(draft.spec_hash), draft, warnings) for draft, warnings in wishes]
    new = [(made, draft) for made, (draft, _) in zip(submissions, wishes, strict=True) if not made.reused]
    for _, draft in new:
        inheritance.check(tx, draft.spec, lock=True)
    _insert(tx, new, at, owner=owner, options=options)
    _merge_tags(tx, [(present[draft.spec_hash], draft.spec.tags) for draft, _ in wishes if draft.spec_hash in present])
    return submissions


def equals(tx: Connection, hashes: Iterable[str], *, lock_rows: bool = False) -> dict[str, AnyRow]:
    """The experiments that would be reused, by spec hash; of several the newest."""
    found: dict[str, AnyRow] = {}
    for some in batches(hashes):
        rows = tx.execute(_EQUALS_TO_KEEP if lock_rows else _EQUALS, {"hashes": some})
        found |= {row.spec_hash: row for row in rows}
    return found


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items, as many at a time as one query may name."""
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def lock(tx: Connection, hashes: Sequence[str] = ()) -> None:
    """Two equal submissions at once are one experiment. SQLite has one writer; PostgreSQL is told what to wait for.

    Args:
        tx: An open write.
        hashes: What is submitted. More than one keep all others from submitting, as none do: a lock for each would be
            more than the server holds.
    """
    if tx.dialect.name != "postgresql":
        return
    if len(hashes) == 1:
        own = int.from_bytes(bytes.fromhex(hashes[0][:16]), signed=True)
        tx.execute(select(func.pg_advisory_xact_lock_shared(_SUBMISSIONS), func.pg_advisory_xact_lock(own)))
    else:
        tx.execute(select(func.pg_advisory_xact_lock(_SUBMISSIONS)))


def _submission(equal: AnyRow | None, draft: Draft, warnings: Sequence[str]) -> Submission:
    if equal is None:
        made = f"exp_{uuid7().hex}"
        return Submission(made, State.QUEUED, draft.spec_hash, draft.setup_hash, False, tuple(warnings))
    return Submission(equal.id, State(equal.state), equal.spec_hash, equal.setup_hash, True, tuple(equal.warnings))


def _insert(
    tx: Connection, new: Sequence[tuple[Submission, Draft]], at: float, *, owner: str, options: Options
) -> None:
    if not new:
        return
    tx.execute(insert(experiments), [_row(made, draft, at, owner=owner, options=options) for made, draft in new])
    if tagged := [row for made, draft in new for row in _tag_rows(made.id, at, draft.spec.tags, 0)]:
        tx.execute(insert(tags), tagged)
    submitted = {"at": at, "kind": EventKind.SUBMITTED, "attempt": 0, "detail": {"owner": owner}}
    tx.execute(insert(events), [{"experiment_id": made.id, **submitted} for made, _ in new])


def _row(new: Submission, draft: Draft, at: float, *, owner: str, options: Options) -> dict[str, Any]:
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
        "fruitless": 0,
        "cancel_requested": False,
        "created_at": at,
        "version": 1,
        "warnings": list(new.warnings),
    }


def _tag_rows(experiment_id: str, created_at: float, names: Iterable[str], first: int) -> Iterator[Mapping[str, Any]]:
    for position, tag in enumerate(names, first):
        yield {"experiment_id": experiment_id, "tag": tag, "position": position, "created_at": created_at}


def _merge_tags(tx: Connection, reused: Sequence[tuple[AnyRow, Sequence[str]]]) -> None:
    """Gives each experiment these tags behind those that it has; its version grows where one is new."""
    for some in batches(reused):
        present = tagging.read(tx, [row.id for row, names in some if names])
        added = []
        for row, names in some:
            own = present.get(row.id, ())
            added += list(_tag_rows(row.id, row.created_at, (name for name in names if name not in own), len(own)))
        if added:
            tx.execute(insert(tags), added)
            changed = {row["experiment_id"] for row in added}
            tx.execute(
                update(experiments).where(experiments.c.id.in_(changed)).values(version=experiments.c.version + 1)
            )
