"""The attempt recorder during outages of a real PostgreSQL."""

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
def _connections_refused(database: Database) -> Iterator[None]:
    url = make_url(database.url)
    with psycopg.connect(
        host=url.query["host"], user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )
        yield
        connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")


def test_an_outage_shorter_than_the_lease_is_waited_out(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    with _connections_refused(database):
        heartbeat = threading.Thread(target=recorder.heartbeat)
        heartbeat.start()
        heartbeat.join(timeout=0.5)
        assert heartbeat.is_alive(), "still retrying"
    renewed_at = recorder.renewed_at
    heartbeat.join(timeout=5)
    assert recorder.renewed_at > renewed_at


def test_an_outage_longer_than_the_lease_loses_the_claim(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=0.3, max_attempts=5)
    with (
        _connections_refused(database),
        pytest.raises(ClaimLost, match="unavailable for longer than the lease"),
    ):
        recorder.heartbeat()


def test_a_claim_taken_by_another_attempt_is_lost(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    with database.write() as tx:
        reports.hand_back(tx, claim)
        assert claims.claim(tx, worker_id="v", device="cpu", lease_seconds=60).attempt == 2
    with pytest.raises(ClaimLost, match="attempt 1 no longer holds"):
        recorder.heartbeat()


def test_a_heartbeat_and_a_record_each_extend_the_lease(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=600, max_attempts=5)
    message = Advanced(1, 100, None, pack_points(sample_specs.points([1])), None)
    for write in (recorder.heartbeat, lambda: recorder.record(message, "")):
        with database.write() as tx:
            reports.renew_lease(tx, claim, lease_seconds=1)
        write()
        with database.read() as tx:
            assert tx.scalars(select(table.c.lease_until)).one() > now(tx) + 300


def test_a_cancel_request_is_seen_by_the_next_heartbeat(database, claim):
    recorder = AttemptRecorder(database, claim, lease_seconds=10, max_attempts=5)
    recorder.heartbeat()
    assert not recorder.stop_requests.cancel
    with database.write() as tx:
        experiments.request_cancel(tx, claim.experiment_id)
    recorder.heartbeat()
    assert recorder.stop_requests.cancel
