"""The slot's hold on its trainer process: start it, talk to it, watch its memory, keep its log, kill it."""

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

from worker.messages import Message, Ready, receive, send

LOG_BYTES = 64 * 1024
"""Of a trainer's output that wasn't taken yet the last so many bytes are kept: as many as a pipe
holds."""

GROWTH_MB = 256.0
"""A trainer that holds so much more than at first, though it is idle, is due to be replaced."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's matrices are small: at every recorded point a second thread would cost many times what it
gains."""

logger = logging.getLogger(__name__)


class TrainerDied(Exception):
    """The trainer process ended by itself or was killed from outside."""

    def __init__(self, pid: int, status: int) -> None:
        how = (
            f"was killed by {signal.Signals(-status).name}"
            if status < 0
            else f"ended with exit code {status}"
        )
        super().__init__(f"The trainer process {pid} {how}.")


class TrainerProcess:
    """One ``python -m worker.trainer``, started at once and warm when it says that it is ready.

    Attributes:
        warm_mb: Its memory when it had loaded torch and nothing else.
    """

    def __init__(self, threads: int) -> None:
        ours, theirs = socket.socketpair()
        log, output = os.pipe()
        os.set_blocking(log, False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.trainer", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal is the worker's business
                env={
                    **os.environ,
                    **dict.fromkeys(THREAD_VARIABLES, str(threads)),
                    **ONE_THREAD,
                    "PYTHONFAULTHANDLER": "1",
                },
            )
        os.close(output)
        self._facts = psutil.Process(self._process.pid)
        self._connection = Connection(ours.detach())
        self._log = os.fdopen(log, "rb", buffering=0)
        self._kept = b""
        self._ready = False
        self.warm_mb = 0.0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def fit(self) -> bool:
        """Whether the idle process lives and has given back what it held for earlier trainings."""
        grown = self._ready and self.memory_mb() > self.warm_mb + GROWTH_MB
        return self._process.poll() is None and not grown

    def is_ready(self, *, within: float) -> bool:
        """Whether torch is loaded, waited for at most so many seconds; raises TrainerDied."""
        deadline = time.monotonic() + within
        while not self._ready and (left := deadline - time.monotonic()) > 0:
            if isinstance(self.receive(left), Ready):
                self._ready, self.warm_mb = True, self.memory_mb()
        return self._ready

    def send(self, message: Message) -> None:
        """Sends ``message``; raises TrainerDied."""
        try:
            send(self._connection, message)
        except ConnectionError:
            raise self._death() from None

    def receive(self, seconds: float) -> Message | None:
        """The next message; ``None`` when none came in ``seconds``. Output is kept meanwhile.

        Raises TrainerDied.
        """
        deadline = time.monotonic() + seconds
        heard: Sequence[object] = ()
        while self._connection not in heard:
            heard = wait(
                [self._connection, self._log.fileno()], max(0.0, deadline - time.monotonic())
            )
            if self._log.fileno() in heard:
                self._read_log()
            if not heard or (self._connection not in heard and time.monotonic() > deadline):
                return None
        try:
            return receive(self._connection)
        except (EOFError, ConnectionError):
            raise self._death() from None

    def take_log(self) -> str:
        """What it has printed since the last call, the end of it where it was much."""
        self._read_log()
        text, self._kept = self._kept.decode(errors="replace"), b""
        return text

    def memory_mb(self) -> float:
        """Its resident memory in MiB; 0 once it is dead."""
        try:
            return float(self._facts.memory_info().rss) / 2**20
        except psutil.Error:
            return 0.0

    def kill(self) -> None:
        """Ends the process now, if it hasn't ended; its log can still be taken."""
        self._process.kill()
        self._process.wait()
        self._read_log()
        self._log.close()
        self._connection.close()

    def _death(self) -> TrainerDied:
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            logger.warning("trainer %d closed its socket but lives; killing it", self.pid)
        self.kill()
        return TrainerDied(self.pid, self._process.returncode)

    def _read_log(self) -> None:
        output = (
            None if self._log.closed else self._log.read(LOG_BYTES)
        )  # None, too, where nothing waits in the pipe
        self._kept = (self._kept + (output or b""))[-LOG_BYTES:]
