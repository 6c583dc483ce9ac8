"""The tables, the same on SQLite and PostgreSQL.

The migrations in :mod:`store.db.migrations` create them, as a test checks. Floats have double
precision; times are Unix seconds. Non-finite numbers, which not every database can store, are words
in ``non_finite``. Some columns have a Python name (``key``) apart from their older SQL name. Arrays
are blobs of :mod:`core.arrays` in the last column of a table, so that reading the other columns
skips them.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    event,
    text,
)

from core.result import METRICS
from store.db import indexed_fields
from store.db.columns import LossyText, OnPostgresql

AnyRow = Row[*tuple[Any, ...]]
"""A row with any columns of these tables."""


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("spec", JSON, nullable=False),  # without name, tags and notes, which can be edited
    Column("spec_hash", Text, nullable=False),
    Column("setup_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("not_before", Double),
    Column("max_seconds", Double),
    Column("max_memory_mb", BigInteger),
    Column("device", Text, nullable=False),  # auto until the first claim
    Column("attempt", Integer, nullable=False),  # grows with every claim, as a fence
    Column("trained_seconds", Double, nullable=False, server_default="0"),  # in all its attempts
    Column("fruitless", Integer, key="attempts_without_progress", nullable=False),
    Column("worker_id", Text),
    Column("lease_until", Double),
    Column("cancel_requested", Boolean, nullable=False),
    Column("pause_requested", Boolean, nullable=False),
    Column("failure_kind", Text),
    Column("failure_message", LossyText),
    Column("step", BigInteger),
    Column("of", BigInteger),
    Column("steps_per_second", Double),
    Column("eta_seconds", Double),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("version", Integer, nullable=False),
    Column("arrival", Text, key="staged_batch_id"),  # hidden while staged_batches has this id
    Column("warnings", JSON, nullable=False),
    Column("provenance", JSON(none_as_null=True)),
    Column("baselines", JSON(none_as_null=True)),
    *indexed_fields.columns(),
    Column("teacher_response", LargeBinary),
    Index(
        "experiments_newest",
        "created_at",
        "id",
        "staged_batch_id",
        *map(indexed_fields.column_name, indexed_fields.INDEXED_FIELDS),
        "state",
        "owner",
        "failure_kind",
        "device",
    ),
    Index("experiments_by_state", "state", "created_at", "id", "staged_batch_id"),
    Index("experiments_by_spec", "spec_hash", "created_at", "id"),
    Index("experiments_by_name", "name", "created_at", "id"),
    Index(
        "experiments_by_setup",
        "setup_hash",
        "created_at",
        "id",
        "staged_batch_id",
        "state",
        *map(indexed_fields.column_name, indexed_fields.INDEXED_FIELDS),
        "owner",
        "failure_kind",
        "device",
        "name",
    ),
)
Index(
    "experiments_waiting",
    # constant in this partial index; without it SQLite prefers the index by state
    experiments.c.state,
    experiments.c.priority.desc(),
    experiments.c.owner,
    experiments.c.created_at,
    experiments.c.id,
    experiments.c.device,
    experiments.c.not_before,
    experiments.c.staged_batch_id,
    sqlite_where=text("state = 'queued'"),
)
Index(
    "experiments_by_arrival",
    experiments.c.staged_batch_id,
    sqlite_where=text("arrival IS NOT NULL"),
)


@event.listens_for(Table, "before_create")
def _repeat_conditions(table: Table, connection: Connection, **_options: Any) -> None:
    """Gives PostgreSQL the conditions of partial indices, too.

    Named with the indices, they would load its dialect in every lab on SQLite: two megabytes.
    """
    if connection.dialect.name == "postgresql":
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


staged_batches = Table(
    "arrivals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("heard_at", Double, key="touched_at"),  # null once it is abandoned
)


def _experiment_id(**options: Any) -> Column[str]:
    return Column(
        "experiment_id",
        Text,
        ForeignKey("experiments.id", ondelete="CASCADE"),
        nullable=False,
        **options,
    )


tags = Table(
    "tags",
    metadata,
    _experiment_id(primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("created_at", Double, nullable=False),  # the experiment's, so that one index has both
    Index("tags_newest", "tag", "created_at", "experiment_id"),
)

runs = Table(
    "runs",
    metadata,
    _experiment_id(primary_key=True),
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", Text, nullable=False),
    Column("steps", BigInteger, nullable=False),
    *(Column(name, Double) for name in METRICS),
    Column("warnings", JSON, nullable=False),
    Column("non_finite", JSON, nullable=False),  # {metric: "NaN" | "Infinity" | "-Infinity"}
    sqlite_with_rowid=False,  # stores the runs of an experiment together, for fast scans
)

medians = Table(
    "medians",
    metadata,
    _experiment_id(primary_key=True),
    *(Column(name, Double) for name in METRICS),  # over all runs; null unless finite
    sqlite_with_rowid=False,
)

setups = Table(
    "setups",
    metadata,
    Column("setup_hash", Text, primary_key=True),
    Column("experiments", Integer, nullable=False),  # completed ones, whose runs are pooled
    Column("seeds", Integer, nullable=False),
    Column("fitted", Integer, nullable=False),
    Column("diverged", Integer, nullable=False),
    *(Column(name, Double) for name in METRICS),  # medians over all seeds; null unless finite
    sqlite_with_rowid=False,
)

run_arrays = Table(
    "run_arrays",
    metadata,
    _experiment_id(primary_key=True),
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)

series_chunks = Table(
    "series_chunks",
    metadata,
    _experiment_id(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("first_step", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _experiment_id(primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),  # series chunks stored before it
    Column("sha256", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column(
        "number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    _experiment_id(),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", JSON, nullable=False),
    # 0 on SQLite, whose events are committed in the order of their numbers
    Column("txid", BigInteger, nullable=False, server_default=OnPostgresql("txid_current()")),
    Column(
        "oldest_txid",  # no event of an earlier transaction was still to be committed
        BigInteger,
        nullable=False,
        server_default=OnPostgresql("txid_snapshot_xmin(txid_current_snapshot())"),
    ),
    Index("events_by_experiment", "experiment_id", "number"),
    Index("events_by_txid", "txid", sqlite_where=text("txid > 0")),
    sqlite_autoincrement=True,
)

logs = Table(
    "logs",
    metadata,
    Column(
        "number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    _experiment_id(),
    Column("attempt", Integer, nullable=False),
    Column("text", LossyText, nullable=False),
    Index("logs_by_experiment", "experiment_id", "number"),
    sqlite_autoincrement=True,
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("trainer_pid", Integer),
    Column("device", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("experiment_id", Text),
    Column("draining", Boolean, nullable=False),
    Column("memory_mb", Double),
    Column("peak_memory_mb", Double),  # since its last training began
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("base", JSON, nullable=False),
    Column("axes", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("version", Integer, nullable=False),  # grows when the sweep is extended
    Column("arrival", Text, key="staged_batch_id"),  # as in experiments
    Index("sweeps_newest", "created_at", "id"),
    Index("sweeps_by_name", "name", "created_at", "id"),
)

sweep_members = Table(
    "sweep_members",
    metadata,
    Column("sweep_id", Text, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _experiment_id(),
    Column("coordinates", JSON, nullable=False),  # {path: value} on the sweep's axes
    Index("sweep_members_by_experiment", "experiment_id"),
)
