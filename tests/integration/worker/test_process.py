"""The slot's handle on a real trainer process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.kit import sample_specs
from worker.messages import Failed, Finished, Train
from worker.trainer_process import GROWTH_MB, LOG_BYTES, TrainerDied, TrainerProcess

SMALLEST = sample_specs.spec(optimizer={"steps": 1})


@pytest.fixture
def trainer() -> Iterator[TrainerProcess]:
    trainer = TrainerProcess(threads=1)
    assert trainer.is_ready(within=60)
    yield trainer
    trainer.kill()


def test_a_trainer_is_reusable_while_it_is_alive_and_small(trainer):
    assert trainer.reusable
    trainer.idle_mb -= GROWTH_MB + 1  # as if it had grown
    assert not trainer.reusable
    trainer.idle_mb += GROWTH_MB + 1
    trainer.kill()
    assert not trainer.reusable


def test_the_slot_sets_the_threads_regardless_of_the_environment(monkeypatch):
    """Their number can change the last bit of a large student's numbers."""
    for library in ("OMP", "MKL", "NUMBA", "OPENBLAS"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "7")
    trainer = TrainerProcess(threads=1)
    try:
        assert trainer.is_ready(within=120)
        trainer.send(Train(spec=SMALLEST.model_dump_json().encode(), device="cpu", checkpoint=None))
        while not isinstance(message := trainer.receive(1), Finished):
            assert not isinstance(message, Failed)
        assert message.provenance["threads"] == "1"
        assert trainer.peak_mb == 0  # of the last training, and not yet measured
        assert 0 < trainer.memory_mb() <= trainer.peak_mb
        assert psutil.Process(trainer.pid).environ()["OPENBLAS_NUM_THREADS"] == "1", (
            "NumPy always uses one thread"
        )
    finally:
        trainer.kill()


def test_the_end_of_long_output_is_kept(trainer):
    output = Path(f"/proc/{trainer.pid}/fd/2")
    for letter in "abc":
        output.write_text(letter * (LOG_BYTES - 1000))
        assert trainer.receive(1) is None
    assert trainer.take_log() == "b" * 1000 + "c" * (LOG_BYTES - 1000)
    assert trainer.take_log() == ""


def test_an_invalid_request_fails_and_the_death_of_a_trainer_is_noticed(trainer):
    trainer.send(Train(spec=b"{}", device="cpu", checkpoint=None))
    answer = trainer.receive(10)
    assert isinstance(answer, Failed)
    assert answer.kind == "infrastructure"
    os.kill(trainer.pid, signal.SIGTERM)
    with pytest.raises(TrainerDied, match="killed by SIGTERM"):
        trainer.receive(10)
    trainer.kill()
    assert trainer.memory_mb() == 0
