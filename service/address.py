"""Addresses of this lab as its clients see them: below the prefix at which a proxy serves it."""

from contextvars import ContextVar

root_path: ContextVar[str] = ContextVar("root_path", default="")
"""The prefix during a request, such as ``/lab``."""


def at(path: str) -> str:
    """The address of a path of this lab.

    Example:
        >>> at("/v1/experiments")
        '/v1/experiments'
    """
    return root_path.get() + path


def path_of(address: str) -> str:
    """The path of this lab at an address; the inverse of :func:`at`."""
    return address.removeprefix(root_path.get())
