"""Draws figures in a process of its own, which ends when nothing was drawn for a while.

Drawing leaves tens of megabytes behind: fonts, formats and what Matplotlib caches.
``python -m service.figures.drawer`` reads pickled figures and writes pickled files, until its
standard input is closed, as when the service ends.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading

from core.figures import Figure, Format, Info
from core.look import Look
from store import process_log

IDLE_SECONDS = 60.0
"""Time without a figure after which the process ends; the next figure takes a second longer."""

_ENDED = (EOFError, BrokenPipeError, pickle.UnpicklingError)
"""What talking to a process raises that somebody ended."""


class Drawer:
    """Draws one figure at a time: Matplotlib is not thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: threading.Timer | None = None

    def draw(self, figure: Figure, info: Info, form: Format, look: Look) -> bytes:
        """The figure as a file; raises what drawing it raises."""
        with self._lock:
            if self._end is not None:
                self._end.cancel()
            try:
                answer = self._ask((figure, info, form, look))
            except _ENDED:
                self._stop()
                answer = self._ask((figure, info, form, look))
            self._end = threading.Timer(IDLE_SECONDS, self.stop)
            self._end.daemon = True
            self._end.start()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        """Ends the process; the next figure starts another."""
        with self._lock:
            self._stop()

    def _ask(self, job: tuple[Figure, Info, Format, Look]) -> bytes | Exception:
        if self._process is None:
            command = (sys.executable, "-P", "-m", "service.figures.drawer")
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EOFError
        pickle.dump(job, stdin)
        stdin.flush()
        answer: bytes | Exception = pickle.load(stdout)  # noqa: S301  # our own process wrote it
        return answer

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the service, and that this process
    process_log.configure("drawer")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed must not get between the answers
    while True:
        try:
            figure, info, form, look = pickle.load(sys.stdin.buffer)  # noqa: S301  # as above
        except EOFError:
            return
        try:
            answer: bytes | Exception = figure.file(info, form, look)
        except Exception as error:  # noqa: BLE001  # it is raised where the figure was asked for
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    _serve()
