"""The nemesis: does harm to a lab at random, one fault after the other, and heals what needs healing."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

import psutil
import redis

from tests.chaos.scene import LEASE_SECONDS, Scene, signalled, soon

PATIENCE_SECONDS = 20.0
"""How long a fault waits for a training that it could hit."""


def kill_worker(scene: Scene, _random: Random) -> None:
    scene.lab.child("celery").kill()


def kill_slot(scene: Scene, random: Random) -> None:
    """One that trains, if one does."""
    if slots := soon(scene.at_work, PATIENCE_SECONDS):
        psutil.Process(random.choice(slots)["pid"]).kill()


def kill_trainer(scene: Scene, random: Random) -> None:
    """One that trains, if one does."""
    if slots := soon(scene.at_work, PATIENCE_SECONDS):
        psutil.Process(random.choice(slots)["trainer_pid"]).kill()


def freeze_worker(scene: Scene, random: Random) -> None:
    """For longer than its lease, most of the time: it wakes up as a zombie."""
    everybody = scene.worker()
    signalled(everybody, signal.SIGSTOP)
    time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))
    signalled(everybody, signal.SIGCONT)


def kill_api(scene: Scene, _random: Random) -> None:
    scene.lab.child("uvicorn").kill()


def kill_redis(scene: Scene, _random: Random) -> None:
    scene.lab.child("redis-server").kill()


def flush_redis(scene: Scene, _random: Random) -> None:
    with contextlib.suppress(redis.ConnectionError):
        scene.redis.flushall()


def stop_database(scene: Scene, random: Random) -> None:
    """For longer than a lease, most of the time."""
    with scene.database_stopped():
        time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))


Fault = Callable[[Scene, Random], None]

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        fault.__name__: fault
        for fault in (
            kill_worker,
            kill_slot,
            kill_trainer,
            freeze_worker,
            kill_api,
            kill_redis,
            flush_redis,
            stop_database,
        )
    }
)


def rage(scene: Scene, random: Random, faults: int, pause: float) -> list[str]:
    """So many faults, each kind before any comes again, each while something is trained if possible; what was done."""
    done: list[str] = []
    names: list[str] = []
    for _ in range(faults):
        names = names or random.sample(sorted(FAULTS), len(FAULTS))
        name = names.pop()
        soon(scene.at_work, PATIENCE_SECONDS)
        with contextlib.suppress(psutil.NoSuchProcess):  # it died before we came
            FAULTS[name](scene, random)
        done.append(name)
        time.sleep(random.uniform(0, 2 * pause))
    return done
