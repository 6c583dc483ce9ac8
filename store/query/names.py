"""Comma-separated lists of names, such as the values of ``fields=``, ``metrics=`` and ``sort=``."""

from collections.abc import Callable, Iterator

from core.errors import Problem
from core.spec.explain import shorten
from store.query.errors import BadQuery


def split_names(
    text: str, pointer: str, refusal: Callable[[Problem], Exception] = BadQuery
) -> list[str]:
    """The names in a comma-separated list, trimmed, each once, in the order of first mention.

    Args:
        text: The list, such as ``"fit_error, train_loss"``.
        pointer: The parameter that holds the list, such as ``"/query/metrics"``.
        refusal: The exception to raise for a list with an empty name.

    Raises:
        BadQuery: A name is empty. ``refusal`` replaces this exception.
    """
    names = list(dict.fromkeys(name for name, _ in with_columns(text)))
    if "" in names:
        message = "should be a comma-separated list without empty names"
        raise refusal(Problem(pointer, "empty_name", message, shorten(text)))
    return names


def with_columns(text: str) -> Iterator[tuple[str, int]]:
    """Each part of a comma-separated list, trimmed, with its 1-based column in the text."""
    start = 1
    for part in text.split(","):
        yield part.strip(), start + len(part) - len(part.lstrip())
        start += len(part) + 1
