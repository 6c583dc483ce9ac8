"""Signs of life from inside long computations, which otherwise only end.

A training is advanced step by step, but a single step of a stiff flow, a baseline or the metrics of
many points may take minutes. They call :func:`beat` as they go on; whoever started them may
listen. No result depends on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]
"""Is told, often, which part goes on."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Has ``listener`` told of what this thread computes inside the block.

    Example:
        >>> with heard_by(print):
        ...     beat("a baseline")
        a baseline
        >>> beat("nobody listens")
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def beat(part: str) -> None:
    """Tells the listener, if there is one, that ``part`` goes on."""
    listener = _listener.get()
    if listener is not None:
        listener(part)
