"""Notices name what needs somebody, and nothing else."""

import shutil

import pytest

from core.result import Outcome
from store import attention
from store.attention import NoticeKind
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import reports
from store.records import Failure, FailureKind
from tests.integration.store.test_overview import FRESH
from tests.integration.store.test_scheduling import add_workers
from tests.kit import sample_specs


def read(repo):
    with repo.database.read() as tx:
        return attention.notices(tx, repo.database, fresh_seconds=FRESH)


def count(repo, notice):
    with repo.database.read() as tx:
        return pages.count(tx, ExperimentQuery.parse(notice.q))


def test_lab_in_order_needs_nobody(repo):
    add_workers(repo, "cpu")
    repo.submit()
    repo.complete(repo.claim())
    repo.submit()
    assert read(repo) == []


def test_failures_are_counted_by_kind_and_found_by_their_filter(repo):
    for kind in (FailureKind.USER, FailureKind.WORKER_LOST, FailureKind.USER):
        claim = repo.begin()
        with repo.database.write() as tx:
            reports.fail(tx, claim, Failure(kind, "out of luck"), "")
    lost, failed = read(repo)
    assert (lost.kind, lost.count, lost.verb) == (NoticeKind.LOST, 1, "retry")
    assert (failed.kind, failed.count, failed.verb) == (NoticeKind.FAILED, 2, None)
    assert [count(repo, notice) for notice in (lost, failed)] == [1, 2]
    with repo.database.write() as tx:
        tx.exec_driver_sql("UPDATE experiments SET finished_at = finished_at - 90000")
    assert read(repo) == []


def test_waiting_without_a_worker_and_silent_workers_are_mentioned(repo):
    add_workers(repo, "cpu")
    with repo.database.write() as tx:
        tx.exec_driver_sql("UPDATE workers SET heartbeat_at = heartbeat_at - 100")
    for _ in range(2):
        repo.submit()
    waiting, stale = read(repo)
    assert (waiting.kind, waiting.count, count(repo, waiting)) == (NoticeKind.NO_WORKER, 2, 2)
    assert stale.kind is NoticeKind.STALE_WORKER
    assert "host cpu·0" in stale.sentence


@pytest.mark.parametrize(("diverged", "is_mentioned"), [(1, False), (2, True)])
def test_divergence_is_mentioned_if_it_is_much_of_it(repo, diverged, is_mentioned):
    claim = repo.begin(changes={"seeds": [0, 1, 2]})
    outcomes = [Outcome.DIVERGED] * diverged + [Outcome.FITTED] * (3 - diverged)
    ended = [
        sample_specs.run(seed).model_copy(update={"outcome": outcome})
        for seed, outcome in enumerate(outcomes)
    ]
    repo.complete(claim, *ended)
    found = read(repo)
    assert [notice.kind for notice in found] == [NoticeKind.DIVERGED] * is_mentioned
    assert all(count(repo, notice) == 1 for notice in found)


def test_full_disk_is_mentioned(repo, monkeypatch):
    if repo.database.dialect != "sqlite":
        pytest.skip("the disk of a PostgreSQL server is not in sight")
    usage = shutil.disk_usage("/")._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert [notice.kind for notice in read(repo)] == [NoticeKind.DISK]
