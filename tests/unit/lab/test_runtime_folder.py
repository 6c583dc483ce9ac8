"""The folder of a lab's sockets, and what killed labs leave behind."""

import fcntl
import os
from pathlib import Path

from lab.runtime_folder import runtime_folder


def folder_of_a_lab(parent: Path, name: str) -> Path:
    """A folder as a lab has it that started an hour ago."""
    folder = parent / f"extrapolab-{name}"
    folder.mkdir()
    (folder / "redis.sock").touch()
    (folder / "lock").touch()
    long_ago = (folder / "lock").stat().st_mtime - 3600
    os.utime(folder / "lock", (long_ago, long_ago))
    return folder


def test_only_folders_of_dead_labs_are_removed(tmp_path):
    dead, alive = folder_of_a_lab(tmp_path, "dead"), folder_of_a_lab(tmp_path, "alive")
    starting, foreign = folder_of_a_lab(tmp_path, "starting"), tmp_path / "extrapolab-foreign"
    os.utime(starting / "lock")
    foreign.mkdir()
    with (alive / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with runtime_folder(tmp_path) as mine:
            assert {*tmp_path.iterdir()} == {alive, starting, foreign, mine}
    assert not dead.exists()
    assert not mine.exists()


def test_a_running_lab_keeps_its_folder(tmp_path):
    with runtime_folder(tmp_path) as first:
        os.utime(first / "lock", (0, 0))
        with runtime_folder(tmp_path):
            assert first.exists()
