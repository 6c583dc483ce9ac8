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
import traceback

from core.errors import ExtrapolabError
from core.figures import Figure, Format, Info
from core.look import Look
from store import process_log

IDLE_SECONDS = 60.0
"""Time without a figure after which the process ends; the next figure takes a second longer."""

MAX_SECONDS = 120.0
"""Time after which a figure is given up, since the others wait for it; most take a part of one."""

_ENDED = (EOFError, BrokenPipeError, pickle.UnpicklingError)
"""Errors of talking to a process that somebody ended."""


class DrawerLost(ExtrapolabError):
    """A figure took too long, or the process was killed twice while it drew one."""


class Drawer:
    """Draws one figure at a time: Matplotlib is not thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: threading.Timer | None = None

    def draw(self, figure: Figure, info: Info, form: Format, look: Look) -> bytes:
        """The figure as a file.

        Raises:
            DrawerLost: The figure took too long, or the process was killed twice.
            Exception: What drawing the figure raises.
        """
        job = pickle.dumps((figure, info, form, look))
        with self._lock:
            if self._end is not None:
                self._end.cancel()
            answer = self._answer(job)
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

    def _answer(self, job: bytes) -> bytes | Exception:
        for _ in range(2):  # somebody may have ended the process since the last figure
            process, is_late = self._started(), threading.Event()
            limit = threading.Timer(MAX_SECONDS, _give_up, (process, is_late))
            limit.daemon = True
            limit.start()
            try:
                return _ask(process, job)
            except _ENDED:
                self._stop()
                if is_late.is_set():
                    raise DrawerLost(f"a figure was not drawn within {MAX_SECONDS:g} s") from None
            except BaseException:
                self._stop()  # half an answer may be left in the pipe
                raise
            finally:
                limit.cancel()
        raise DrawerLost("the process that draws was killed, perhaps for want of memory")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = (sys.executable, "-P", "-m", "service.figures.drawer")
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _ask(process: subprocess.Popen[bytes], job: bytes) -> bytes | Exception:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(job)
    process.stdin.flush()
    answer: bytes | Exception = pickle.load(process.stdout)  # noqa: S301  # our own process wrote it
    return answer


def _give_up(process: subprocess.Popen[bytes], is_late: threading.Event) -> None:
    is_late.set()
    process.kill()


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
            error.add_note("".join(traceback.format_exception(error)))  # pickling takes it away
            answer = error
        answers.write(pickle.dumps(answer))
        answers.flush()


if __name__ == "__main__":
    _serve()
