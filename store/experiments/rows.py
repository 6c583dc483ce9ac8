"""Rows of the table of experiments, and the :class:`store.records.Experiment` made of each."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam

from store.arrays import runs
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.errors import NotFound
from store.experiments import tags
from store.records import Experiment, Failure, FailureKind, Progress, RunRecord
from store.states import State

EXPERIMENT_COLUMNS = [
    column.label(column.key)  # rows are otherwise keyed by the columns' SQL names
    for column in experiments.c
    if column.key not in {"staged_batch_id", "teacher_response", "baselines"}
]
"""The columns of an :class:`Experiment`: all but staging and the parts of its result."""

ID = re.compile(r"exp_[0-9a-f]{32}")
"""The format of an id. Other text never reaches the database, which may be unable to hold it."""


def get(tx: Connection, experiment_id: str, *columns: Any, lock: bool = False) -> AnyRow:
    """The row of an experiment, with the given columns.

    Args:
        tx: An open transaction.
        experiment_id: The experiment.
        columns: The columns to read.
        lock: Keep others from changing it until the transaction ends.

    Raises:
        NotFound: There is no such experiment.
    """
    row = None
    if ID.fullmatch(experiment_id):
        row = tx.execute(_select_by_id(columns, lock=lock), {"id": experiment_id}).first()
    if row is None:
        raise NotFound("experiment", experiment_id)
    return row


@cache  # SQLAlchemy takes longer to build a statement than SQLite to answer it
def _select_by_id(columns: tuple[Any, ...], *, lock: bool) -> Select[*tuple[Any, ...]]:
    query = visible_experiments(*columns).where(experiments.c.id == bindparam("id"))
    return query.with_for_update() if lock else query


def existing_ids(tx: Connection, ids: Sequence[str]) -> list[str]:
    """The ids that experiments still have, in the given order."""
    query = visible_experiments(experiments.c.id).where(experiments.c.id.in_(list(ids)))
    existing = set(tx.scalars(query))
    return [experiment_id for experiment_id in ids if experiment_id in existing]


def get_many(tx: Connection, ids: Sequence[str]) -> list[AnyRow]:
    """The rows of existing experiments, in the order of ``ids``."""
    query = visible_experiments(*EXPERIMENT_COLUMNS).where(experiments.c.id.in_(list(ids)))
    row_by_id = {row.id: row for row in tx.execute(query)}
    return [row_by_id[experiment_id] for experiment_id in ids]


def to_experiments(tx: Connection, rows: Sequence[AnyRow]) -> list[Experiment]:
    """The experiments of the rows; one query reads the tags of all, and one their runs."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    run_records, tags_by_id = runs.read_records(tx, ids), tags.read(tx, ids)
    return [
        _experiment(row, tags_by_id.get(row.id, ()), run_records.get(row.id, {})) for row in rows
    ]


def _experiment(
    row: AnyRow, tag_names: tuple[str, ...], run_records: dict[int, RunRecord]
) -> Experiment:
    failure = progress = None
    if row.failure_kind is not None:
        failure = Failure(FailureKind(row.failure_kind), row.failure_message)
    if row.step is not None:
        progress = Progress(row.step, row.of, row.steps_per_second, row.eta_seconds)
    return Experiment(
        id=row.id,
        content={"name": row.name, "tags": tag_names, "notes": row.notes, **row.spec},
        spec_hash=row.spec_hash,
        setup_hash=row.setup_hash,
        state=State(row.state),
        owner=row.owner,
        priority=row.priority,
        not_before=row.not_before,
        max_seconds=row.max_seconds,
        max_memory_mb=row.max_memory_mb,
        device=None if row.device == "auto" else row.device,
        attempts=row.attempt,
        failure=failure,
        progress=progress,
        cancel_requested=row.cancel_requested,
        pause_requested=row.pause_requested,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        version=row.version,
        warnings=tuple(row.warnings),
        provenance=row.provenance,
        runs=tuple(run_records.get(seed, RunRecord(seed)) for seed in row.spec["seeds"]),
    )
