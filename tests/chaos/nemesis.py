"""The nemesis: injects random faults into a lab, one after the other, and heals them."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

import psutil
import redis

from tests.chaos.chaos_lab import LEASE_SECONDS, ChaosLab, fill, poll_for, send_signal_to_all

WAIT_SECONDS = 20.0
"""How long a fault waits for a training to hit."""


def kill_worker(chaos_lab: ChaosLab, _random: Random) -> None:
    chaos_lab.lab.child("celery").kill()


def kill_slot(chaos_lab: ChaosLab, random: Random) -> None:
    """Kills a slot that is training, if there is one."""
    if slots := poll_for(chaos_lab.training_slots, WAIT_SECONDS):
        psutil.Process(random.choice(slots)["pid"]).kill()


def kill_trainer(chaos_lab: ChaosLab, random: Random) -> None:
    """Kills the trainer of a slot that is training, if there is one."""
    if slots := poll_for(chaos_lab.training_slots, WAIT_SECONDS):
        psutil.Process(random.choice(slots)["trainer_pid"]).kill()


def freeze_worker(chaos_lab: ChaosLab, random: Random) -> None:
    """Mostly for longer than its lease, so that it wakes up as a zombie."""
    processes = chaos_lab.worker_processes()
    send_signal_to_all(processes, signal.SIGSTOP)
    time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))
    send_signal_to_all(processes, signal.SIGCONT)


def kill_api(chaos_lab: ChaosLab, _random: Random) -> None:
    chaos_lab.lab.child("uvicorn").kill()


def kill_redis(chaos_lab: ChaosLab, _random: Random) -> None:
    chaos_lab.lab.child("redis-server").kill()


def flush_redis(chaos_lab: ChaosLab, _random: Random) -> None:
    with contextlib.suppress(redis.ConnectionError):
        chaos_lab.redis.flushall()


def stop_database(chaos_lab: ChaosLab, random: Random) -> None:
    """Mostly for longer than a lease."""
    with chaos_lab.database_stopped():
        time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))


def cut_network(chaos_lab: ChaosLab, random: Random) -> None:
    """Resets the connections of clients, in the middle of an answer too, and refuses others."""
    with chaos_lab.cable.cut():
        time.sleep(LEASE_SECONDS * random.uniform(0, 1))


def fill_disk(chaos_lab: ChaosLab, random: Random) -> None:
    """Fills the disk of the data folder, mostly for longer than a lease."""
    if chaos_lab.disk is None:
        return
    ballast = chaos_lab.disk / "ballast"
    try:
        fill(ballast)
        time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))
    finally:
        ballast.unlink()


def exhaust_descriptors(chaos_lab: ChaosLab, random: Random) -> None:
    """Lets the API or the workers open no further file or socket for a while."""
    of_api = [chaos_lab.lab.child("uvicorn")]
    processes = random.choice([of_api, chaos_lab.worker_processes()])
    limits = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            limits[process] = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), limits[process][1]))
    time.sleep(LEASE_SECONDS * random.uniform(0.5, 2))
    for process, limit in limits.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_NOFILE, limit)


Fault = Callable[[ChaosLab, Random], None]

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
            cut_network,
            fill_disk,
            exhaust_descriptors,
        )
    }
)


def inject_faults(chaos_lab: ChaosLab, random: Random, faults: int, pause: float) -> list[str]:
    """Injects faults, if possible during trainings; uses each kind before repeating one."""
    injected: list[str] = []
    names: list[str] = []
    for _ in range(faults):
        names = names or random.sample(sorted(FAULTS), len(FAULTS))
        name = names.pop()
        poll_for(chaos_lab.training_slots, WAIT_SECONDS)
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended in between
            FAULTS[name](chaos_lab, random)
        injected.append(name)
        time.sleep(random.uniform(0, 2 * pause))
    return injected
