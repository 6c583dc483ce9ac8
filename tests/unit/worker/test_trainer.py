"""Slices, error classification and compilation of the trainer."""

import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe

import numpy as np
import pytest
import torch

from core.errors import NumericsUnavailable
from core.spec import ExperimentSpec
from store.arrays.packed import PackedRun
from tests.kit import sample_specs
from worker.messages import Advanced, Finished, Train, receive
from worker.trainer import SLICE_SECONDS, classify_error, next_slice, train
from worker.trainer_process import TrainerProcess

SPEC = sample_specs.spec(optimizer={"steps": 10})


def _error_of(action) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the libraries raise
        action()
    return caught.value


@pytest.mark.parametrize(
    "allocate", [lambda: np.zeros(2**50), lambda: torch.zeros(2**50)], ids=["numpy", "torch"]
)
def test_missing_memory_is_classified_as_out_of_memory(allocate):
    kind, sentence = classify_error(_error_of(allocate))
    assert kind == "out_of_memory"
    assert "memory" in sentence


def test_an_error_of_core_is_the_users_and_keeps_its_message():
    assert classify_error(NumericsUnavailable("no GPU here")) == ("user", "no GPU here")


def test_any_other_error_is_internal_and_is_named():
    kind, sentence = classify_error(KeyError("parameters"))
    assert kind == "infrastructure"
    assert "KeyError: 'parameters'" in sentence


def test_a_slice_grows_fourfold_at_most_and_shrinks_at_once():
    assert next_slice(1, 1e-4) == 4
    assert next_slice(1, 0.0) == 4
    assert next_slice(1000, SLICE_SECONDS) == 1000
    assert next_slice(1000, 100 * SLICE_SECONDS) == 10
    assert next_slice(1, 100 * SLICE_SECONDS) == 1


def test_the_spec_is_parsed_once(monkeypatch):
    parsed = []
    for name in ("model_validate", "model_validate_json"):
        original = getattr(ExperimentSpec, name)

        def counting(*arguments, _original=original, **options):
            parsed.append(1)
            return _original(*arguments, **options)

        monkeypatch.setattr(ExperimentSpec, name, counting)
    request = Train(SPEC.model_dump_json().encode(), "cpu", checkpoint=None)
    slot, trainer = Pipe()
    with ThreadPoolExecutor(1) as threads:
        training = threads.submit(train, trainer, request, 1.0)
        while not isinstance(receive(slot), Finished):
            pass
        training.result()
    assert len(parsed) == 1


@pytest.mark.parametrize(
    ("changes", "step", "part"),
    [
        ({"evaluation": {"baselines": ["kernel"]}}, 10, "the baseline kernel"),
        ({"evaluation": {"flow": True}}, 10, "the gradient flow"),
        ({"optimizer": {"kind": "gradient_flow", "steps": 1}}, 0, "the gradient flow"),
        ({"evaluation": {"points": 2, "metrics": ["sharpness"]}}, 10, "the sharpness"),
    ],
    ids=["baseline", "flow to compare with", "flow", "metrics"],
)
def test_a_long_part_sends_progress_from_inside_and_is_named_in_the_log(
    monkeypatch, caplog, changes, step, part
):
    monkeypatch.setattr("worker.trainer.PULSE_SECONDS", 0.0)
    spec = sample_specs.spec(**({"optimizer": {"steps": 10}} | changes))
    request = Train(spec.model_dump_json().encode(), "cpu", checkpoint=None)
    slot, trainer = Pipe()
    inside = 0
    with caplog.at_level("INFO", "worker.trainer"), ThreadPoolExecutor(1) as threads:
        training = threads.submit(train, trainer, request, 1e9)
        while not isinstance(message := receive(slot), Finished):
            inside += message == Advanced(step, spec.optimizer.steps, None, None, None)
        training.result()
    assert inside > 1
    assert f"computing {part} at step {step}" in caplog.messages


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


SINGLE = {
    "optimizer": {"kind": "adam", "lr": 1e-3, "steps": 100},
    "numerics": {"dtype": "float32"},
    "seeds": 12,
}
LINEAR = sample_specs.spec(
    **SINGLE, student={"kind": "linear", "dim": 6, "structure": "general", "start": {"scale": 0.5}}
)
NETWORK = sample_specs.spec(
    **SINGLE, teacher={"kind": "gru", "dim": 2}, student={"kind": "gru", "dim": 3}
)


def _trained(trainer: TrainerProcess, spec: ExperimentSpec) -> tuple[PackedRun, ...]:
    trainer.send(Train(spec.model_dump_json().encode(), "cpu", checkpoint=None))
    while not isinstance(message := trainer.receive(60), Finished):
        assert isinstance(message, Advanced), message
    return message.result.runs


@pytest.mark.timeout(900)  # compiles all loops
def test_the_first_trainer_compiles_for_both_precisions_and_the_next_one_takes_the_same_steps(
    tmp_path, monkeypatch, start
):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    def compiled():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}

    def twice(loops):
        return len([path for path in compiled() if path.name.startswith(loops)]) == 2

    first = start()
    deadline = time.monotonic() + 300
    while not twice("optimizer_steps.step_batch-") and time.monotonic() < deadline:  # compiled last
        first.receive(0.1)
    before = compiled()
    assert all(
        map(
            twice,
            (
                "linear.train-",
                "networks.loss_and_gradient-",
                "networks.outputs-",
                "optimizer_steps.step_batch-",
            ),
        )
    )
    second = start()
    for spec in (LINEAR, NETWORK):  # to the bit, although one compiled and the other read the cache
        assert _trained(first, spec) == _trained(second, spec)
    assert compiled() == before
