"""Transactions: no lost writes, reads of one snapshot, and errors of an unavailable database."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from store.db.database import Database, now
from store.db.engines import WAL_BYTES
from store.db.tables import workers as workers_table
from store.db.user_tables import views
from store.errors import StoreUnavailable
from store.queue import workers
from store.records import WorkerRecord
from tests.kit.database import POOLED

COUNTER = WorkerRecord("counter", "host", 0, None, "cpu", 1, heartbeat_at=0.0)


@pytest.fixture
def counting(database):
    with database.write() as tx:
        workers.register(tx, COUNTER)
    return database


def count(database, times):
    """Reads and then writes, which loses updates unless transactions exclude each other."""
    for _ in range(times):
        with database.write() as tx:
            value = tx.scalars(select(workers_table.c.threads).with_for_update()).one()
            tx.execute(update(workers_table).values(threads=value + 1))


COUNTING = """
import sys
from store.db.database import Database
from tests.integration.store.test_database import count
database = Database(sys.argv[1])
count(database, 40)
database.dispose()
"""


def counted(database):
    with database.read() as tx:
        return tx.scalars(select(workers_table.c.threads)).one()


@POOLED
def test_concurrent_threads_lose_no_update(counting):
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: count(counting, 20), range(6)))
    assert counted(counting) == 121


@POOLED
def test_concurrent_processes_lose_no_update(counting, database_url):
    command = [sys.executable, "-c", COUNTING, database_url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert counted(counting) == 81


@POOLED
def test_a_write_excludes_others_before_its_first_change(counting, database_url):
    other = Database(database_url)  # to the database, another process
    with ThreadPoolExecutor(1) as thread:
        with counting.write() as tx:
            value = tx.scalars(select(workers_table.c.threads).with_for_update()).one()
            concurrent = thread.submit(count, other, 1)
            with contextlib.suppress(TimeoutError):
                concurrent.result(timeout=0.5)  # long enough to interleave, if it could
            tx.execute(update(workers_table).values(threads=value + 1))
        concurrent.result(timeout=30)
    other.dispose()
    assert counted(counting) == 3


def test_a_connection_waits_for_a_writer_of_a_new_file(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/new.db")
    writer = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("CREATE TABLE first (number INTEGER)")
    threading.Timer(0.2, writer.execute, ["COMMIT"]).start()
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM first")).scalar_one() == 0
    database.dispose()
    writer.close()


@POOLED
def test_a_read_sees_one_snapshot(counting):
    with counting.read() as tx:
        before = tx.scalars(select(workers_table.c.threads)).one()
        count(counting, 1)
        assert tx.scalars(select(workers_table.c.threads)).one() == before
    assert counted(counting) == before + 1


@POOLED
def test_an_error_rolls_the_write_back(counting):
    def change_and_raise():
        with counting.write() as tx:
            tx.execute(update(workers_table).values(threads=99))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_raise()
    assert counted(counting) == 1


def test_text_of_a_refused_row_is_not_taken_for_a_pooler(database):
    row = {"name": "statement pooling mode", "page": "", "query": "", "owner": ""}
    row |= {"created_at": 0.0, "changed_at": 0.0, "version": 1}
    with database.write() as tx:
        tx.execute(insert(views), row)
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(insert(views), row)  # PostgreSQL quotes the name that is taken


def test_the_clock_is_in_unix_seconds(database):
    with database.read() as tx:
        assert abs(now(tx) - time.time()) < 5


def test_the_clock_advances_within_a_transaction(database):
    with database.read() as tx:
        first = now(tx)
        time.sleep(0.02)
        assert now(tx) > first


def test_sqlite_has_its_pragmas(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with database.read() as tx:
        pragmas = {
            name: tx.scalars(text(f"PRAGMA {name}")).one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1}


def test_a_checkpointed_database_is_complete_without_its_log(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/lab.db")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE t (x INTEGER)"))
        tx.execute(text("INSERT INTO t VALUES (7)"))
    database.checkpoint_wal()
    shutil.copy(tmp_path / "lab.db", tmp_path / "alone.db")
    database.dispose()
    with contextlib.closing(sqlite3.connect(tmp_path / "alone.db")) as alone:
        assert alone.execute("SELECT x FROM t").fetchall() == [(7,)]


def test_the_log_is_cut_back_after_a_large_write(tmp_path):
    database, log = Database(f"sqlite:///{tmp_path}/lab.db"), tmp_path / "lab.db-wal"
    with database.write() as tx:
        tx.execute(text("CREATE TABLE t (x BLOB)"))
        tx.execute(text(f"INSERT INTO t VALUES (zeroblob({4 * WAL_BYTES}))"))
    assert log.stat().st_size > 4 * WAL_BYTES
    database.checkpoint_wal()
    with database.write() as tx:  # such as a heartbeat
        tx.execute(text("INSERT INTO t VALUES (1)"))
    assert log.stat().st_size <= WAL_BYTES
    database.dispose()


def test_a_checkpoint_waits_for_no_reader(database):
    with database.read() as tx:
        tx.execute(text("SELECT 1"))
        database.checkpoint_wal()


def test_a_locked_sqlite_is_unavailable_until_released(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/lab.db"
    holder, other = Database(url), Database(url)
    with holder.write() as tx:
        tx.execute(text("CREATE TABLE t (n INTEGER)"))
        with other.read() as reading:  # readers don't wait for a writer
            reading.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable, match="locked"), other.write():
            pass
    with other.write() as tx:
        tx.execute(text("INSERT INTO t VALUES (1)"))
    holder.dispose()
    other.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/lab.db",
        "postgresql://nobody@/nothing?host=/nowhere",
        "postgresql://127.0.0.1:1/x",
    ],
)
def test_an_unreachable_database_is_unavailable(url):
    database = Database(url)
    for transaction in (database.read, database.write):
        with pytest.raises(StoreUnavailable), transaction():
            pass
    database.dispose()


def test_a_wrong_statement_is_not_reported_as_an_unavailable_database(database):
    with pytest.raises(Exception, match="no_such_table") as caught, database.read() as tx:
        tx.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, StoreUnavailable)


def test_after_a_lost_connection_the_next_is_new(postgres, migrated_postgres, module_postgres):
    database = Database(module_postgres)
    with pytest.raises(StoreUnavailable), database.write() as tx:
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.write() as tx:
        assert tx.scalars(text("SELECT 1")).one() == 1
    database.dispose()
