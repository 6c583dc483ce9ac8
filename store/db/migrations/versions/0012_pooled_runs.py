"""Stores the medians of each setup, by which tables are sorted, and the memory of each slot.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from core.statistics import as_counted, median

revision = "0012"
down_revision = "0011"
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
COUNTS = ["experiments", "seeds", "fitted", "diverged"]
SETUPS_PER_BATCH = 2_000

BY_SETUP = ["setup_hash", "created_at", "id", "arrival", "state"]
FIELDS = [
    "spec_teacher_kind",
    "spec_teacher_dim",
    "spec_student_kind",
    "spec_student_dim",
    "spec_student_structure",
    "spec_student_start_kind",
    "spec_student_start_scale",
    "spec_training_length",
    "spec_optimizer_kind",
    "spec_optimizer_lr",
    "spec_optimizer_steps",
    "owner",
    "failure_kind",
    "device",
    "name",
]

NEWEST = ["created_at", "id", "arrival", *FIELDS[:11], "state", *FIELDS[11:14]]

experiments = sa.table(
    "experiments", *map(sa.column, ("id", "setup_hash", "state", "created_at"))
)
runs = sa.table(
    "runs",
    *map(sa.column, ("experiment_id", "seed", "outcome", *METRICS)),
    sa.column("non_finite", sa.JSON),
)


def upgrade() -> None:
    setups = op.create_table(
        "setups",
        sa.Column("setup_hash", sa.Text, primary_key=True, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Double) for name in METRICS),
        sqlite_with_rowid=False,
    )
    tx = op.get_bind()
    for batch in _batches(tx):
        tx.execute(sa.insert(setups), batch)
    _index_by_setup([*BY_SETUP, *FIELDS])
    for name in ("memory_mb", "peak_memory_mb"):
        op.add_column("workers", sa.Column(name, sa.Double))


def downgrade() -> None:
    for name in ("peak_memory_mb", "memory_mb"):
        op.drop_column("workers", name)
    _index_by_setup(BY_SETUP)
    op.drop_table("setups")


def _index_by_setup(columns: list[str]) -> None:
    indexes = {
        "experiments_by_setup": columns,
        "experiments_newest": NEWEST,  # anew: of two that serve alike, SQLite takes the later one
    }
    for name, of_index in indexes.items():
        op.drop_index(name, "experiments")
        op.create_index(name, "experiments", of_index)


def _batches(tx: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    e = experiments.c
    newest_first = (
        sa.select(e.setup_hash, runs)
        .join(runs, runs.c.experiment_id == e.id)
        .where(e.state == "completed")
        .order_by(e.setup_hash, e.created_at.desc(), e.id.desc())
    )
    rows = tx.execute(newest_first, execution_options={"yield_per": 5_000})
    of_setups = ((name, list(group)) for name, group in groupby(rows, itemgetter(0)))
    while batch := list(islice(of_setups, SETUPS_PER_BATCH)):
        yield [_pooled(name, group) for name, group in batch]


def _pooled(setup_hash: str, group: list[Any]) -> dict[str, Any]:
    latest: dict[int, Any] = {}
    for row in group:
        latest.setdefault(row.seed, row)
    counted = list(latest.values())
    outcomes = [row.outcome for row in counted]
    numbers = np.array(
        [[row.non_finite.get(name, getattr(row, name)) for name in METRICS] for row in counted],
        float,
    )
    diverged = np.array([outcome == "diverged" for outcome in outcomes])
    values = median(as_counted(numbers, diverged, METRICS)).tolist()
    finite = [value if np.isfinite(value) else None for value in values]
    return {
        "setup_hash": setup_hash,
        "experiments": len({row.experiment_id for row in group}),
        "seeds": len(counted),
        "fitted": outcomes.count("fitted"),
        "diverged": outcomes.count("diverged"),
        **dict(zip(METRICS, finite, strict=True)),
    }
