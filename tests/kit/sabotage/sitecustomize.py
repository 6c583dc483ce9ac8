"""Sabotage: removes one safety mechanism from a test and from every process that it starts.

Python imports this file at startup if its folder is on PYTHONPATH. Only tests put it there, with
the name of a sabotage in ``EXTRAPOLAB_TEST_SABOTAGE``; the software itself has no such switch.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType


def without_fence(reports: ModuleType) -> None:
    """Accepts the writes of a claim even if another attempt holds the experiment."""

    def update_held(tx, claim, **values):
        change = reports.update(reports.experiments).where(
            reports.experiments.c.id == claim.experiment_id
        )
        change = change.values(values or {"attempt": claim.attempt})
        return tx.execute(change.returning(*reports.DECISIVE_COLUMNS)).first()

    def release(tx, claim, to, kind, detail=None, **values):
        reports.transition(
            tx,
            claim.experiment_id,
            reports.State.RUNNING,
            to,
            at=reports.now(tx),
            kind=kind,
            detail=detail,
            values=values,
        )

    reports._update_held, reports._release = update_held, release


def without_immediate(base: ModuleType) -> None:
    """Begins every write to SQLite as a read."""
    execute = base.Connection.exec_driver_sql

    def weakened(self, statement, *rest, **options):
        return execute(
            self, "BEGIN" if statement == "BEGIN IMMEDIATE" else statement, *rest, **options
        )

    base.Connection.exec_driver_sql = weakened


def without_outbox(dispatcher: ModuleType) -> None:
    """Sends wake-ups when the dispatcher is notified, and never again."""
    full_pass = dispatcher.Dispatcher._pass

    def only_when_notified(self, *, reap):
        if reap:
            self._reap()
        else:
            full_pass(self, reap=False)

    dispatcher.Dispatcher._pass = only_when_notified


def without_heartbeat(recorder: ModuleType) -> None:
    """Records the messages of a trainer, but never renews the lease."""

    def renew(self, change):
        self._write(change)
        self.renewed_at = recorder.time.monotonic()

    recorder.AttemptRecorder._renew = renew


def without_poller(slot: ModuleType) -> None:
    """Never polls for work; a slot works only when it is woken."""
    slot.Slot._poll_for_work = lambda self: None


def narrow(checkpoints: ModuleType) -> None:
    """Limits checkpoints to 20 KB."""
    checkpoints.MAX_MB = 0.02


def poison(training: ModuleType) -> None:
    """Kills the process that trains an experiment whose only seed is 13."""
    begin = training.begin

    def begin_or_die(spec, *rest):
        if list(spec.seeds) == [13]:
            os.kill(os.getpid(), signal.SIGKILL)
        return begin(spec, *rest)

    training.begin = begin_or_die


SABOTAGES: dict[str, tuple[str, Callable[[ModuleType], None]]] = {
    "fence": ("store.queue.reports", without_fence),
    "immediate": ("sqlalchemy.engine.base", without_immediate),
    "outbox": ("store.queue.dispatcher", without_outbox),
    "heartbeat": ("worker.recorder", without_heartbeat),
    "poller": ("worker.slot", without_poller),
    "narrow": ("store.arrays.checkpoints", narrow),
    "poison": ("core.training", poison),
}
"""By name: the module to change once it is imported, and the change."""


class _Saboteur(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as usual, then changes it."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self._name, self._change = name, change

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002  # Python's signature
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
