"""Common actions of tests of the store, each in its own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import update

from store.arrays.packed import pack_points, pack_result
from store.db.database import Database, now
from store.db.tables import experiments as table
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.queue import claims, reaper, reports
from store.records import Claim, Experiment, Progress, Submission
from tests.kit import sample_specs


@dataclass(frozen=True)
class Repo:
    """Common actions on a database."""

    database: Database

    def submit(
        self,
        *,
        rerun=True,
        owner="ada",
        warnings=(),
        changes: Mapping[str, Any] | None = None,
        **options,
    ) -> Submission:
        draft = Draft.from_spec(sample_specs.spec(**(changes or {})))
        with self.database.write() as tx:
            return submission.submit_one(
                tx, draft, owner=owner, options=Options(**options), warnings=warnings, rerun=rerun
            )

    def get(self, experiment_id: str) -> Experiment:
        with self.database.read() as tx:
            return experiments.get(tx, experiment_id)

    def claim(self, *, worker="w1", device="cpu", lease_seconds=60.0) -> Claim | None:
        with self.database.write() as tx:
            return claims.claim(tx, worker_id=worker, device=device, lease_seconds=lease_seconds)

    def begin(self, **options) -> Claim:
        """Submits an experiment and claims it."""
        submitted = self.submit(**options)
        claim = self.claim()
        assert claim is not None
        assert claim.experiment_id == submitted.id
        return claim

    def record(self, claim: Claim, *steps: int, checkpoint: bytes | None = None) -> None:
        """Records points at the given steps and, if given, a checkpoint at the last."""
        progress = Progress(steps[-1], claim.spec.optimizer.steps)
        points = sample_specs.points(steps, claim.spec.seeds)
        with self.database.write() as tx:
            reports.record(
                tx,
                claim,
                progress=progress,
                chunk=pack_points(points),
                checkpoint=checkpoint,
                checkpoint_step=steps[-1],
            )

    def complete(self, claim: Claim, *runs, points: Mapping[str, Any] | None = None) -> None:
        runs = runs or tuple(sample_specs.run(seed) for seed in claim.spec.seeds)
        with self.database.write() as tx:
            result = pack_result(sample_specs.result(*runs))
            reports.complete(tx, claim, result, pack_points(points or {}), {"torch": "2"})

    def lose(self, claim: Claim, *, over_by: float = 1.0) -> None:
        """Ends the lease of a claim so many seconds ago; if negative, in the future."""
        with self.database.write() as tx:
            ended = (
                update(table)
                .where(table.c.id == claim.experiment_id)
                .values(lease_until=now(tx) - over_by)
            )
            tx.execute(ended)

    def reap(self, max_attempts=5) -> int:
        with self.database.write() as tx:
            return reaper.reap(tx, max_attempts=max_attempts)

    def kinds(self, experiment_id: str) -> list[str]:
        with self.database.read() as tx:
            return [event.kind for event in experiments.events(tx, experiment_id)]


@pytest.fixture
def repo(database: Database) -> Repo:
    return Repo(database)
