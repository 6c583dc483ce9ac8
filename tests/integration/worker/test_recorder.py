"""The recorder while the database is away: a real PostgreSQL that lets nobody in for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url, select

from store.arrays.packed import pack_points
from store.db.database import Database, now
from store.db.tables import experiments as table
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.queue import claims, reports
from tests.kit import sample_specs
from worker.messages import Advanced
from worker.recorder import AttemptRecorder, ClaimLost

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def claim(database):
    with database.write() as tx:
        submission.submit_one(
            tx,
            Draft.from_spec(sample_specs.spec()),
            owner="ada",
            options=Options(),
            warnings=(),
            rerun=True,
        )
        return claims.claim(tx, worker_id="w", device="cpu", lease_seconds=60)


@contextmanager
def _nobody_let_in(database: Database) -> Iterator[None]:
    url = make_url(database.url)
    with psycopg.connect(
        host=url.query["host"], user="postgres", dbname="postgres", autocommit=True
    ) as administrator:
        administrator.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )
        yield
        administrator.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")


def test_a_database_that_comes_back_within_the_lease_is_waited_for(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    with _nobody_let_in(database):
        beat = threading.Thread(target=recorder.heartbeat)
        beat.start()
        beat.join(timeout=0.5)
        assert beat.is_alive(), "still trying"
    renewed_at = recorder.renewed_at
    beat.join(timeout=5)
    assert recorder.renewed_at > renewed_at


def test_a_database_that_stays_away_for_longer_than_the_lease_costs_the_claim(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=0.3, max_attempts=5)
    with (
        _nobody_let_in(database),
        pytest.raises(ClaimLost, match="unavailable for longer than the lease"),
    ):
        recorder.heartbeat()


def test_a_claim_that_another_attempt_has_taken_is_lost(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    with database.write() as tx:
        reports.hand_back(tx, claim)
        assert claims.claim(tx, worker_id="v", device="cpu", lease_seconds=60).attempt == 2
    with pytest.raises(ClaimLost, match="attempt 1 no longer holds"):
        recorder.heartbeat()


def test_a_beat_and_a_record_each_extend_the_lease(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=600, max_attempts=5)
    news = Advanced(1, 100, None, pack_points(sample_specs.points([1])), None)
    for write in (recorder.heartbeat, lambda: recorder.record(news, "")):
        with database.write() as tx:
            reports.renew_lease(tx, claim, lease_seconds=1)
        write()
        with database.read() as tx:
            assert tx.scalars(select(table.c.lease_until)).one() > now(tx) + 300


def test_a_wish_to_cancel_is_seen_with_the_next_beat(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    recorder.heartbeat()
    assert not recorder.stop_requests.cancel
    with database.write() as tx:
        experiments.request_cancel(tx, claim.experiment_id)
    recorder.heartbeat()
    assert recorder.stop_requests.cancel
