import time

import numpy as np
import pytest
import torch

from core.errors import NumericsUnavailable
from worker.trainer import SLICE_SECONDS, _explained, _fitting
from worker.trainer_process import TrainerProcess


def _raised(by) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the libraries raise
        by()
    return caught.value


@pytest.mark.parametrize(
    "allocate", [lambda: np.zeros(2**50), lambda: torch.zeros(2**50)], ids=["numpy", "torch"]
)
def test_memory_that_is_not_there_is_called_so(allocate):
    kind, sentence = _explained(_raised(allocate))
    assert kind == "out_of_memory"
    assert "memory" in sentence


def test_what_a_user_can_act_on_is_told_in_its_own_words():
    assert _explained(NumericsUnavailable("no GPU here")) == ("user", "no GPU here")


def test_anything_else_is_our_fault_and_names_the_error():
    kind, sentence = _explained(KeyError("parameters"))
    assert kind == "infrastructure"
    assert "KeyError: 'parameters'" in sentence


def test_a_slice_grows_carefully_and_shrinks_at_once():
    assert _fitting(1, 1e-4) == 4
    assert _fitting(1, 0.0) == 4
    assert _fitting(1000, SLICE_SECONDS) == 1000
    assert _fitting(1000, 100 * SLICE_SECONDS) == 10
    assert _fitting(1, 100 * SLICE_SECONDS) == 1


@pytest.fixture
def start():
    """Starts trainer processes that end with the test."""
    started = []

    def start() -> TrainerProcess:
        started.append(TrainerProcess(threads=1))
        assert started[-1].is_ready(within=300)
        return started[-1]

    yield start
    for trainer in started:
        trainer.kill()


@pytest.mark.timeout(900)  # it compiles all there is
def test_the_first_trainer_of_a_machine_compiles_for_both_precisions_and_the_next_one_nothing(
    tmp_path, monkeypatch, start
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    def compiled():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}

    def twice(loops):
        return len([path for path in compiled() if path.name.startswith(loops)]) == 2

    first = start()
    deadline = time.monotonic() + 300
    while not twice("moves.step-") and time.monotonic() < deadline:  # the last of all
        first.receive(0.1)
    before = compiled()
    assert all(
        map(
            twice,
            ("linear.train-", "networks.loss_and_gradient-", "networks.outputs-", "moves.step-"),
        )
    )
    start()
    assert compiled() == before
