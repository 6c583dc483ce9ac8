"""Ctrl-C: quiet while the command line starts and ends, ``KeyboardInterrupt`` inside a command.

A ``KeyboardInterrupt`` that strikes while modules are imported, or while the interpreter ends,
prints a traceback or is taken for another error. There is nothing to clean up then, so the process
just ends.
"""

import os
import signal
from types import FrameType

EXIT_CODE = 128 + signal.SIGINT
"""As a shell reports a command that Ctrl-C ended."""


def exit_on_ctrl_c() -> None:
    """From now on, Ctrl-C ends the process at once and prints nothing."""
    _handle(_exit)


def raise_on_ctrl_c() -> None:
    """From now on, Ctrl-C raises ``KeyboardInterrupt``."""
    _handle(signal.default_int_handler)


def _handle(handler: signal.Handlers | object) -> None:
    # a shell's background job ignores it, and goes on doing so
    if signal.getsignal(signal.SIGINT) in {_exit, signal.default_int_handler}:
        signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]


def _exit(_signal: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_CODE)
