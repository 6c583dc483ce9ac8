"""Creates the first tables: experiments and their data, workers, sweeps, idempotency keys.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GROWING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def of_experiment(table: str) -> tuple[sa.Column[Any], sa.ForeignKeyConstraint]:
    """A column with the experiment that owns the row; removing it removes the row."""
    key = sa.ForeignKeyConstraint(
        ["experiment_id"], ["experiments.id"], name=f"{table}_experiment_id_fk", ondelete="CASCADE"
    )
    return sa.Column("experiment_id", sa.Text, nullable=False), key


def upgrade() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("spec_hash", sa.Text, nullable=False),
        sa.Column("setup_hash", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Double),
        sa.Column("max_seconds", sa.Double),
        sa.Column("max_memory_mb", sa.BigInteger),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("fruitless", sa.Integer, nullable=False),
        sa.Column("worker_id", sa.Text),
        sa.Column("lease_until", sa.Double),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("failure_kind", sa.Text),
        sa.Column("failure_message", sa.Text),
        sa.Column("step", sa.BigInteger),
        sa.Column("of", sa.BigInteger),
        sa.Column("steps_per_second", sa.Double),
        sa.Column("eta_seconds", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("arrival", sa.Text),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("provenance", sa.JSON),
        sa.Column("baselines", sa.JSON),
        sa.Column("teacher_response", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="experiments_pk"),
    )
    op.create_index("experiments_newest", "experiments", ["created_at", "id"])
    op.create_index("experiments_by_state", "experiments", ["state", "created_at", "id"])
    op.create_index("experiments_by_spec", "experiments", ["spec_hash", "created_at", "id"])
    op.create_index(
        "experiments_waiting",
        "experiments",
        [sa.text("priority DESC"), "created_at", "id", "device", "not_before", "arrival"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "experiments_by_arrival",
        "experiments",
        ["arrival"],
        sqlite_where=sa.text("arrival IS NOT NULL"),
        postgresql_where=sa.text("arrival IS NOT NULL"),
    )

    op.create_table(
        "arrivals",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("heard_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="arrivals_pk"),
    )

    op.create_table(
        "tags",
        *of_experiment("tags"),
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "tag", name="tags_pk"),
    )
    op.create_index("tags_newest", "tags", ["tag", "created_at", "experiment_id"])

    op.create_table(
        "runs",
        *of_experiment("runs"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("train_loss", sa.Double),
        sa.Column("fit_error", sa.Double),
        sa.Column("extrapolation_error", sa.Double),
        sa.Column("extrapolation_error_rms", sa.Double),
        sa.Column("zero_baseline", sa.Double),
        sa.Column("relative_extrapolation_error", sa.Double),
        sa.Column("extrapolation_horizon", sa.Double),
        sa.Column("sequence_fit_error", sa.Double),
        sa.Column("sequence_extrapolation_error", sa.Double),
        sa.Column("imbalance", sa.Double),
        sa.Column("invariant_drift", sa.Double),
        sa.Column("spectral_radius", sa.Double),
        sa.Column("spectral_distance", sa.Double),
        sa.Column("effective_rank", sa.Double),
        sa.Column("state_effective_rank", sa.Double),
        sa.Column("eigenvalue_effective_rank", sa.Double),
        sa.Column("sharpness", sa.Double),
        sa.Column("time", sa.Double),
        sa.Column("flow_distance", sa.Double),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("non_finite", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "seed", name="runs_pk"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "run_arrays",
        *of_experiment("run_arrays"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "seed", name="run_arrays_pk"),
    )

    op.create_table(
        "series_chunks",
        *of_experiment("series_chunks"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("first_step", sa.BigInteger, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "number", name="series_chunks_pk"),
    )

    op.create_table(
        "checkpoints",
        *of_experiment("checkpoints"),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "slot", name="checkpoints_pk"),
    )

    op.create_table(
        "events",
        sa.Column("number", GROWING, autoincrement=True, nullable=False),
        *of_experiment("events"),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="events_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_experiment", "events", ["experiment_id", "number"])

    op.create_table(
        "logs",
        sa.Column("number", GROWING, autoincrement=True, nullable=False),
        *of_experiment("logs"),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="logs_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("logs_by_experiment", "logs", ["experiment_id", "number"])

    op.create_table(
        "workers",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("trainer_pid", sa.Integer),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("threads", sa.Integer, nullable=False),
        sa.Column("heartbeat_at", sa.Double, nullable=False),
        sa.Column("experiment_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="workers_pk"),
    )

    op.create_table(
        "sweeps",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("base", sa.JSON, nullable=False),
        sa.Column("axes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("arrival", sa.Text),
        sa.PrimaryKeyConstraint("id", name="sweeps_pk"),
    )
    op.create_index("sweeps_newest", "sweeps", ["created_at", "id"])

    op.create_table(
        "sweep_members",
        sa.Column("sweep_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name="sweep_members_sweep_id_fk", ondelete="CASCADE"),
        sa.Column("position", sa.Integer, nullable=False),
        *of_experiment("sweep_members"),
        sa.Column("coordinates", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", "position", name="sweep_members_pk"),
    )
    op.create_index("sweep_members_by_experiment", "sweep_members", ["experiment_id"])

    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.JSON),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("owner", "route", "key", name="idempotency_keys_pk"),
    )
    op.create_index("idempotency_keys_oldest", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    for table in (
        "arrivals", "idempotency_keys", "sweep_members", "sweeps", "workers", "logs", "events", "checkpoints", "series_chunks", "run_arrays", "runs", "tags",
        "experiments",
    ):
        op.drop_table(table)
