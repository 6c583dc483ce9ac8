"""Signs of life from inside long computations, which otherwise only end.

A training is advanced step by step, but a single step of a stiff flow, a baseline or the metrics of
many points may take minutes. They call :func:`beat` as they go on; whoever started them may
listen. No result depends on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]
"""A function that is called, often, with the name of the part that goes on."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Calls ``listener`` with each part that this thread computes inside the block.

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
    """Calls the listener, if there is one: ``part`` goes on."""
    listener = _listener.get()
    if listener is not None:
        listener(part)
