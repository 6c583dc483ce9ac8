"""The runs of a setup, pooled over its completed experiments: counts, and medians of the metrics.

Tables are sorted by them (:mod:`store.query.setup_order`). Of a seed that was run several times,
the run of the newest experiment counts.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, literal_column, select, text

from core.result import METRICS, Outcome
from store.arrays.runs import medians_of
from store.db.batches import batches
from store.db.tables import experiments, runs, setups
from store.states import State

_COLUMNS = ("experiment_id", "seed", "outcome", "non_finite", *METRICS)
_NEWEST_FIRST = (
    select(experiments.c.setup_hash, *(runs.c[name] for name in _COLUMNS))
    .join(runs, runs.c.experiment_id == experiments.c.id)
    .where(
        experiments.c.setup_hash.in_(bindparam("hashes", expanding=True)),
        experiments.c.state == literal_column(f"'{State.COMPLETED}'"),
    )
    .order_by(experiments.c.setup_hash, experiments.c.created_at.desc(), experiments.c.id.desc())
)
_LOCK = text(
    "INSERT INTO setups (setup_hash, experiments, seeds, fitted, diverged) "
    "VALUES (:setup_hash, 0, 0, 0, 0) ON CONFLICT (setup_hash) DO UPDATE SET experiments = 0"
)
_REMOVE = delete(setups).where(setups.c.setup_hash.in_(bindparam("hashes", expanding=True)))


def pool(tx: Connection, setup_hashes: Collection[str]) -> None:
    """Pools the runs of these setups anew; a setup without completed experiments has no row.

    Call it in each write that adds or removes a completed experiment. The row of each setup is
    locked until the transaction ends, so that two experiments that complete at once both count.
    """
    for hashes in batches(sorted(set(setup_hashes))):
        tx.execute(_LOCK, [{"setup_hash": setup_hash} for setup_hash in hashes])
        rows = tx.execute(_NEWEST_FIRST, {"hashes": hashes}).mappings().all()
        pooled = [
            {"setup_hash": setup_hash, **pooled_runs(list(group))}
            for setup_hash, group in groupby(rows, itemgetter("setup_hash"))
        ]
        tx.execute(_REMOVE, {"hashes": hashes})
        if pooled:
            tx.execute(insert(setups), pooled)


def pooled_runs(rows: Sequence[Any]) -> dict[str, Any]:
    """The columns of a setup, from the rows of all its runs, newest first."""
    latest: dict[int, Any] = {}
    for row in rows:
        latest.setdefault(row["seed"], row)
    counted = list(latest.values())
    outcomes = [row["outcome"] for row in counted]
    return {
        "experiments": len({row["experiment_id"] for row in rows}),
        "seeds": len(counted),
        "fitted": outcomes.count(Outcome.FITTED),
        "diverged": outcomes.count(Outcome.DIVERGED),
        **medians_of(counted),
    }
