"""The tags of experiments, in the order in which they were given."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from store.db.batches import batches
from store.db.tables import AnyRow, experiments, tags

_SELECT = select(tags.c.experiment_id, tags.c.tag).order_by(tags.c.position)
_SELECT_BY_IDS = _SELECT.where(tags.c.experiment_id.in_(bindparam("ids", expanding=True)))
_SELECT_BY_ID = _SELECT.where(
    tags.c.experiment_id == bindparam("id")
)  # half the time in SQLAlchemy
_INSERT = insert(tags)


def read(tx: Connection, experiment_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tags of each experiment that has any."""
    ids = list(experiment_ids)
    if len(ids) == 1:
        rows = tx.execute(_SELECT_BY_ID, {"id": ids[0]})
    else:
        rows = tx.execute(_SELECT_BY_IDS, {"ids": ids})
    tags_by_id: dict[str, list[str]] = {}
    for experiment_id, tag in rows:
        tags_by_id.setdefault(experiment_id, []).append(tag)
    return {experiment_id: tuple(names) for experiment_id, names in tags_by_id.items()}


def rows_for(
    experiment_id: str, created_at: float, names: Iterable[str], first_position: int = 0
) -> list[dict[str, Any]]:
    """Rows that give an experiment, created at that time, these tags from a position on."""
    return [
        {
            "experiment_id": experiment_id,
            "tag": tag,
            "position": position,
            "created_at": created_at,
        }
        for position, tag in enumerate(names, first_position)
    ]


def add(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows of :func:`rows_for`."""
    if rows:
        tx.execute(_INSERT, rows)


def replace(tx: Connection, new: Mapping[str, tuple[float, Sequence[str]]]) -> None:
    """Gives experiments these tags and no others: by id, when it was created, and its tags."""
    tx.execute(delete(tags).where(tags.c.experiment_id.in_([*new])))
    add(
        tx,
        [
            row
            for experiment_id, (created_at, names) in new.items()
            for row in rows_for(experiment_id, created_at, dict.fromkeys(names))
        ],
    )


def merge(tx: Connection, reused: Sequence[tuple[AnyRow, Sequence[str]]]) -> None:
    """Appends tags to existing experiments; the version of each grows if any is new."""
    for batch in batches(reused):
        tags_by_id = read(tx, [row.id for row, names in batch if names])
        added = []
        for row, names in batch:
            present = tags_by_id.get(row.id, ())
            new_names = [name for name in names if name not in present]
            added += rows_for(row.id, row.created_at, new_names, len(present))
        if added:
            add(tx, added)
            changed = {row["experiment_id"] for row in added}
            grow = update(experiments).where(experiments.c.id.in_(changed))
            tx.execute(grow.values(version=experiments.c.version + 1))
