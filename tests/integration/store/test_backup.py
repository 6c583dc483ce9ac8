"""Backups: exact snapshots of a busy lab, restored into either database; nothing is overwritten."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from pydantic_core import to_json
from sqlalchemy import insert

from lab import backup as lab_backup
from lab.errors import CannotStart
from store.db import backup, migrate, schema
from store.db.database import Database
from store.db.tables import checkpoints
from store.errors import BackupDamaged, BackupRefused, SchemaMismatch, StoreUnavailable
from tests.kit.filled_database import contents, fill

HISTORY = {
    "queued": ["submitted"],
    "running": ["started", "submitted"],
    "completed": ["completed", "started", "submitted"],
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lab.backup"


@pytest.fixture
def restored(empty_url):
    """The database that the test restores a backup into."""
    database = Database(empty_url)
    yield database
    database.dispose()


def as_sqlite(rows):
    """Rows of either database as SQLite returns them: JSON as text, booleans as integers."""

    def plain(value):
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, list | dict):
            return to_json(value, inf_nan_mode="constants").decode()
        return value

    return {
        table: sorted(({c: plain(v) for c, v in row.items()} for row in table_rows), key=repr)
        for table, table_rows in rows.items()
    }


def test_restored_rows_equal_the_original_between_either_databases(
    database, file, empty_url, restored
):
    fill(database)
    before = contents(database)
    assert all(before.values()), "an empty table would test nothing"
    written = backup.write(str(database.url.render_as_string(hide_password=False)), file)
    assert {name: digest.rows for name, digest in written.tables.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert backup.restore(file, empty_url).tables == written.tables
    assert as_sqlite(contents(restored)) == as_sqlite(before)
    assert sorted(path.name for path in file.parent.iterdir() if "backup" in path.name) == [
        file.name
    ]


def test_a_long_backup_says_how_far_it_is(database, file, monkeypatch, caplog):
    monkeypatch.setattr("store.db.table_copy.LOG_SECONDS", 0.0)
    fill(database)
    with caplog.at_level("INFO", "store.db.table_copy"):
        backup.write(str(database.url.render_as_string(hide_password=False)), file)
    rows = len(contents(database)["experiments"])
    assert caplog.messages.count(f"experiments: {rows} rows") == 2, "as it is copied and checked"


def test_a_restored_lab_continues_where_the_original_was(database, repo, file, empty_url, restored):
    fill(database)
    url = database.url.render_as_string(hide_password=False)
    backup.write(url, file)
    backup.restore(file, empty_url)
    last = max(row["number"] for row in contents(restored)["events"])
    restored_repo = type(repo)(restored)
    claim = restored_repo.claim(worker="w2")
    assert claim is not None
    restored_repo.complete(claim)
    assert max(row["number"] for row in contents(restored)["events"]) > last


def test_a_backup_of_a_busy_lab_is_one_snapshot(repo, database_url, file, tmp_path):
    """Every experiment in the backup is consistent, while a writer keeps completing some."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            repo.submit()
            repo.complete(repo.claim())

    for _ in range(5):
        repo.submit()
    writer = threading.Thread(target=work)
    writer.start()
    try:
        first = backup.write(database_url, file)
        second = backup.write(database_url, file.with_suffix(".2"))
    finally:
        stop.set()
        writer.join()
    assert first.tables["experiments"].rows < second.tables["experiments"].rows
    backup.restore(file.with_suffix(".2"), f"sqlite:///{tmp_path}/restored.db")
    restored = Database(f"sqlite:///{tmp_path}/restored.db")
    rows = contents(restored)
    restored.dispose()
    for row in rows["experiments"]:
        kinds = [event["kind"] for event in rows["events"] if event["experiment_id"] == row["id"]]
        assert sorted(kinds) == HISTORY[row["state"]]
        ended = sum(run["experiment_id"] == row["id"] for run in rows["runs"])
        assert ended == (2 if row["state"] == "completed" else 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_backup_is_refused_and_nothing_is_restored(
    database, database_url, file, tmp_path
):
    fill(database)
    backup.write(database_url, file)
    intact = file.read_bytes()

    def refused(match):
        with pytest.raises(BackupDamaged, match=match):
            backup.restore(file, f"sqlite:///{tmp_path}/new.db")
        assert not (tmp_path / "new.db").exists()

    for change in (
        "DELETE FROM tags WHERE position = 1",
        "UPDATE runs SET steps = steps + 1",
        "DELETE FROM backup",
    ):
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute(change)
        refused("it differs from what was written")
        file.write_bytes(intact)
    start = intact.index(bytes(range(256)))
    file.write_bytes(intact[:start] + b"\xff" + intact[start + 1 :])
    refused("checkpoints")
    file.write_bytes(intact[: len(intact) // 2])
    refused("is damaged")
    file.write_bytes(b"no database at all" * 1000)
    refused("is damaged or not a backup")


CRAFTED = {
    "CREATE TABLE extra (n INTEGER)": "'extra'",
    "CREATE VIEW extra AS SELECT 1": "'extra'",
    "CREATE TRIGGER extra AFTER INSERT ON tags BEGIN DELETE FROM runs; END": "'extra'",
    "DROP TABLE medians": "'medians'",
    "ALTER TABLE sweeps ADD COLUMN extra TEXT": "'sweeps'",
    "ALTER TABLE sweeps DROP COLUMN base": "'sweeps'",
    "ALTER TABLE backup RENAME COLUMN sha256 TO md5": "'backup'",
    "DROP TABLE alembic_version": "no such table",
    "INSERT INTO alembic_version VALUES ('0001')": "it has 2 revisions",
    "UPDATE experiments SET priority = 'high'": "another type in experiments.priority",
    "UPDATE runs SET steps = x'00'": "another type in runs.steps",
    "UPDATE experiments SET notes = 7.5": None,  # SQLite makes it a text
    "UPDATE checkpoints SET payload = 'text'": "another type in checkpoints.payload",
    "UPDATE experiments SET spec = '{'": "damaged or not a backup",
    "UPDATE logs SET experiment_id = 'none'": "belong to no experiment",
    "UPDATE experiments SET name = CAST(x'ff' AS TEXT)": "damaged or not a backup",
}
"""Changes of a backup, and what the refusal says of them."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_crafted_backup_is_refused_before_anything_is_written(
    database, database_url, file, monkeypatch
):
    fill(database)
    backup.write(database_url, file)
    intact, new = file.read_bytes(), file.with_name("new")
    monkeypatch.delenv("EXTRAPOLAB_DATABASE_URL", raising=False)
    for change, reason in CRAFTED.items():
        file.write_bytes(intact)
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute(change)
        with pytest.raises(CannotStart, match=r"^Nothing was restored: ") as caught:
            lab_backup.restore(file, new)
        assert (reason or "differs from what was written") in str(caught.value), change
        assert "\n" not in str(caught.value)
        assert not new.exists()
    file.write_bytes(intact)
    lab_backup.restore(file, new)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_rows_that_postgresql_refuses_are_not_restored(
    database, database_url, file, empty_url, restored
):
    fill(database)
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE experiments SET priority = 5000000000")
    backup.write(database_url, file)
    with pytest.raises(BackupDamaged, match="rows that the database refuses") as caught:
        backup.restore(file, empty_url)
    assert "\n" not in str(caught.value)
    assert not any(contents(restored).values())


def test_nothing_is_overwritten(database, database_url, file):
    fill(database)
    before = contents(database)
    backup.write(database_url, file)
    with pytest.raises(BackupRefused, match="already exists"):
        backup.write(database_url, file)
    with pytest.raises(
        BackupRefused,
        match=r"empty database, and this one has rows in .*checkpoints, events, experiments",
    ):
        backup.restore(file, database_url)
    assert contents(database) == before


def test_a_database_without_tables_is_not_backed_up(empty_url, file):
    with pytest.raises(BackupRefused, match="nothing to back up"):
        backup.write(empty_url, file)
    assert not list(file.parent.glob("lab.backup*"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_failed_backup_leaves_no_file(database_url, tmp_path):
    with pytest.raises(StoreUnavailable, match="can't be opened"):
        backup.write(database_url, tmp_path / "no such folder" / "lab.backup")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_of_a_newer_version_is_refused(database, database_url, file, tmp_path):
    backup.write(database_url, file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="the backup is newer; use a newer Extrapolab"):
        backup.restore(file, f"sqlite:///{tmp_path}/new.db")


def test_older_revisions_are_backed_up_unchanged_and_restored_as_the_newest(
    database, database_url, file, tmp_path
):
    fill(database)
    experiments = len(contents(database)["experiments"])
    for revision in migrate.revisions()[1:]:
        migrate.downgrade(database_url, revision)
        older = file.with_suffix(f".{revision}")
        assert backup.write(database_url, older).revision == revision
        url = f"sqlite:///{tmp_path}/from-{revision}.db"
        assert backup.restore(older, url).tables["experiments"].rows == experiments
        schema.check(url)
    migrate.upgrade(database_url)  # other tests share the database


MEGABYTES = 80
MAX_GROWTH_MB = 48
"""A batch has four rows of a megabyte, which drivers copy."""

COPYING = """
import resource, sys
from pathlib import Path
from store.db import backup
url, file = sys.argv[1], Path(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
backup.write(url, file)
backup.restore(file, f"sqlite:///{file}.restored")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_use_does_not_grow_with_the_lab(database, database_url, repo, file):
    for _ in range(MEGABYTES // 2):
        row = {
            "experiment_id": repo.submit().id,
            "attempt": 1,
            "step": 1,
            "chunks": 0,
            "sha256": "",
        }
        with database.write() as tx:
            tx.execute(
                insert(checkpoints),
                [{**row, "slot": slot, "payload": bytes(2**20)} for slot in (0, 1)],
            )
    command = [sys.executable, "-c", COPYING, database_url, file]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert file.stat().st_size > MEGABYTES * 2**20
    assert int(process.stdout) < MAX_GROWTH_MB, process.stdout
