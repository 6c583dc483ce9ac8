"""The database locked, or closed to everybody, for longer than the lease: the training is lost and found again."""

import sqlite3
import time
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration.worker.conftest import LONG
from tests.integration.worker.workplace import LEASE_SECONDS, until

AWAY_SECONDS = 2 * LEASE_SECONDS


@contextmanager
def locked(url):
    """Nobody else can write the SQLite file."""
    other = sqlite3.connect(url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def closed(url):
    """PostgreSQL has thrown everybody out and lets nobody in."""
    with psycopg.connect(
        host=url.query["host"], user="postgres", dbname="postgres", autocommit=True
    ) as administrator:
        administrator.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )
        try:
            yield
        finally:
            administrator.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize(
    "workplace", ["postgresql", pytest.param("sqlite", marks=pytest.mark.chaos)], indirect=True
)
def test_a_database_that_is_away_for_longer_than_the_lease_costs_time_only(workplace, assert_same):
    worker = workplace.hire()
    job = workplace.submit(LONG).until_saved()
    url = workplace.database.url
    workplace.database.dispose()
    with locked(url) if workplace.database.dialect == "sqlite" else closed(url):
        since = time.monotonic()
        until(
            lambda: (
                f"experiment={job.id} attempt=1 worker.attempt: dropping the attempt" in worker.said
            )
        )
        until(lambda: time.monotonic() - since > AWAY_SECONDS)
    assert job.until_ended().state == "completed"
    assert [kind for kind, _ in job.events].count("completed") == 1
    assert job.now.attempts >= 2
    assert_same(job)
