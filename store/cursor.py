"""The opaque cursor of a page: the place (created_at, id) of its last experiment, which no insert shifts."""

import base64
import math

from store.errors import BadCursor
from store.rows import ID


def encode(created_at: float, experiment_id: str) -> str:
    """The cursor behind the given place."""
    return base64.urlsafe_b64encode(f"{created_at!r} {experiment_id}".encode()).decode()


def decode(cursor: str) -> tuple[float, str]:
    """The place that :func:`encode` was given; raises BadCursor for anything else."""
    try:
        created_at, _, experiment_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        place = float(created_at), experiment_id
    except ValueError as error:
        raise BadCursor(cursor) from error
    if not (math.isfinite(place[0]) and ID.fullmatch(experiment_id) and encode(*place) == cursor):
        raise BadCursor(cursor)
    return place
