"""Supervision of a lab's processes until a signal or a crash loop ends it.

Signals are blocked and waited for, never handled, so they interrupt no code.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from lab import process_tree
from lab.managed_process import ManagedProcess, ProcessSpec

_STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_SIGNALS = _STOP_SIGNALS | {signal.SIGCHLD}
_POLL_SECONDS = 0.1
_STOP_GRACE_SECONDS = 3.5

logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps tiers of processes running; a tier starts when the one before it is ready.

    Tiers are stopped in reverse order. As a context manager, it listens to Ctrl-C, SIGTERM and
    SIGHUP inside the context, and stops all processes at its end.
    """

    def __init__(self, tiers: Sequence[Sequence[ProcessSpec]]) -> None:
        self._tiers = [[ManagedProcess(spec) for spec in tier] for tier in tiers]
        self._one_shots: list[ManagedProcess] = []
        self._preexisting_children: set[int] = set()
        self._signal_mask: set[int] = set()

    def __enter__(self) -> Self:
        self._signal_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._preexisting_children = process_tree.children(os.getpid())
        process_tree.adopt_orphans(adopt=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        process_tree.adopt_orphans(adopt=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._signal_mask)

    @property
    def ready(self) -> bool:
        """Whether every process is ready at this moment."""
        return all(process.ready for tier in self._tiers for process in tier)

    def run_until(self, condition: Callable[[], bool]) -> bool:
        """Keeps the processes running until ``condition`` holds; returns False on a stop signal.

        Raises:
            CrashLoop: A process kept ending before it was ready.
        """
        while not condition():
            self._poll(time.monotonic())
            if _next_signal() in _STOP_SIGNALS:
                return False
        return True

    def run_once(self, spec: ProcessSpec) -> int | None:
        """Runs a process once beside the others; returns its exit code, None on a stop signal.

        Raises:
            CrashLoop: Another process kept ending before it was ready.
        """
        process = ManagedProcess(spec)
        process.start(time.monotonic())
        self._one_shots.append(process)
        self.run_until(lambda: not process.running)
        return process.exit_code

    def _poll(self, now: float) -> None:
        for tier in self._tiers:
            for process in tier:
                process.poll(now)
            if not all(process.ready for process in tier):
                break
        managed = {process.pid for process in self._all_processes() if process.pid is not None}
        process_tree.reap_orphans(self._preexisting_children | managed)

    def _all_processes(self) -> list[ManagedProcess]:
        return [process for tier in (*self._tiers, self._one_shots) for process in tier]

    def _stop(self) -> None:
        if any(process.running for process in self._all_processes()):
            logger.info("Stopping. Press Ctrl-C again to kill what still runs.")
        deadline = time.monotonic() + _STOP_GRACE_SECONDS
        for tier in reversed((*self._tiers, self._one_shots)):
            for process in reversed(tier):
                process.request_stop()
            while any(process.running for process in tier) and time.monotonic() < deadline:
                if _next_signal() in _STOP_SIGNALS:
                    deadline = time.monotonic()
        for process in self._all_processes():
            process.kill()
        process_tree.kill_orphans(self._preexisting_children)


def _next_signal() -> int | None:
    """Waits briefly for a signal; returns None if there was none."""
    received = signal.sigtimedwait(_SIGNALS, _POLL_SECONDS)
    return received.si_signo if received else None
