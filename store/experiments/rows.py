"""Rows of the table of experiments made into :class:`store.records.Experiment`, a page at a time."""

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

SHORT = [
    column.label(column.key)  # rows are otherwise keyed by the columns' SQL names
    for column in experiments.c
    if column.key not in {"staged_batch_id", "teacher_response", "baselines"}
]
"""What an :class:`Experiment` is made of: everything but the parts of its result."""

ID = re.compile(r"exp_[0-9a-f]{32}")
"""Every id. What doesn't look so is not sent to the database, which may be unable to hold it."""


def one(tx: Connection, experiment_id: str, *columns: Any, lock: bool = False) -> AnyRow:
    """The row of one experiment, with the given columns.

    Args:
        tx: An open transaction.
        experiment_id: Which one.
        columns: The columns to read.
        lock: Keep others from changing it until the transaction ends.

    Raises:
        NotFound: There is none.
    """
    query = _query(columns, lock=lock)
    row = (
        tx.execute(query, {"wanted": experiment_id}).first()
        if ID.fullmatch(experiment_id)
        else None
    )
    if row is None:
        raise NotFound("experiment", experiment_id)
    return row


@cache  # SQLAlchemy takes longer to build a statement than SQLite to answer it
def _query(columns: tuple[Any, ...], *, lock: bool) -> Select[*tuple[Any, ...]]:
    query = visible_experiments(*columns).where(experiments.c.id == bindparam("wanted"))
    return query.with_for_update() if lock else query


def those(tx: Connection, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are still there, in their order."""
    present = set(
        tx.scalars(visible_experiments(experiments.c.id).where(experiments.c.id.in_(list(ids))))
    )
    return [name for name in ids if name in present]


def several(tx: Connection, ids: Sequence[str]) -> list[AnyRow]:
    """The rows of a page's experiments, in the order of ``ids``."""
    found = {
        row.id: row
        for row in tx.execute(visible_experiments(*SHORT).where(experiments.c.id.in_(list(ids))))
    }
    return [found[name] for name in ids]


def load(tx: Connection, rows: Sequence[AnyRow]) -> list[Experiment]:
    """The experiments of the rows, in their order; tags and runs are read in one query each for all of them."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    ended, tagged = runs.read_records(tx, ids), tags.read(tx, ids)
    return [_experiment(row, tagged.get(row.id, ()), ended.get(row.id, {})) for row in rows]


def _experiment(row: AnyRow, tagged: tuple[str, ...], ended: dict[int, RunRecord]) -> Experiment:
    return Experiment(
        id=row.id,
        content={"name": row.name, "tags": tagged, "notes": row.notes, **row.spec},
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
        failure=None
        if row.failure_kind is None
        else Failure(FailureKind(row.failure_kind), row.failure_message),
        progress=None
        if row.step is None
        else Progress(row.step, row.of, row.steps_per_second, row.eta_seconds),
        cancel_requested=row.cancel_requested,
        pause_requested=row.pause_requested,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        version=row.version,
        warnings=tuple(row.warnings),
        provenance=row.provenance,
        runs=tuple(ended.get(seed, RunRecord(seed)) for seed in row.spec["seeds"]),
    )
