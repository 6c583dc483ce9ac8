"""A database that is locked or closed for longer than the lease; the training resumes later."""

import sqlite3
import time
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration.worker.cluster import LEASE_SECONDS, wait_for
from tests.integration.worker.conftest import LONG

OUTAGE_SECONDS = 2 * LEASE_SECONDS


@contextmanager
def locked(url):
    """Locks the SQLite file against writes."""
    connection = sqlite3.connect(url.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def closed(url):
    """Closes all connections of PostgreSQL and refuses new ones."""
    with psycopg.connect(
        host=url.query["host"], user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize(
    "cluster", ["postgresql", pytest.param("sqlite", marks=pytest.mark.chaos)], indirect=True
)
def test_an_outage_longer_than_the_lease_costs_only_time(cluster, assert_same):
    worker = cluster.start_worker()
    job = cluster.submit(LONG).wait_for_checkpoint()
    url = cluster.database.url
    cluster.database.dispose()
    with locked(url) if cluster.database.dialect == "sqlite" else closed(url):
        since = time.monotonic()
        wait_for(
            lambda: (
                f"experiment={job.id} attempt=1 worker.attempt: dropping the attempt" in worker.log
            )
        )
        wait_for(lambda: time.monotonic() - since > OUTAGE_SECONDS)
    assert job.wait_for_end().state == "completed"
    assert [kind for kind, _ in job.events].count("completed") == 1
    assert job.experiment.attempts >= 2
    assert_same(job)
