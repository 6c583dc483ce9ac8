"""Rotation of a log while a process appends to it."""

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
