"""Abbreviated ids, and the full ids that they match."""

import re
from types import MappingProxyType

from sqlalchemy import Connection, select

from store.db.tables import experiments, figures, sweeps, workers
from store.db.visible import visible_experiments, visible_sweeps

_QUERIES = MappingProxyType(
    {
        "exp": (experiments.c.id, visible_experiments(experiments.c.id)),
        "swp": (sweeps.c.id, visible_sweeps(sweeps.c.id)),
        "fig": (figures.c.id, select(figures.c.id)),
        "worker": (workers.c.id, select(workers.c.id)),
    }
)
"""The column of each kind of id, and the query that reads it."""

_PREFIX = re.compile(rf"({'|'.join(_QUERIES)})_[0-9a-f]{{4,31}}")


def is_prefix(text: str) -> bool:
    """Whether it abbreviates an id: its kind, and 4 to 31 of its 32 hexadecimal digits."""
    return _PREFIX.fullmatch(text) is not None


def ids_with_prefix(tx: Connection, prefix: str, *, limit: int) -> list[str]:
    """Up to ``limit`` ids with a prefix that satisfies :func:`is_prefix`, newest first."""
    column, query = _QUERIES[prefix.partition("_")[0]]
    end = prefix + "g"  # after all hexadecimal digits in every collation; LIKE may scan the table
    matching = query.where(column >= prefix, column < end)
    return list(tx.scalars(matching.order_by(column.desc()).limit(limit)))
