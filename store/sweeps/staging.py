"""Staged sweeps: large ones, stored a few hundred members at a time and published all at once."""

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from store.db.batches import PAUSE_BETWEEN_BATCHES, WRITE_BATCH, batches
from store.db.database import Database
from store.experiments import staging
from store.experiments.draft import Options
from store.experiments.staging import StagedBatch
from store.sweeps import members, rows
from store.sweeps.draft import SweepDraft


@dataclass(frozen=True)
class StagedSweep:
    """A staged sweep, invisible until it is submitted.

    Attributes:
        batch_id: The batch of the sweep's row; None if the sweep exists and none is staged.
        sweep_id: The staged sweep, if any.
        experiments: The batch of its experiments.
    """

    batch_id: str | None
    sweep_id: str | None
    experiments: StagedBatch


def stage(
    database: Database, draft: SweepDraft, *, owner: str, options: Options, rerun: bool = False
) -> StagedSweep | None:
    """Stages a large sweep, so that submitting it has little left to do; None if it is small.

    Raises:
        SpecError: A new experiment starts from another, and can't.
    """
    experiments = staging.stage(database, draft.items, owner=owner, options=options, rerun=rerun)
    if experiments is None:
        return None
    with database.read() as tx:
        if not rerun and rows.find_same(tx, draft, owner) is not None:
            return StagedSweep(None, None, experiments)
    return _stage_members(database, draft, experiments, owner)


def stage_extension(
    database: Database, sweep_id: str, draft: SweepDraft, *, owner: str, options: Options
) -> StagedSweep | None:
    """Stages what a large extension adds, as the members of a separate sweep; None if it is small.

    Raises:
        SpecError: A new experiment starts from another, and can't.
    """
    with database.read() as tx:
        missing = draft.without(members.spec_hashes(tx, sweep_id))
    experiments = staging.stage(database, missing.items, owner=owner, options=options)
    if experiments is None:
        return None
    return _stage_members(database, missing, experiments, owner)


def publish(tx: Connection, staged: StagedSweep) -> None:
    """Publishes the sweep's own batch, which it has if none of its experiments is new."""
    if staged.batch_id is not None and staged.batch_id != staged.experiments.id:
        staging.publish(tx, staged.batch_id)


def _stage_members(
    database: Database, draft: SweepDraft, experiments: StagedBatch, owner: str
) -> StagedSweep:
    with database.write() as tx:
        batch_id = staging.open_batch(tx) if experiments.id is None else experiments.id
        sweep_id = rows.add(tx, draft, owner, batch_id)
    position = 0
    for batch in batches(zip(draft.points, experiments.submissions, strict=True), WRITE_BATCH):
        time.sleep(PAUSE_BETWEEN_BATCHES)
        points, submissions = zip(*batch, strict=True)
        with database.write() as tx:
            staging.touch(tx, batch_id)
            members.add(tx, sweep_id, position, points, submissions)
        position += len(batch)
    return StagedSweep(batch_id, sweep_id, experiments)
