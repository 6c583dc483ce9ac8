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
    """Each part of a comma-separated list, trimmed, with its 1-based column in the text.

    Commas between parentheses or quotation marks separate nothing.
    """
    start, depth, quote = 0, 0, ""
    for place, character in enumerate([*text, ","]):
        if quote:
            quote = "" if character == quote else quote
        elif character in {'"', "'"}:
            quote = character
        depth += (character == "(") - (character == ")") if not quote else 0
        if place == len(text) or (character == "," and depth <= 0 and not quote):
            part = text[start:place]
            yield part.strip(), start + 1 + len(part) - len(part.lstrip())
            start = place + 1
