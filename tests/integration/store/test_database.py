"""Transactions: no write is lost, a read sees one moment, and a database that is away is said to be."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update

from store.db.database import Database, now
from store.db.tables import workers as table
from store.errors import StoreUnavailable
from store.queue import workers
from store.records import WorkerRecord

COUNTER = WorkerRecord("counter", "host", 0, None, "cpu", 1, heartbeat_at=0.0)


@pytest.fixture
def counting(database):
    with database.write() as tx:
        workers.register(tx, COUNTER)
    return database


def count(database, times):
    """Reads and then writes, the classic way to lose an update."""
    for _ in range(times):
        with database.write() as tx:
            value = tx.scalars(select(table.c.threads).with_for_update()).one()
            tx.execute(update(table).values(threads=value + 1))


def counted(database):
    with database.read() as tx:
        return tx.scalars(select(table.c.threads)).one()


def test_threads_lose_no_update(counting):
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: count(counting, 20), range(6)))
    assert counted(counting) == 121


def test_processes_lose_no_update(counting, database_url):
    script = (
        "import sys; from tests.integration.store.test_database import count; from store.db.database import Database;"
        "database = Database(sys.argv[1]); count(database, 40); database.dispose()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, database_url]) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert counted(counting) == 81


def test_a_write_that_has_only_read_so_far_keeps_others_out(counting, database_url):
    other = Database(database_url)  # another process, as far as the database can tell
    with ThreadPoolExecutor(1) as thread:
        with counting.write() as tx:
            value = tx.scalars(select(table.c.threads).with_for_update()).one()
            meanwhile = thread.submit(count, other, 1)
            with contextlib.suppress(TimeoutError):
                meanwhile.result(timeout=0.5)  # time enough to come in between, if it could
            tx.execute(update(table).values(threads=value + 1))
        meanwhile.result(timeout=30)
    other.dispose()
    assert counted(counting) == 3


def test_a_connection_waits_for_whoever_writes_to_a_file_that_is_new(tmp_path):
    opened = Database(f"sqlite:///{tmp_path}/new.db")
    writer = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("CREATE TABLE first (number INTEGER)")
    threading.Timer(0.2, writer.execute, ["COMMIT"]).start()
    with opened.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM first")).scalar_one() == 0
    opened.dispose()
    writer.close()


def test_a_read_sees_one_moment(counting):
    with counting.read() as tx:
        before = tx.scalars(select(table.c.threads)).one()
        count(counting, 1)
        assert tx.scalars(select(table.c.threads)).one() == before
    assert counted(counting) == before + 1


def test_an_error_undoes_the_write(counting):
    def change_and_stumble():
        with counting.write() as tx:
            tx.execute(update(table).values(threads=99))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_stumble()
    assert counted(counting) == 1


def test_the_clock_tells_unix_seconds(database):
    with database.read() as tx:
        assert abs(now(tx) - time.time()) < 5


def test_the_clock_runs_within_a_transaction(database):
    with database.read() as tx:
        first = now(tx)
        time.sleep(0.02)
        assert now(tx) > first


def test_sqlite_is_set_up_as_measured(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with database.read() as tx:
        pragmas = {
            name: tx.scalars(text(f"PRAGMA {name}")).one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1}


def test_a_tidy_database_is_whole_without_its_log(tmp_path):
    opened = Database(f"sqlite:///{tmp_path}/lab.db")
    with opened.write() as tx:
        tx.execute(text("CREATE TABLE t (x INTEGER)"))
        tx.execute(text("INSERT INTO t VALUES (7)"))
    opened.checkpoint_wal()
    shutil.copy(tmp_path / "lab.db", tmp_path / "alone.db")
    opened.dispose()
    with contextlib.closing(sqlite3.connect(tmp_path / "alone.db")) as alone:
        assert alone.execute("SELECT x FROM t").fetchall() == [(7,)]


def test_tidying_waits_for_nobody(database):
    with database.read() as tx:
        tx.execute(text("SELECT 1"))
        database.checkpoint_wal()


def test_a_locked_sqlite_is_unavailable_and_then_available_again(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/lab.db"
    holder, other = Database(url), Database(url)
    with holder.write() as tx:
        tx.execute(text("CREATE TABLE t (n INTEGER)"))
        with other.read() as reading:  # readers don't wait for the writer
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
def test_a_database_that_is_away_is_unavailable(url):
    database = Database(url)
    for transaction in (database.read, database.write):
        with pytest.raises(StoreUnavailable), transaction():
            pass
    database.dispose()


def test_a_wrong_statement_is_not_taken_for_a_database_that_is_away(database):
    with pytest.raises(Exception, match="no_such_table") as caught, database.read() as tx:
        tx.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, StoreUnavailable)


def test_a_lost_connection_is_unavailable_and_the_next_is_new(
    postgres, migrated_postgres, module_postgres
):
    database = Database(module_postgres)
    with pytest.raises(StoreUnavailable), database.write() as tx:
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.write() as tx:
        assert tx.scalars(text("SELECT 1")).one() == 1
    database.dispose()
