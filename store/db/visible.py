"""Visible experiments and sweeps: all except those in a staged batch that is not yet published.

Every query that lists experiments or sweeps starts from one of these selects
(:mod:`store.experiments.staging` writes the batches).
"""

from typing import Any

from sqlalchemy import Column, Select, exists, or_, select
from sqlalchemy import ColumnElement as Condition

from store.db.tables import experiments, staged_batches, sweeps


def visible_experiments(*columns: Any) -> Select[*tuple[Any, ...]]:
    """A SELECT of columns or expressions over the visible experiments."""
    return select(*columns).select_from(experiments).where(_VISIBLE_EXPERIMENT)


def visible_sweeps(*columns: Any) -> Select[*tuple[Any, ...]]:
    """A SELECT of columns or expressions over the visible sweeps."""
    return select(*columns).select_from(sweeps).where(_VISIBLE_SWEEP)


def _published(batch_id: Column[str]) -> Condition[bool]:
    """True for rows without a batch, and of batches whose own row publishing has deleted."""
    return or_(batch_id.is_(None), ~exists().where(staged_batches.c.id == batch_id))


_VISIBLE_EXPERIMENT = _published(experiments.c.staged_batch_id)
_VISIBLE_SWEEP = _published(sweeps.c.staged_batch_id)
