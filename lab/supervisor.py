"""Keeps the programs of a lab running, from the first to the last, until a signal or a crash loop ends it.

Signals are blocked and waited for, never handled: nothing interrupts the supervisor between two
lines.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from lab import process_tree
from lab.managed_process import Child, Program

_STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_HEARD = _STOP | {signal.SIGCHLD}
_LOOK_SECONDS = 0.1
_FAREWELL_SECONDS = 3.5
logger = logging.getLogger(__name__)


class Supervisor:
    """Programs by tier: a tier is started when the one before it is ready, and stopped before it.

    A context manager: Ctrl-C, SIGTERM and SIGHUP are heard from the entry on, and leaving it stops
    whatever runs.
    """

    def __init__(self, tiers: Sequence[Sequence[Program]]) -> None:
        self._tiers = [[Child(program) for program in tier] for tier in tiers]
        self._guests: list[Child] = []
        self._strangers: set[int] = set()
        self._mask: set[int] = set()

    def __enter__(self) -> Self:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        self._strangers = process_tree.children(os.getpid())
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
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    @property
    def ready(self) -> bool:
        """Whether every program does its work at this moment."""
        return all(child.ready for tier in self._tiers for child in tier)

    def until(self, condition: Callable[[], bool]) -> bool:
        """Keeps the programs running until ``condition`` holds; ``False`` when a signal asks for the end before that.

        Raises:
            ChildGaveUp: A program ended again and again before it was ready.
        """
        while not condition():
            self._tend(time.monotonic())
            if _heard() in _STOP:
                return False
        return True

    def attend(self, program: Program) -> int | None:
        """Runs ``program`` once beside the others; its exit code, or ``None`` when a signal asks for the end before.

        Raises:
            ChildGaveUp: Another program ended again and again before it was ready.
        """
        guest = Child(program)
        guest.start(time.monotonic())
        self._guests.append(guest)
        self.until(lambda: not guest.running)
        return guest.exit_code

    def _tend(self, now: float) -> None:
        for tier in self._tiers:
            for child in tier:
                child.tend(now)
            if not all(child.ready for child in tier):
                break
        process_tree.reap_orphans(
            self._strangers | {child.pid for child in self._everyone() if child.pid is not None}
        )

    def _everyone(self) -> list[Child]:
        return [child for tier in (*self._tiers, self._guests) for child in tier]

    def _stop(self) -> None:
        if any(child.running for child in self._everyone()):
            logger.info("Stopping; a second Ctrl-C kills what still runs.")
        deadline = time.monotonic() + _FAREWELL_SECONDS
        for tier in reversed((*self._tiers, self._guests)):
            for child in reversed(tier):
                child.ask_to_stop()
            while any(child.running for child in tier) and time.monotonic() < deadline:
                if _heard() in _STOP:
                    deadline = time.monotonic()
        for child in self._everyone():
            child.kill()
        process_tree.end_orphans(self._strangers)


def _heard() -> int | None:
    """The signal that arrived, ``None`` after a moment without one."""
    heard = signal.sigtimedwait(_HEARD, _LOOK_SECONDS)
    return heard.si_signo if heard else None
