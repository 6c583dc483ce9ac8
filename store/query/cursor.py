"""The opaque cursor of a page: the place of its last experiment, which no insert shifts, and the question it is of."""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from store.errors import BadCursor
from store.experiments.rows import ID

Value = float | int | str | None


@dataclass(frozen=True)
class Mark:
    """Where a page ended.

    Attributes:
        question: Digest of the filter and the order.
        at: When the first page was asked for, in Unix seconds: "-7d" means the same on every page.
        place: The last experiment's value at each key of the order.
        id: The last experiment.
    """

    question: str
    at: float
    place: Sequence[Value]
    id: str


def encode(mark: Mark) -> str:
    """The cursor behind the given place."""
    content = json.dumps([mark.question, mark.at, list(mark.place), mark.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode()


def decode(cursor: str) -> Mark:
    """What :func:`encode` was given; raises BadCursor for anything else."""
    try:
        question, at, place, last = json.loads(base64.urlsafe_b64decode(cursor))
        mark = Mark(question, at, tuple(place), last)
        again = encode(mark)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor(cursor) from error
    plain = all(value is None or type(value) in {float, int, str} for value in mark.place)
    finite = type(at) is float and all(
        math.isfinite(v) for v in (at, *mark.place) if isinstance(v, float)
    )
    if again != cursor or not (plain and finite and isinstance(last, str) and ID.fullmatch(last)):
        raise BadCursor(cursor)
    return mark
