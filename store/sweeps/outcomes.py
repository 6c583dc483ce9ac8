"""How the runs of a whole sweep ended: a few numbers of each, and none of their arrays."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, func

from core.result import Outcome
from core.statistics import as_counted
from store.db.tables import experiments, runs, sweep_members
from store.db.visible import visible_experiments
from store.query.run_ends import number
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
        By experiment (S, 1 + metrics): whether the seed diverged, then the metrics as statistics
        count them (:func:`core.statistics.as_counted`).
    """
    columns = [runs.c[name] for name in metrics]
    query = (
        visible_experiments(runs.c.experiment_id, runs.c.outcome, runs.c.non_finite, *columns)
        .join(runs, runs.c.experiment_id == experiments.c.id)
        .join(sweep_members, sweep_members.c.experiment_id == experiments.c.id)
        .where(sweep_members.c.sweep_id == sweep_id, experiments.c.state == State.COMPLETED)
        .order_by(runs.c.seed)
    )
    rows_by_experiment: dict[str, list[list[float]]] = {}
    for experiment_id, outcome, words, *values in tx.execute(query):
        numbers = [number(v, words.get(m)) for m, v in zip(metrics, values, strict=True)]
        rows = rows_by_experiment.setdefault(experiment_id, [])
        rows.append([float(outcome == Outcome.DIVERGED), *numbers])
    outcomes_by_experiment = {}
    for experiment_id, rows in rows_by_experiment.items():
        table = np.array(rows)
        table[:, 1:] = as_counted(table[:, 1:], table[:, 0] == 1.0, metrics)
        outcomes_by_experiment[experiment_id] = table
    return outcomes_by_experiment
