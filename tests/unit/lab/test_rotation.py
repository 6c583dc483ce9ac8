"""Rotation of a log while a process appends to it."""

import errno
import os
import shutil

from lab import rotation


def test_a_large_log_is_moved_while_its_writer_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(rotation, "MAX_BYTES", 100)
    log = tmp_path / "api.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        rotation.rotate(log)
        assert log.stat().st_size == 100
        writer.write(b"b" * 100)
        rotation.rotate(log)
        writer.write(b"c")
    assert log.read_bytes() == b"c"
    assert rotation.previous(log).read_bytes() == b"a" * 100 + b"b" * 100


def test_a_log_that_was_removed_is_left_alone(tmp_path):
    rotation.rotate(tmp_path / "api.log")
    assert list(tmp_path.iterdir()) == []


def test_a_log_on_a_full_disk_is_emptied(tmp_path, monkeypatch):
    def full(_source, target):
        target.write_bytes(b"a")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rotation, "MAX_BYTES", 100)
    monkeypatch.setattr(shutil, "copy", full)
    log = tmp_path / "api.log"
    log.write_bytes(b"a" * 101)
    rotation.rotate(log)
    assert log.read_bytes() == b""
    assert not rotation.previous(log).exists()
