"""Staged batches: many experiments, stored a few hundred at a time and published all at once.

Other writers get their turn between two writes. Each staged experiment, and the sweep that they
form, has the id of its batch and stays invisible (:mod:`store.db.visible`) while the batch has a
row; publishing deletes that one row. Each write touches the batch. If a batch goes untouched for
long, its process has died: the batch is abandoned, and its experiments are removed a few at a time.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from store.db.batches import PAUSE_BETWEEN_BATCHES, WRITE_BATCH, batches
from store.db.database import Database, announce_work, now
from store.db.tables import AnyRow, events, experiments, staged_batches, sweeps
from store.errors import StoreUnavailable
from store.experiments import duplicates, insertion, tags
from store.experiments.draft import Options, SubmissionItem
from store.ids import new_id, times
from store.records import Submission


@dataclass(frozen=True)
class StagedBatch:
    """A staged batch, invisible until it is submitted.

    Attributes:
        id: The batch; None if nothing is new.
        submissions: The experiment for each item; new ones are staged.
    """

    id: str | None
    submissions: Sequence[Submission]

    @property
    def new(self) -> dict[str, Submission]:
        """The staged experiments, by spec hash."""
        return {s.spec_hash: s for s in self.submissions if not s.reused}

    @property
    def reused(self) -> dict[str, Submission]:
        """The experiments that existed before, by spec hash."""
        return {s.spec_hash: s for s in self.submissions if s.reused}


def stage(
    database: Database,
    items: Sequence[SubmissionItem],
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
) -> StagedBatch | None:
    """Stages the new experiments of a large submission; None if it is small.

    Each write holds the database only for a moment. If the process ends before the batch is
    submitted, all of it is removed, except for tags that existing experiments have gained.

    Raises:
        SpecError: A new experiment starts from another, and can't.
    """
    if len(items) <= WRITE_BATCH:
        return None
    reusable: dict[str, AnyRow] = {}
    if not rerun:
        with database.read() as tx:
            reusable = duplicates.find_reusable(tx, (draft.spec_hash for draft, _ in items))
    submissions, new, reused = [], [], []
    for draft, warnings in items:
        row = reusable.get(draft.spec_hash)
        if row is None:
            submission = insertion.queued_submission(draft, warnings)
            new.append((submission, draft))
        else:
            submission = duplicates.reused_submission(row)
            reused.append((row, draft.spec.tags))
        submissions.append(submission)
    if any(names for _, names in reused):
        for tagged in batches(reused):
            time.sleep(PAUSE_BETWEEN_BATCHES)
            with database.write() as tx:
                tags.merge(tx, tagged)
    if not new:
        return StagedBatch(None, submissions)
    with database.write() as tx:
        batch_id, at = open_batch(tx), now(tx)
    for batch in batches(zip(new, times(at, len(new)), strict=True), WRITE_BATCH):
        part, submitted = zip(*batch, strict=True)
        time.sleep(PAUSE_BETWEEN_BATCHES)
        with database.write() as tx:
            touch(tx, batch_id)
            insertion.insert_queued(
                tx, part, submitted, owner=owner, options=options, batch_id=batch_id
            )
    return StagedBatch(batch_id, submissions)


def open_batch(tx: Connection) -> str:
    """Opens a batch and returns its id."""
    batch_id = new_id("arr")
    tx.execute(insert(staged_batches).values(id=batch_id, touched_at=now(tx)))
    return batch_id


def touch(tx: Connection, batch_id: str) -> None:
    """Keeps a batch for further writes; raises StoreUnavailable if it is abandoned."""
    statement = update(staged_batches).where(
        staged_batches.c.id == batch_id, staged_batches.c.touched_at.is_not(None)
    )
    if not tx.execute(statement.values(touched_at=now(tx))).rowcount:
        raise StoreUnavailable(
            "the submission took too long and was abandoned; nothing was stored, try again"
        )


def publish(tx: Connection, batch_id: str, *, without: Collection[str] = ()) -> None:
    """Makes a batch visible, and removes these of its experiments.

    Raises:
        StoreUnavailable: The batch is abandoned.
    """
    touch(tx, batch_id)
    for ids in batches(without):
        tx.execute(delete(experiments).where(experiments.c.id.in_(ids)))
    _recommit_events(tx, batch_id)
    tx.execute(delete(staged_batches).where(staged_batches.c.id == batch_id))
    announce_work(tx)


def _recommit_events(tx: Connection, batch_id: str) -> None:
    """Counts a batch's events as committed with this write, from which on streams can see them.

    On SQLite, a stream that has read later events meanwhile doesn't get them.
    """
    if tx.dialect.name != "sqlite":
        members = select(experiments.c.id).where(experiments.c.staged_batch_id == batch_id)
        of_batch = update(events).where(events.c.experiment_id.in_(members))
        tx.execute(of_batch.values(txid=func.txid_current()))


def remove_abandoned(tx: Connection, silent_seconds: float) -> int:
    """Abandons batches that are untouched for long, and removes up to :data:`WRITE_BATCH` members.

    Returns:
        The number of experiments removed; call again until it is 0.
    """
    silent = staged_batches.c.touched_at < now(tx) - silent_seconds
    tx.execute(update(staged_batches).where(silent).values(touched_at=None))
    abandoned = select(staged_batches.c.id).where(staged_batches.c.touched_at.is_(None))
    in_abandoned = experiments.c.staged_batch_id.in_(abandoned)
    ids = select(experiments.c.id).where(in_abandoned).limit(WRITE_BATCH)
    removed = tx.execute(delete(experiments).where(experiments.c.id.in_(ids))).rowcount
    if not removed:
        tx.execute(delete(sweeps).where(sweeps.c.staged_batch_id.in_(abandoned)))
        tx.execute(delete(staged_batches).where(staged_batches.c.touched_at.is_(None)))
    return removed
