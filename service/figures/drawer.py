"""Draws figures in a process of its own, which ends when nothing was drawn for a while.

Drawing takes tens of megabytes and leaves more behind: Matplotlib, fonts, formats, and its caches.
``python -m service.figures.drawer`` reads pickled functions and writes what they return, pickled,
until its standard input is closed, as when the service ends.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, TypeVar

from core.figures import Figure, Format, Info, NotDrawable, style_version
from core.look import Look
from store import process_log

IDLE_SECONDS = 60.0
"""Time without a figure after which the process ends; the next figure takes a second longer."""

MAX_SECONDS = 120.0
"""Time after which a figure is given up, since the others wait for it; most take a part of one."""

_ENDED = (EOFError, BrokenPipeError, pickle.UnpicklingError)
"""Errors of talking to a process that somebody ended."""

Answer = TypeVar("Answer", bytes, str)


class DrawerLost(NotDrawable):
    """It took too long, or the process was killed twice while it drew."""


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
        return self._call(partial(figure.file, info, form, look))

    @cached_property
    def style_version(self) -> str:
        """What identifies the code that draws and its fonts; asked for once, it starts the process.

        Raises:
            DrawerLost: As :meth:`draw`.
        """
        return self._call(style_version)

    def stop(self) -> None:
        """Ends the process; the next figure starts another."""
        with self._lock:
            self._stop()

    def _call(self, function: Callable[[], Answer]) -> Answer:
        """What the function returns, or raises, in the process."""
        with self._lock:
            if self._end is not None:
                self._end.cancel()
            answer = self._answer(pickle.dumps(function))
            self._end = threading.Timer(IDLE_SECONDS, self.stop)
            self._end.daemon = True
            self._end.start()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, job: bytes) -> Any:
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
                    raise DrawerLost(f"it was not drawn within {MAX_SECONDS:g} s") from None
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


def _ask(process: subprocess.Popen[bytes], job: bytes) -> Any:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(job)
    process.stdin.flush()
    return pickle.load(process.stdout)  # noqa: S301  # our own process wrote it


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
            function = pickle.load(sys.stdin.buffer)  # noqa: S301  # as above
        except EOFError:
            return
        try:
            answer = function()
        except Exception as error:  # noqa: BLE001  # it is raised in the service
            error.add_note("".join(traceback.format_exception(error)))  # pickling takes it away
            answer = error
        answers.write(pickle.dumps(answer))
        answers.flush()


if __name__ == "__main__":
    _serve()
