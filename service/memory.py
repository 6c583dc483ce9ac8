"""The process's memory."""

import ctypes
from collections.abc import Callable

_libc = ctypes.CDLL(None)
_malloc_trim: Callable[[int], int] | None = getattr(_libc, "malloc_trim", None)
"""Of glibc; other C libraries have none."""


def trim() -> None:
    """Gives freed memory back to the operating system, which takes about a millisecond."""
    if _malloc_trim is not None:
        _malloc_trim(0)
