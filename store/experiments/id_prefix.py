"""Ids cut short: the ids that begin so."""

import re
from types import MappingProxyType

from sqlalchemy import Connection, select

from store.db.tables import experiments, figures, sweeps, workers
from store.db.visible import visible_experiments, visible_sweeps

_IDS = MappingProxyType(
    {
        "exp": (experiments.c.id, visible_experiments(experiments.c.id)),
        "swp": (sweeps.c.id, visible_sweeps(sweeps.c.id)),
        "fig": (figures.c.id, select(figures.c.id)),
        "worker": (workers.c.id, select(workers.c.id)),
    }
)
"""The column of ids behind each prefix, and the query that reads it."""

_CUT = re.compile(rf"({'|'.join(_IDS)})_[0-9a-f]{{4,31}}")


def is_cut(text: str) -> bool:
    """Whether it is the beginning of an id: what is before the underscore, and four to 31 characters of 32."""
    return _CUT.fullmatch(text) is not None


def beginning(tx: Connection, text: str, *, limit: int) -> list[str]:
    """Up to ``limit`` ids that begin with ``text``, which :func:`is_cut`; the newest first."""
    column, query = _IDS[text.partition("_")[0]]
    past = (
        text + "g"
    )  # behind every id that begins so, in every collation; LIKE would read all ids in most
    found = query.where(column >= text, column < past)
    return list(tx.scalars(found.order_by(column.desc()).limit(limit)))
