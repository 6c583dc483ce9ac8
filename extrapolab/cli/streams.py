"""Standard input, output and error, whatever they are: ASCII, closed, full, or a pipe that ends."""

import errno
import os
import sys

PIPE_CLOSED = 128 + 13
"""Exit code if the reader of a pipe is gone, as a shell reports a command that SIGPIPE ended."""

_USAGE = 2


def open_streams() -> None:
    """Makes the streams usable: what a stream can't show is a "?", what is closed can't be used."""
    # Opened for the other direction, so that their use is an error and no file takes their number.
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), "r")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # they are text files


def shows_unicode() -> bool:
    """Whether standard output can show every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def report(error: OSError) -> int:
    """Says that the output can't be written, unless its reader is gone; returns the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still in the buffer has no other place
    if error.errno == errno.EPIPE:
        return PIPE_CLOSED
    sys.stderr.write(f"The output can't be written: {error.strerror}\n")
    return _USAGE


def flush(code: int) -> int:
    """Writes what is still in the buffer of standard output; returns the exit code."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return report(error)
    return code
