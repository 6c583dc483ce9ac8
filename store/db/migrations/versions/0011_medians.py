"""Stores the median of each metric over the runs of an experiment, by which one searches.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from core.statistics import as_counted, median

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

METRICS = [
    "train_loss",
    "fit_error",
    "extrapolation_error",
    "extrapolation_error_rms",
    "zero_baseline",
    "relative_extrapolation_error",
    "extrapolation_horizon",
    "sequence_fit_error",
    "sequence_extrapolation_error",
    "imbalance",
    "invariant_drift",
    "spectral_radius",
    "spectral_distance",
    "effective_rank",
    "state_effective_rank",
    "eigenvalue_effective_rank",
    "sharpness",
    "gauss_newton_sharpness",
    "time",
    "steps_to_fit",
    "time_to_fit",
    "plateaus",
    "plateau_steps",
    "plateau_time",
    "plateau_loss",
    "flow_distance",
]
EXPERIMENTS_PER_BATCH = 2_000

runs = sa.table(
    "runs",
    *map(sa.column, ("experiment_id", "outcome", *METRICS)),
    sa.column("non_finite", sa.JSON),
)


def upgrade() -> None:
    medians = op.create_table(
        "medians",
        sa.Column(
            "experiment_id",
            sa.Text,
            sa.ForeignKey("experiments.id", name="medians_experiment_id_fk", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        *(sa.Column(name, sa.Double) for name in METRICS),
        sqlite_with_rowid=False,
    )
    tx = op.get_bind()
    for batch in _batches(tx):
        tx.execute(sa.insert(medians), batch)


def downgrade() -> None:
    op.drop_table("medians")


def _batches(tx: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    ended = sa.select(runs).order_by(runs.c.experiment_id)
    rows = tx.execute(ended, execution_options={"yield_per": 5_000})
    of_experiments = ((name, list(group)) for name, group in groupby(rows, itemgetter(0)))
    while batch := list(islice(of_experiments, EXPERIMENTS_PER_BATCH)):
        yield [_medians(name, group) for name, group in batch]


def _medians(experiment_id: str, group: list[Any]) -> dict[str, Any]:
    numbers = np.array(
        [[row.non_finite.get(name, getattr(row, name)) for name in METRICS] for row in group],
        float,
    )
    diverged = np.array([row.outcome == "diverged" for row in group])
    values = median(as_counted(numbers, diverged, METRICS)).tolist()
    finite = [value if np.isfinite(value) else None for value in values]
    return {"experiment_id": experiment_id, **dict(zip(METRICS, finite, strict=True))}
