"""The data folder belongs to one lab at a time."""

import os
from pathlib import Path

import pytest

from lab import folder
from lab.errors import CannotStart
from lab.folder import DATABASE, lock_data_folder
from lab.migration import migrate
from lab.settings import LabSettings, read
from store.db import backup, schema
from store.db.engines import sqlite_url


def test_it_is_created_with_its_logs(tmp_path):
    with lock_data_folder(tmp_path / "a" / "b") as data:
        assert data.path == tmp_path / "a" / "b"
        assert data.logs.is_dir()
        assert data.database_url == f"sqlite:///{tmp_path}/a/b/extrapolab.db"


ODD_NAMES = (
    "a?b",
    "%41",
    "a#b;c",
    "spaces 'and' \"quotes\"",
    "наука-実験",
    "two\nlines",
    "a@b:c&d=e+f\\g",
    "200" * 66,
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_whatever_its_name_the_database_and_its_backups_lie_in_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (Path(name), tmp_path / "link" / name):
        with lock_data_folder(path) as data:
            migrate(data.database_url, 1.0, data.backups)
            (data.path / DATABASE).rename(data.path / "moved.db")
            backup.write(sqlite_url(data.path / "moved.db"), data.path / "lab.backup")
            backup.restore(data.path / "lab.backup", data.database_url)
            monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", sqlite_url(path / DATABASE))
            schema.check(str(read(LabSettings).database_url))
            files = {file.name.partition("-")[0] for file in data.path.iterdir()}
            assert files == {"logs", "lab.lock", "lab.backup", "extrapolab.db", "moved.db"}
    assert {file.name for file in tmp_path.iterdir()} == {name, "link", "elsewhere"}


def test_a_name_that_is_not_text_is_refused(tmp_path):
    with (
        pytest.raises(CannotStart, match="name is not UTF-8"),
        lock_data_folder(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))),
    ):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_second_lab_is_refused_and_told_the_owner(tmp_path):
    with lock_data_folder(tmp_path) as data:
        with pytest.raises(CannotStart, match="in use by another lab"), lock_data_folder(tmp_path):
            pass
        data.write_owner("the lab at http://127.0.0.1:8000 (process 12)")
        with pytest.raises(
            CannotStart, match=r"in use by the lab at http://127.0.0.1:8000 \(process 12\).*--data"
        ):
            lock_data_folder(tmp_path).__enter__()
    with lock_data_folder(tmp_path):
        pass


def test_a_new_owner_replaces_a_longer_one(tmp_path):
    for owner in (
        "the lab at http://127.0.0.1:8000 (process 123456)",
        "the lab at http://[::1]:1 (process 1)",
    ):
        with lock_data_folder(tmp_path) as data:
            data.write_owner(owner)
            assert (tmp_path / "lab.lock").read_text() == owner


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/extrapolab")):
        with (
            pytest.raises(CannotStart, match=rf"{path} can't be written: .*--data"),
            lock_data_folder(path),
        ):
            pass


def test_sqlite_is_refused_on_a_network_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_file_system", lambda _path: "nfs4")
    with lock_data_folder(tmp_path) as data, pytest.raises(CannotStart, match="network disk"):
        _ = data.database_url


def test_the_previous_log_is_kept(tmp_path):
    with lock_data_folder(tmp_path) as data:
        for text in ("first", "second", "third"):
            data.new_log("api").write_text(text)
        assert data.new_log("api") == tmp_path / "logs" / "api.log"
        assert (tmp_path / "logs" / "api.log.1").read_text() == "third"
        assert not data.new_log("api").exists()
