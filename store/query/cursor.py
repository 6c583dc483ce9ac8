"""Opaque cursors: the position at which a page ended, which no insert shifts, and its query."""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from store.errors import BadCursor
from store.experiments.rows import ID
from store.query.order import KeyValue


@dataclass(frozen=True)
class Position:
    """The position of an experiment in the result of a query.

    Attributes:
        query_digest: The digest of the query.
        at: The time of the first page in Unix seconds, so that "-7d" means the same on every page.
        values: The experiment's values at the keys of the order.
        id: The experiment's id.
    """

    query_digest: str
    at: float
    values: Sequence[KeyValue]
    id: str


def encode(position: Position) -> str:
    """The cursor for the page after a position."""
    content = [position.query_digest, position.at, list(position.values), position.id]
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode(cursor: str) -> Position:
    """The position that a cursor encodes.

    Raises:
        BadCursor: The cursor is not one that :func:`encode` returned.
    """
    try:
        digest, at, values, experiment_id = json.loads(base64.urlsafe_b64decode(cursor))
        position = Position(digest, at, tuple(values), experiment_id)
        encoded = encode(position)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor(cursor) from error
    is_canonical = encoded == cursor
    has_id = isinstance(experiment_id, str) and ID.fullmatch(experiment_id)
    if not (is_canonical and has_id and _is_finite_float(at) and all(map(_is_value, values))):
        raise BadCursor(cursor)
    return position


def _is_value(value: object) -> bool:
    return value is None or type(value) in {int, str} or _is_finite_float(value)


def _is_finite_float(value: object) -> bool:
    return type(value) is float and math.isfinite(value)
