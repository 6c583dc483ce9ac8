"""The tags of experiments, in the order in which they were given."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select

from store.db.tables import tags

_READ = select(tags.c.experiment_id, tags.c.tag).order_by(tags.c.position)
_OF_EXPERIMENTS = _READ.where(tags.c.experiment_id.in_(bindparam("ids", expanding=True)))
_OF_ONE = _READ.where(tags.c.experiment_id == bindparam("id"))  # takes SQLAlchemy half the time


def write(tx: Connection, experiment_id: str, created_at: float, names: Sequence[str]) -> None:
    """Gives an experiment these tags and no others; ``created_at`` is the experiment's."""
    tx.execute(delete(tags).where(tags.c.experiment_id == experiment_id))
    if names:
        tx.execute(
            insert(tags),
            [
                {
                    "experiment_id": experiment_id,
                    "tag": tag,
                    "position": position,
                    "created_at": created_at,
                }
                for position, tag in enumerate(dict.fromkeys(names))
            ],
        )


def read(tx: Connection, experiment_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tags of each experiment that has any."""
    ids, found = list(experiment_ids), dict[str, list[str]]()
    rows = (
        tx.execute(_OF_ONE, {"id": ids[0]})
        if len(ids) == 1
        else tx.execute(_OF_EXPERIMENTS, {"ids": ids})
    )
    for experiment_id, tag in rows:
        found.setdefault(experiment_id, []).append(tag)
    return {experiment_id: tuple(names) for experiment_id, names in found.items()}
