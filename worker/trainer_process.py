"""The slot's handle on its trainer process: start, messages, memory, log, kill."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait

import psutil

from worker.messages import Message, Ready, Train, receive, send

LOG_BYTES = 64 * 1024
"""Most bytes of output kept between two calls of ``take_log``: the capacity of a pipe."""

GROWTH_MB = 256.0
"""An idle trainer whose memory has grown by more than this is replaced."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's matrices are small: more threads would make every recorded point slower."""

logger = logging.getLogger(__name__)


class TrainerDied(Exception):
    """The trainer process ended by itself or was killed from outside."""

    def __init__(self, pid: int, status: int) -> None:
        end = (
            f"was killed by {signal.Signals(-status).name}"
            if status < 0
            else f"ended with exit code {status}"
        )
        super().__init__(f"The trainer process {pid} {end}.")


class TrainerProcess:
    """One ``python -m worker.trainer``; it starts at once, and is usable once it is ready.

    Attributes:
        idle_mb: Its memory right after it loaded torch.
        peak_mb: The most memory that was measured since its last training began.
    """

    def __init__(self, threads: int) -> None:
        slot_socket, trainer_socket = socket.socketpair()
        log, output = os.pipe()
        os.set_blocking(log, False)
        with trainer_socket:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.trainer", str(trainer_socket.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[trainer_socket.fileno()],
                start_new_session=True,  # the worker handles Ctrl-C for it
                env={
                    **os.environ,
                    **dict.fromkeys(THREAD_VARIABLES, str(threads)),
                    **ONE_THREAD,
                    "PYTHONFAULTHANDLER": "1",
                },
            )
        os.close(output)
        self._process_info = psutil.Process(self._process.pid)
        self._connection = Connection(slot_socket.detach())
        self._log = os.fdopen(log, "rb", buffering=0)
        self._unread_output = b""
        self._ready = False
        self.idle_mb = self.peak_mb = 0.0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def reusable(self) -> bool:
        """Whether the idle process is alive and has released the memory of earlier trainings."""
        grown = self._ready and self.memory_mb() > self.idle_mb + GROWTH_MB
        return self._process.poll() is None and not grown

    def is_ready(self, *, within: float) -> bool:
        """Waits at most ``within`` seconds for torch to load; returns whether it has.

        Raises:
            TrainerDied: The process ended.
        """
        deadline = time.monotonic() + within
        while not self._ready and (seconds := deadline - time.monotonic()) > 0:
            if isinstance(self.receive(seconds), Ready):
                self._ready, self.idle_mb = True, self.memory_mb()
        return self._ready

    @property
    def is_warm(self) -> bool:
        """Whether it is alive and was ready at the last look."""
        return self._ready and self._process.poll() is None

    def cpu_seconds(self) -> float:
        """The CPU time that it has used; 0 if it is dead."""
        try:
            times = self._process_info.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def send(self, message: Message) -> None:
        """Sends ``message``; raises TrainerDied."""
        if isinstance(message, Train):
            self.peak_mb = 0.0
        try:
            send(self._connection, message)
        except ConnectionError:
            raise self._reap() from None

    def receive(self, seconds: float) -> Message | None:
        """Returns the next message, or ``None`` after ``seconds``; keeps output meanwhile.

        Raises:
            TrainerDied: The process ended.
        """
        deadline = time.monotonic() + seconds
        readable: Sequence[object] = ()
        while self._connection not in readable:
            seconds_left = max(0.0, deadline - time.monotonic())
            readable = wait([self._connection, self._log.fileno()], seconds_left)
            if self._log.fileno() in readable:
                self._read_log()
            timed_out = self._connection not in readable and time.monotonic() > deadline
            if not readable or timed_out:
                return None
        try:
            return receive(self._connection)
        except (EOFError, ConnectionError):
            raise self._reap() from None

    def take_log(self) -> str:
        """Returns the end of what the process printed since the last call."""
        self._read_log()
        text, self._unread_output = self._unread_output.decode(errors="replace"), b""
        return text

    def memory_mb(self) -> float:
        """Its resident memory in MiB; 0 if it is dead."""
        try:
            memory_mb = float(self._process_info.memory_info().rss) / 2**20
        except psutil.Error:
            return 0.0
        self.peak_mb = max(self.peak_mb, memory_mb)
        return memory_mb

    def kill(self) -> None:
        """Kills the process if it is alive; its log can still be taken."""
        self._process.kill()
        self._process.wait()
        self._read_log()
        self._log.close()
        self._connection.close()

    def _reap(self) -> TrainerDied:
        """Cleans up after a process that closed its socket; returns the error to raise."""
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            logger.warning("trainer %d closed its socket but is alive; killing it", self.pid)
        self.kill()
        return TrainerDied(self.pid, self._process.returncode)

    def _read_log(self) -> None:
        # None if the pipe is empty
        output = None if self._log.closed else self._log.read(LOG_BYTES)
        self._unread_output = (self._unread_output + (output or b""))[-LOG_BYTES:]
