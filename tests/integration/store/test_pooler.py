"""PostgreSQL behind a connection pooler, which gives each transaction another connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from store.db import schema
from store.db.database import Database
from store.db.engines import pooler_hides_server
from store.errors import UnsuitableDatabase
from tests.kit.database import KINDS, postgres_url
from tests.kit.pgbouncer import running_pgbouncer

BEHIND_POOLER = pytest.mark.parametrize("database_url", ["pgbouncer"], indirect=True)


@BEHIND_POOLER
def test_each_of_four_clients_reads_what_it_asked_for(database_url):
    def read(client: int) -> list[str]:
        database = Database(database_url)
        answers = []
        for _ in range(40):
            with database.read() as tx:
                answers.append(tx.scalar(text(f"SELECT 'client {client}' || :end"), {"end": "!"}))
        database.dispose()
        return answers

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(read, range(4))] == [[f"client {client}!"] * 40 for client in range(4)]


@BEHIND_POOLER
def test_transactions_have_their_time_limits(database):
    for transaction in (database.read, database.write):
        with transaction() as tx:
            assert tx.scalar(text("SHOW lock_timeout")) == "5s"
            assert tx.scalar(text("SHOW statement_timeout")) == "30s"
            assert tx.scalar(text("SHOW tcp_user_timeout")) is not None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nothing_outlives_a_transaction(database):
    for transaction in (database.read, database.write):
        for _ in range(8):  # psycopg would prepare a statement from its sixth time on
            with transaction() as tx:
                tx.execute(text("SELECT :one"), {"one": 1})
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SELECT name FROM pg_prepared_statements")
    assert cursor.fetchall() == []
    cursor.execute("SELECT name FROM pg_settings WHERE source = 'session'")
    assert cursor.fetchall() == []
    connection.close()


@pytest.mark.parametrize("database_url", [*KINDS, "pgbouncer"], indirect=True)
def test_a_pooler_is_seen(database, request):
    with database.read() as tx:
        assert pooler_hides_server(tx) is ("pgbouncer" in request.node.callspec.id)


def test_a_pooler_of_single_statements_is_refused_at_once(postgres, migrated_postgres):
    with running_pgbouncer(postgres, "statement") as folder:
        url = postgres_url(folder, migrated_postgres)
        with pytest.raises(UnsuitableDatabase, match="pool_mode = transaction"):
            schema.check(url)


@BEHIND_POOLER
def test_settings_of_a_session_are_refused_at_once(database_url):
    with pytest.raises(UnsuitableDatabase, match="refuses what EXTRAPOLAB_DATABASE_URL"):
        schema.check(f"{database_url}&options=-csearch_path%3Dlab")
