"""The data folder: one lab at a time, clear sentences for the rest."""

from pathlib import Path

import pytest

from lab import folder
from lab.errors import CannotStart
from lab.folder import claimed


def test_it_is_made_with_its_logs(tmp_path):
    with claimed(tmp_path / "a" / "b") as data:
        assert data.path == tmp_path / "a" / "b"
        assert data.logs.is_dir()
        assert data.database_url == f"sqlite:///{tmp_path}/a/b/extrapolab.db"


def test_a_second_lab_is_told_who_holds_it(tmp_path):
    with claimed(tmp_path) as data:
        with pytest.raises(CannotStart, match="in use by another lab"), claimed(tmp_path):
            pass
        data.sign("the lab at http://127.0.0.1:8000 (process 12)")
        with pytest.raises(
            CannotStart, match=r"in use by the lab at http://127.0.0.1:8000 \(process 12\).*--data"
        ):
            claimed(tmp_path).__enter__()
    with claimed(tmp_path):
        pass


def test_a_signature_replaces_an_older_longer_one(tmp_path):
    for owner in (
        "the lab at http://127.0.0.1:8000 (process 123456)",
        "the lab at http://[::1]:1 (process 1)",
    ):
        with claimed(tmp_path) as data:
            data.sign(owner)
            assert (tmp_path / "lab.lock").read_text() == owner


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/extrapolab")):
        with (
            pytest.raises(CannotStart, match=rf"{wrong} can't be written: .*--data"),
            claimed(wrong),
        ):
            pass


def test_sqlite_is_refused_on_a_network_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_disk", lambda _path: "nfs4")
    with claimed(tmp_path) as data, pytest.raises(CannotStart, match="network disk"):
        _ = data.database_url


def test_the_log_of_the_lab_before_is_kept(tmp_path):
    with claimed(tmp_path) as data:
        for text in ("first", "second", "third"):
            data.log("api").write_text(text)
        assert data.log("api") == tmp_path / "logs" / "api.log"
        assert (tmp_path / "logs" / "api.log.1").read_text() == "third"
        assert not data.log("api").exists()
