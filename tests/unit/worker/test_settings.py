"""Settings of a worker."""

import os

import pytest
from pydantic import ValidationError

from worker.settings import WorkerSettings


def test_the_slots_share_the_cores_equally():
    cores = len(os.sched_getaffinity(0))
    settings = WorkerSettings()
    assert settings.threads_per_trainer(slots=1) == cores
    assert settings.threads_per_trainer(slots=cores) == 1
    assert settings.threads_per_trainer(slots=10 * cores) == 1


def test_threads_can_be_set(monkeypatch):
    monkeypatch.setenv("EXTRAPOLAB_THREADS", "3")
    assert WorkerSettings().threads_per_trainer(slots=2) == 3


@pytest.mark.parametrize(
    ("name", "value"), [("EXTRAPOLAB_THREADS", "0"), ("EXTRAPOLAB_DEVICE", "tpu")]
)
def test_an_invalid_value_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        WorkerSettings()
