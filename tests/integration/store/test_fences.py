"""Fences refuse every write of a worker that was thought lost and came back."""

import pytest
from sqlalchemy import select

from store.arrays.packed import pack_points, pack_result
from store.db.user_tables import metadata
from store.errors import Fenced
from store.experiments import repository as experiments
from store.queue import reports
from store.records import Failure, FailureKind, Progress
from store.states import State
from tests.kit import sample_specs

WRITES = {
    "renew_lease": lambda tx, claim: reports.renew_lease(tx, claim, lease_seconds=60),
    "record": lambda tx, claim: reports.record(
        tx,
        claim,
        progress=Progress(99, 100),
        chunk=pack_points(sample_specs.points([99])),
        checkpoint=b"zombie",
        checkpoint_step=99,
    ),
    "complete": lambda tx, claim: reports.complete(
        tx,
        claim,
        pack_result(sample_specs.result(sample_specs.run(0), sample_specs.run(1))),
        pack_points(sample_specs.points([99])),
        {},
    ),
    "mark_cancelled": lambda tx, claim: reports.mark_cancelled(
        tx, claim, None, pack_points(sample_specs.points([99]))
    ),
    "fail": lambda tx, claim: reports.fail(
        tx, claim, Failure(FailureKind.INFRASTRUCTURE, "zombie"), "zombie log"
    ),
    "hand_back": reports.hand_back,
    "append_log": lambda tx, claim: reports.append_log(tx, claim, "zombie log"),
}


def all_rows(database):
    """Every row of every table."""
    with database.read() as tx:
        return {
            name: [
                tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for name, table in metadata.tables.items()
        }


def run_on(repo, claim):
    """Another worker claims the experiment after its first one is lost."""
    repo.lose(claim)
    repo.reap()
    repo.record(repo.claim(worker="w2"), 0, 5, checkpoint=b"of another attempt")


def queue_again(repo, claim):
    repo.lose(claim)
    repo.reap()


def complete(repo, claim):
    run_on(repo, claim)
    repo.lose(claim)
    repo.reap()
    repo.complete(repo.claim(worker="w3"))


def cancel(repo, claim):
    with repo.database.write() as tx:
        experiments.request_cancel(tx, claim.experiment_id)
    queue_again(repo, claim)


def remove(repo, claim):
    cancel(repo, claim)
    with repo.database.write() as tx:
        experiments.remove(tx, claim.experiment_id)


@pytest.mark.parametrize("meanwhile", [run_on, queue_again, complete, cancel, remove])
@pytest.mark.parametrize("write", WRITES)
def test_zombie_write_is_refused_and_changes_nothing(repo, write, meanwhile):
    zombie = repo.begin()
    repo.record(zombie, 0, 1, checkpoint=b"mine")
    meanwhile(repo, zombie)
    before = all_rows(repo.database)
    with pytest.raises(Fenced), repo.database.write() as tx:
        WRITES[write](tx, zombie)
    assert all_rows(repo.database) == before


@pytest.mark.parametrize("write", WRITES)
def test_holder_may_write(repo, write):
    claim = repo.begin()
    before = all_rows(repo.database)
    with repo.database.write() as tx:
        WRITES[write](tx, claim)
    assert all_rows(repo.database) != before


def test_expired_lease_holds_until_it_is_reaped(repo):
    claim = repo.begin()
    repo.lose(claim)
    with repo.database.write() as tx:
        reports.renew_lease(tx, claim, lease_seconds=60)
    assert repo.reap() == 0
    assert repo.get(claim.experiment_id).state is State.RUNNING
