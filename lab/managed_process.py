"""A program that is kept running: started, watched until it is ready, and started again when it ends."""

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from lab import process_tree
from lab.errors import ChildGaveUp

_READY_SECONDS = 60.0
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 2.0
_MOST_FAILURES = 5
_LAST_LINES = 15
_LAST_BYTES = 8192
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """What is run, and how one sees that it does its work.

    Attributes:
        name: A word for people.
        command: The program and its arguments.
        ready: Whether the process of this id does its work; looked at until it does, never guessed
            from time.
        environment: The whole environment.
        folder: The working directory.
        log: The file its output goes to; ``None`` leaves it the terminal.
        files: Open file descriptors that it inherits.
        stop_with: The signal that asks it to end.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[int], bool]
    environment: Mapping[str, str]
    folder: Path
    log: Path | None = None
    files: tuple[int, ...] = ()
    stop_with: signal.Signals = signal.SIGTERM


class Child:
    """One program kept running.

    It is looked after by calls of :meth:`tend`; nothing happens between them.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ready = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due = 0.0
        self._failures = 0

    @property
    def pid(self) -> int | None:
        """The process id, from the start until the end was seen."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the process ended, ``None`` while it runs."""
        return self._process.poll() if self._process else None

    def start(self, now: float) -> None:
        """Starts the program in a session of its own, so that the terminal's Ctrl-C does not reach it."""
        self._started = now
        with self.program.log.open("ab") if self.program.log else nullcontext() as output:
            self._process = subprocess.Popen(
                self.program.command,
                env=dict(self.program.environment),
                cwd=self.program.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.program.files,
                start_new_session=True,
                preexec_fn=process_tree.upbringing(),  # noqa: PLW1509  # it runs before exec in a copy of one thread
            )

    def tend(self, now: float) -> None:
        """One look: starts the program when that is due, sees whether it ended or became ready.

        Raises:
            ChildGaveUp: It ended again and again before it was ready.
        """
        if self._process is None:
            if now >= self._due:
                self.start(now)
        elif (code := self._process.poll()) is not None:
            self._ended(now, describe(code))
        elif not self.ready and self.program.ready(self._process.pid):
            self.ready, self._failures = True, 0
        elif not self.ready and now - self._started > _READY_SECONDS:
            self.kill()
            self._ended(now, f"was not ready after {_READY_SECONDS:g} s and was killed")

    def ask_to_stop(self) -> None:
        """Sends the program its stop signal."""
        if self._process is not None:
            self._process.send_signal(self.program.stop_with)

    def kill(self) -> None:
        """Kills the program with its process group, and waits for its end."""
        if self._process is not None and self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _ended(self, now: float, how: str) -> None:
        self._failures += not self.ready
        self._process, self.ready = None, False
        if self._failures >= _MOST_FAILURES:
            times = f"the {self._failures}th time in a row before it was ready"
            raise ChildGaveUp(f"{self.program.name} {how}, {times}.{self._last_words()}")
        wait = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2**self._failures)
        self._due = now + wait
        logger.warning("%s %s; starting it again in %.1f s", self.program.name, how, wait)

    def _last_words(self) -> str:
        if self.program.log is None:
            return ""
        lines = (
            self.program.log.read_bytes()[-_LAST_BYTES:]
            .decode(errors="replace")
            .splitlines()[-_LAST_LINES:]
        )
        return "\n".join(
            ["", f"The last lines of {self.program.log}:", *(f"  {line}" for line in lines)]
        )


def describe(code: int) -> str:
    """An exit code in words: ``ended with exit code 3``, ``was killed by SIGKILL``."""
    return (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )
