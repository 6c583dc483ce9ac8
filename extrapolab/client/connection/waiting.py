"""The wait for an answer, counted in seconds on a terminal: a large request takes its time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

FIRST_SECONDS, SECONDS = 2.0, 1.0
"""Time until a wait is shown, and between two counts of it."""

_ERASE = "\r\x1b[K"
_terminal: ContextVar[TextIO | None] = ContextVar("terminal", default=None)


def show_waits(stream: TextIO) -> None:
    """Has later waits shown on ``stream``, if it is a terminal."""
    _terminal.set(stream if stream.isatty() else None)


@contextmanager
def shown_wait() -> Iterator[None]:
    """Shows how long the block has been waiting for the lab; leaves no trace when it ends."""
    stream = _terminal.get()
    if stream is None:
        yield
        return
    ended = threading.Event()
    counter = threading.Thread(target=_count, args=(stream, ended), daemon=True)
    counter.start()
    try:
        yield
    finally:
        ended.set()
        counter.join()


def _count(stream: TextIO, ended: threading.Event) -> None:
    waited = FIRST_SECONDS
    if ended.wait(waited):
        return
    while True:
        print(f"{_ERASE}waiting for the lab, {waited:.0f} s", end="", file=stream, flush=True)
        if ended.wait(SECONDS):
            break
        waited += SECONDS
    print(_ERASE, end="", file=stream, flush=True)
