"""Provenance survives a failing Git, and Git runs before any training."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe

import pytest

from worker import provenance
from worker.messages import Ready, receive
from worker.trainer import serve


@pytest.mark.parametrize(
    "script", ["#!/nowhere/sh\n", "#!/bin/sh\nexec sleep 60\n"], ids=["broken", "slow"]
)
def test_the_commit_is_unknown_if_git_fails(script, tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    git = tmp_path / "git"
    git.write_text(script)
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(provenance, "_SOURCE", tmp_path)
    monkeypatch.setattr(provenance, "GIT_SECONDS", 0.2)
    assert provenance._commit() is None


def test_the_digest_of_the_training_changes_with_its_sources(tmp_path):
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "sum.py").write_text("a + b + c")
    first = provenance._digest_of(tmp_path)
    assert provenance._digest_of(tmp_path) == first
    (tmp_path / "loops" / "sum.py").write_text("a + (b + c)")
    assert provenance._digest_of(tmp_path) != first


def test_a_ready_trainer_has_run_git():
    provenance._software.cache_clear()
    slot, trainer = Pipe()
    with ThreadPoolExecutor(1) as threads:
        serving = threads.submit(serve, trainer, 1.0)
        assert isinstance(receive(slot), Ready)
        assert provenance._software.cache_info().currsize == 1
        slot.close()
        with pytest.raises((EOFError, ConnectionError)):
            serving.result()
