"""The data folder belongs to one lab at a time."""

from pathlib import Path

import pytest

from lab import folder
from lab.errors import CannotStart
from lab.folder import lock_data_folder


def test_it_is_created_with_its_logs(tmp_path):
    with lock_data_folder(tmp_path / "a" / "b") as data:
        assert data.path == tmp_path / "a" / "b"
        assert data.logs.is_dir()
        assert data.database_url == f"sqlite:///{tmp_path}/a/b/extrapolab.db"


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
