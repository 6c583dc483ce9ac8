"""The rows of exports for a batch of experiments, as columns of equal length, never sampled."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from core.result import METRICS, SERIES, Outcome
from store.arrays import series
from store.db.tables import experiments, runs
from store.db.visible import visible_experiments
from store.experiments import tags
from store.query.ast import Aggregate, Statistic
from store.query.fields import FIELDS, Field, Kind
from store.query.run_ends import metric_value
from store.query.sql import value
from store.query.statistics import of_experiment

RecordBatch = Mapping[str, Sequence[Any] | np.ndarray]
"""Rows as columns of equal length, by name."""

DEFAULT_FIELDS = (
    "name",
    "state",
    "source",
    "owner",
    "created",
    "teacher.kind",
    "teacher.dim",
    "student.kind",
    "student.dim",
    "student.structure",
    "student.start.kind",
    "student.start.scale",
    "training.length",
    "optimizer.kind",
    "optimizer.lr",
    "optimizer.steps",
)
"""The fields of an experiment to export unless the request names others."""

SPEC = "spec"
"""The column of whole specs, from which an import has all that the other columns leave out."""

TAG_SEPARATOR = "; "
"""Joins the tags of an experiment."""

MAX_SPEC_BYTES = 8_000_000
"""Most bytes of specs that are read at a time, but for a single larger one."""

ROWS_PER_BATCH = 4_000
"""The approximate number of rows in a batch of series."""


@dataclass(frozen=True)
class Column:
    """The name of a column and the type of its values."""

    name: str
    kind: Kind


def run_columns(
    fields: Sequence[Field], metrics: Sequence[str], *, with_spec: bool = False
) -> list[Column]:
    """The columns of :func:`run_rows`."""
    columns = [*_experiment_columns(fields), *_run_columns("seed", "outcome", "steps", *metrics)]
    return [*columns, Column(SPEC, Kind.TEXT)] if with_spec else columns


def run_rows(
    tx: Connection,
    ids: Sequence[str],
    fields: Sequence[Field],
    metrics: Sequence[str],
    *,
    with_spec: bool = False,
) -> RecordBatch:
    """A row for each ended run of the experiments: the experiment's fields, then how it ended.

    Args:
        tx: An open transaction.
        ids: The experiments.
        fields: The fields of each to show.
        metrics: The metrics of each run to show.
        with_spec: Whether each experiment's first row ends with its whole spec as JSON.
    """
    specs = _specs(tx, ids) if with_spec else {}
    prefixes = _field_values(tx, ids, fields)
    c = runs.c
    columns = [c.experiment_id, c.seed, c.outcome, c.steps, c.non_finite]
    query = select(*columns, *(c[name] for name in metrics))
    query = query.where(c.experiment_id.in_(list(ids))).order_by(c.seed)
    ended: dict[str, list[tuple[Any, ...]]] = {}
    for row in tx.execute(query):
        values = (
            metric_value(stored, row.non_finite.get(name))
            for name, stored in zip(metrics, row[len(columns) :], strict=True)
        )
        ended.setdefault(row.experiment_id, []).append((row.seed, row.outcome, row.steps, *values))
    rows = [
        (*prefixes[name], *run, *((None if place else specs[name],) if with_spec else ()))
        for name in ids
        for place, run in enumerate(ended.get(name, ()))
    ]
    return _transposed(run_columns(fields, metrics, with_spec=with_spec), rows)


def by_spec_size(tx: Connection, ids: Sequence[str]) -> Iterator[list[str]]:
    """The ids in parts whose specs have at most :data:`MAX_SPEC_BYTES` together."""
    c = experiments.c
    query = select(c.id, func.length(cast(c.spec, Text))).where(c.id.in_(list(ids)))
    sizes = {row[0]: row[1] for row in tx.execute(query)}
    part: list[str] = []
    for name in ids:
        if part and sum(sizes[one] for one in (*part, name)) > MAX_SPEC_BYTES:
            yield part
            part = []
        part.append(name)
    if part:
        yield part


def _specs(tx: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Each experiment's spec without its seeds, as JSON, by id."""
    c, tags_of = experiments.c, tags.read(tx, ids)
    query = visible_experiments(c.id, c.name, c.notes, c.spec).where(c.id.in_(list(ids)))
    specs: dict[str, str] = {}
    for row in tx.execute(query):
        described = {"name": row.name, "tags": tags_of.get(row.id, ()), "notes": row.notes}
        content = {name: part for name, part in row.spec.items() if name != "seeds"}
        specs[row.id] = to_json(described | content).decode()
    return specs


def experiment_columns(fields: Sequence[Field], metrics: Sequence[str]) -> list[Column]:
    """The columns of :func:`experiment_rows`."""
    counts = (Column(name, Kind.WHOLE) for name in ("seeds", "runs", "fitted", "diverged"))
    medians = (Column(f"{name}.median", Kind.REAL) for name in metrics)
    return [*_experiment_columns(fields), *counts, *medians]


def experiment_rows(
    tx: Connection, ids: Sequence[str], fields: Sequence[Field], metrics: Sequence[str]
) -> RecordBatch:
    """A row for each experiment: its fields, counts of its runs, and finite medians."""
    prefixes = _field_values(tx, ids, fields)
    ended = select(func.count()).where(of_experiment(runs)).correlate(experiments)
    by_outcome = (
        ended.where(runs.c.outcome == outcome) for outcome in (Outcome.FITTED, Outcome.DIVERGED)
    )
    counts = (count.scalar_subquery() for count in (ended, *by_outcome))
    medians = [_median(name) for name in metrics]
    query = visible_experiments(experiments.c.id, value(FIELDS["seeds"]), *counts, *medians)
    query = query.where(experiments.c.id.in_(list(ids)))
    suffixes = {row[0]: tuple(row[1:]) for row in tx.execute(query)}
    rows = [(*prefixes[name], *suffixes[name]) for name in ids]
    return _transposed(experiment_columns(fields, metrics), rows)


@cache  # building it takes longer than SQLite takes to compute it for a page
def _median(metric: str) -> ColumnElement[Any]:
    return value(Aggregate(Statistic.MEDIAN, FIELDS[metric]))


def series_columns(names: Sequence[str]) -> list[Column]:
    """The columns of :func:`series_rows`."""
    return [Column("experiment", Kind.TEXT), *_run_columns("seed", "step", *names)]


def series_rows(tx: Connection, experiment_id: str, names: Sequence[str]) -> RecordBatch:
    """The recorded points of an experiment in long form, by seed and step."""
    points = series.read(tx, experiment_id, names=names)
    return {"experiment": [experiment_id] * len(points["step"]), **points}


def rebatch(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """The same rows in batches of at least :data:`ROWS_PER_BATCH`, which are faster to encode."""
    pending: list[RecordBatch] = []
    row_count = 0
    for batch in batches:
        for start in range(0, len(batch["step"]), ROWS_PER_BATCH):
            end = start + ROWS_PER_BATCH
            pending.append({name: column[start:end] for name, column in batch.items()})
            row_count += len(pending[-1]["step"])
            if row_count >= ROWS_PER_BATCH:
                yield _concatenated(pending)
                pending, row_count = [], 0
    if pending:
        yield _concatenated(pending)


def _concatenated(batches: Sequence[RecordBatch]) -> RecordBatch:
    ids = [experiment_id for batch in batches for experiment_id in batch["experiment"]]
    arrays = {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
        if name != "experiment"
    }
    return {"experiment": ids, **arrays}


def _experiment_columns(fields: Sequence[Field]) -> Iterator[Column]:
    yield from (Column("experiment", Kind.TEXT), Column("tags", Kind.TEXT))
    yield from (Column(field.name, field.kind) for field in fields)


def _run_columns(*names: str) -> Iterator[Column]:
    for name in names:
        is_measured = name in METRICS or name in SERIES
        yield Column(name, Kind.REAL if is_measured else FIELDS[name].kind)


def _field_values(
    tx: Connection, ids: Sequence[str], fields: Sequence[Field]
) -> dict[str, tuple[Any, ...]]:
    """Each experiment's id, tags and field values, by id."""
    tags_of = tags.read(tx, ids)
    query = visible_experiments(experiments.c.id, *map(value, fields)).where(
        experiments.c.id.in_(list(ids))
    )
    return {
        row[0]: (row[0], TAG_SEPARATOR.join(tags_of.get(row[0], ())), *row[1:])
        for row in tx.execute(query)
    }


def _transposed(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> RecordBatch:
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return {column.name: list(cells) for column, cells in zip(columns, values, strict=True)}
