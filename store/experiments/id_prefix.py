"""Ids cut short: the ids that begin so."""

import re
from types import MappingProxyType

from sqlalchemy import Connection, select, true

from store.db.tables import experiments, figures, sweeps, workers
from store.experiments.staging import seen

_TABLES = MappingProxyType({"exp": experiments, "swp": sweeps, "fig": figures, "worker": workers})
_CUT = re.compile(rf"({'|'.join(_TABLES)})_[0-9a-f]{{4,31}}")


def is_cut(text: str) -> bool:
    """Whether it is the beginning of an id: what is before the underscore, and four to 31 characters of 32."""
    return _CUT.fullmatch(text) is not None


def beginning(tx: Connection, text: str, *, limit: int) -> list[str]:
    """Up to ``limit`` ids that begin with ``text``, which :func:`is_cut`; the newest first."""
    table = _TABLES[text.partition("_")[0]]
    there = seen(table.c.staged_batch_id) if "staged_batch_id" in table.c else true()
    past = (
        text + "g"
    )  # behind every id that begins so, in every collation; LIKE would read all ids in most
    found = select(table.c.id).where(table.c.id >= text, table.c.id < past, there)
    return list(tx.scalars(found.order_by(table.c.id.desc()).limit(limit)))
