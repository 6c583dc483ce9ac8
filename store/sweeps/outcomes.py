"""How the runs of a whole sweep ended: a few numbers of each, and none of their arrays."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, func

from core.result import Outcome
from store.db.tables import experiments, runs, sweep_members
from store.db.visible import visible_experiments
from store.states import State


def seeds(tx: Connection, sweep_id: str) -> dict[str, int]:
    """How many seeds each experiment of a sweep has."""
    length = func.json_array_length(experiments.c.spec["seeds"])
    query = visible_experiments(experiments.c.id, length).join(
        sweep_members, sweep_members.c.experiment_id == experiments.c.id
    )
    rows = tx.execute(query.where(sweep_members.c.sweep_id == sweep_id))
    return {name: count for name, count in rows}  # noqa: C416  # a row is no pair to mypy


def outcomes(tx: Connection, sweep_id: str, metrics: Sequence[str]) -> dict[str, np.ndarray]:
    """What the runs of a sweep's completed experiments ended with.

    Returns:
        By experiment (S, 1 + metrics): whether the seed diverged, then the metrics; a diverged
        seed's are infinite.
    """
    columns = [runs.c[name] for name in metrics]
    query = (
        visible_experiments(runs.c.experiment_id, runs.c.outcome, runs.c.non_finite, *columns)
        .join(runs, runs.c.experiment_id == experiments.c.id)
        .join(sweep_members, sweep_members.c.experiment_id == experiments.c.id)
        .where(sweep_members.c.sweep_id == sweep_id, experiments.c.state == State.COMPLETED)
        .order_by(runs.c.seed)
    )
    found: dict[str, list[list[float]]] = {}
    for name, outcome, words, *values in tx.execute(query):
        if outcome == Outcome.DIVERGED:
            numbers = [1.0] + [np.inf] * len(values)
        else:
            numbers = [
                0.0,
                *(_number(v, words.get(m)) for m, v in zip(metrics, values, strict=True)),
            ]
        found.setdefault(name, []).append(numbers)
    return {name: np.array(rows) for name, rows in found.items()}


def _number(value: float | None, word: str | None) -> float:
    return value if value is not None else float(word) if word else np.nan
