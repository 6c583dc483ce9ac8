"""A process that is kept running: started, polled until it is ready, restarted when it ends."""

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from lab import process_tree, rotation
from lab.errors import CrashLoop

_READY_SECONDS = 60.0
_LEAST_CPU_SECONDS, _MOST_CPU_SECONDS = 0.5, 60.0
"""A process that starts on a busy machine uses at least the one in `_READY_SECONDS` by the clock,
and is ready before it has used the other."""
_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 2.0
_MAX_FAILURES = 5
_SHOWN_LINES = 15
_SHOWN_BYTES = 8192

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessSpec:
    """A program to run, with its readiness check.

    Attributes:
        name: A short name for messages and log files.
        command: The program and its arguments.
        is_ready: Whether the process with this id is ready; polled until it is.
        environment: The whole environment.
        folder: The working directory.
        log: The file of its output; ``None`` leaves it on the terminal.
        files: Open file descriptors to inherit.
        stop_signal: The signal that requests its end.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[int], bool]
    environment: Mapping[str, str]
    folder: Path
    log: Path | None = None
    files: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM


class ManagedProcess:
    """A process that is kept running by calls of :meth:`poll`; nothing happens between them."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.ready = False
        self._process: subprocess.Popen[bytes] | None = None
        self._checked_at, self._checked_cpu = 0.0, 0.0
        self._start_due = 0.0
        self._failures = 0

    @property
    def pid(self) -> int | None:
        """The process id, until its end is noticed."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code; ``None`` while it runs."""
        return self._process.poll() if self._process else None

    def start(self, now: float) -> None:
        """Starts the process in its own session, out of reach of the terminal's Ctrl-C."""
        self._checked_at, self._checked_cpu = now, 0.0
        with self.spec.log.open("ab") if self.spec.log else nullcontext() as output:
            self._process = subprocess.Popen(
                self.spec.command,
                env=dict(self.spec.environment),
                cwd=self.spec.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.spec.files,
                start_new_session=True,
                preexec_fn=process_tree.child_setup(),  # noqa: PLW1509  # calls prctl and signal only
            )

    def poll(self, now: float) -> None:
        """Starts the process when it is due, and notices when it is ready or has ended.

        Raises:
            CrashLoop: It kept ending before it was ready.
        """
        if self._process is None:
            if now >= self._start_due:
                self.start(now)
        elif (code := self._process.poll()) is not None:
            self._on_end(now, describe_exit(code))
        elif self.ready:
            if self.spec.log is not None:
                rotation.rotate(self.spec.log)
        elif self.spec.is_ready(self._process.pid):
            self.ready, self._failures = True, 0
        elif now - self._checked_at > _READY_SECONDS:
            self._check_start(now, self._process.pid)

    def _check_start(self, now: float, pid: int) -> None:
        """Kills a process that is not ready, unless it makes progress: a busy machine is slow."""
        cpu = process_tree.cpu_seconds(pid)
        if cpu > _MOST_CPU_SECONDS:
            description = f"was not ready after {cpu:.0f} s of CPU time and was killed"
        elif cpu - self._checked_cpu < _LEAST_CPU_SECONDS:
            description = f"was not ready and did nothing for {_READY_SECONDS:g} s, and was killed"
        else:
            self._checked_at, self._checked_cpu = now, cpu
            return
        self.kill()
        self._on_end(now, description)

    def request_stop(self) -> None:
        """Sends the process its stop signal."""
        if self._process is not None:
            self._process.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """Kills the process with its process group, and waits for its end."""
        if self._process is not None and self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _on_end(self, now: float, description: str) -> None:
        self._failures += not self.ready
        self._process, self.ready = None, False
        if self._failures >= _MAX_FAILURES:
            times = f"the {self._failures}th time in a row before it was ready"
            raise CrashLoop(f"{self.spec.name} {description}, {times}.{self._end_of_log()}")
        pause = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2**self._failures)
        self._start_due = now + pause
        logger.warning("%s %s; restarting it in %.1f s", self.spec.name, description, pause)

    def _end_of_log(self) -> str:
        if self.spec.log is None:
            return ""
        text = self.spec.log.read_bytes()[-_SHOWN_BYTES:].decode(errors="replace")
        lines = [f"  {line}" for line in text.splitlines()[-_SHOWN_LINES:]]
        return "\n".join(["", f"The last lines of {self.spec.log}:", *lines])


def describe_exit(code: int) -> str:
    """Describes an exit code: ``ended with exit code 3``, ``was killed by SIGKILL``."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
