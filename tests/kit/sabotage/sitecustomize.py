"""Sabotage: a safety of the lab is taken out, in a test and in every process that it starts.

Python imports this file by itself at its start where its folder is on PYTHONPATH; only tests put it
there, with the name of a sabotage in ``EXTRAPOLAB_TEST_SABOTAGE``. The software itself has no such
switch.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType


def without_fence(queue: ModuleType) -> None:
    """Writes of a claim count whichever attempt has the experiment."""

    def report(tx, claim, **values):
        change = queue.update(queue.experiments).where(
            queue.experiments.c.id == claim.experiment_id
        )
        change = change.values(values or {"attempt": claim.attempt})
        return tx.execute(change.returning(*queue._WISHED)).first()

    def leave(tx, claim, to, kind, detail=None, **values):
        queue.transition(
            tx,
            claim.experiment_id,
            queue.State.RUNNING,
            to,
            at=queue.now(tx),
            kind=kind,
            detail=detail,
            values=values,
        )

    queue._report, queue._leave = report, leave


def without_immediate(base: ModuleType) -> None:
    """A write to SQLite begins as a read and turns into a write later."""
    execute = base.Connection.exec_driver_sql

    def weakened(self, statement, *rest, **options):
        return execute(
            self, "BEGIN" if statement == "BEGIN IMMEDIATE" else statement, *rest, **options
        )

    base.Connection.exec_driver_sql = weakened


def without_outbox(wakeup: ModuleType) -> None:
    """A wake-up is sent when the bell is rung, and never again."""
    everything = wakeup.Dispatcher._pass

    def only_when_rung(self, *, reap):
        if reap:
            self._reap()
        else:
            everything(self, reap=False)

    wakeup.Dispatcher._pass = only_when_rung


def without_heartbeat(recorder: ModuleType) -> None:
    """A slot records messages of its trainer, but never renews the lease."""

    def renew(self, change):
        self._write(change)
        self.renewed_at = recorder.time.monotonic()

    recorder.AttemptRecorder._renew = renew


def without_poller(slot: ModuleType) -> None:
    """A slot works when it is woken, and never polls for work."""
    slot.Slot._poll_for_work = lambda self: None


def narrow(checkpoints: ModuleType) -> None:
    """A checkpoint of 20 KB is too large."""
    checkpoints.MAX_MB = 0.02


def poison(training: ModuleType) -> None:
    """Training of an experiment whose only seed is 13 kills its process."""
    begin = training.begin

    def swallow(spec, *rest):
        if list(spec.seeds) == [13]:
            os.kill(os.getpid(), signal.SIGKILL)
        return begin(spec, *rest)

    training.begin = swallow


SABOTAGES: dict[str, tuple[str, Callable[[ModuleType], None]]] = {
    "fence": ("store.queue.claims", without_fence),
    "immediate": ("sqlalchemy.engine.base", without_immediate),
    "outbox": ("store.queue.dispatcher", without_outbox),
    "heartbeat": ("worker.recorder", without_heartbeat),
    "poller": ("worker.slot", without_poller),
    "narrow": ("store.arrays.checkpoints", narrow),
    "poison": ("core.training", poison),
}
"""By name: the module that is changed, and how, as soon as it is imported."""


class _Saboteur(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module where everybody does, and changes it once it is loaded."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self._name, self._change = name, change

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002  # Python's words
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        self._change(module)


if chosen := os.environ.get("EXTRAPOLAB_TEST_SABOTAGE"):
    sys.meta_path.insert(0, _Saboteur(*SABOTAGES[chosen]))
