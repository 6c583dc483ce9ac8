"""Extracts: what is exported of a page of experiments, as equally long columns.

Nothing is sampled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from core.result import METRICS, SERIES, Outcome
from store.arrays import series as chunks
from store.db.tables import experiments, runs
from store.db.visible import visible_experiments
from store.experiments import tags
from store.query.ast import Over, Statistic
from store.query.fields import FIELDS, Field, Kind
from store.query.run_ends import number
from store.query.sql import value

Columns = Mapping[str, Sequence[Any] | np.ndarray]

USUAL = (
    *(
        "name",
        "state",
        "source",
        "owner",
        "created",
        "teacher.kind",
        "teacher.dim",
        "student.kind",
        "student.dim",
    ),
    *(
        "student.structure",
        "student.start.kind",
        "student.start.scale",
        "training.length",
        "optimizer.kind",
    ),
    *("optimizer.lr", "optimizer.steps"),
)
"""Fields of an experiment that stand beside its numbers, unless others are chosen."""

ROWS = 4_000
"""Rows of one piece of series, about."""


@dataclass(frozen=True)
class Heading:
    """A column: its name, and what its values are."""

    name: str
    kind: Kind


def headings_of_runs(fields: Sequence[Field], metrics: Sequence[str]) -> list[Heading]:
    """The columns of :func:`runs_of`."""
    return [*_own(fields), *_headings("seed", "outcome", "steps", *metrics)]


def runs_of(
    tx: Connection, ids: Sequence[str], fields: Sequence[Field], metrics: Sequence[str]
) -> Columns:
    """Every run that has ended of these experiments: what the experiments are, then how it ended."""
    beside = _beside(tx, ids, fields)
    own = [runs.c.experiment_id, runs.c.seed, runs.c.outcome, runs.c.steps, runs.c.non_finite]
    query = select(*own, *(runs.c[name] for name in metrics)).where(
        runs.c.experiment_id.in_(list(ids))
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in tx.execute(query.order_by(runs.c.seed)):
        numbers = (
            number(v, row.non_finite.get(m)) for m, v in zip(metrics, row[len(own) :], strict=True)
        )
        found.setdefault(row.experiment_id, []).append((row.seed, row.outcome, row.steps, *numbers))
    rows = [(*beside[name], *run) for name in ids for run in found.get(name, ())]
    return _columns(headings_of_runs(fields, metrics), rows)


def headings_of_experiments(fields: Sequence[Field], metrics: Sequence[str]) -> list[Heading]:
    """The columns of :func:`experiments_of`."""
    counts = (Heading(name, Kind.WHOLE) for name in ("seeds", "runs", "diverged"))
    return [*_own(fields), *counts, *(Heading(f"{name}.median", Kind.REAL) for name in metrics)]


def experiments_of(
    tx: Connection, ids: Sequence[str], fields: Sequence[Field], metrics: Sequence[str]
) -> Columns:
    """Every one of these experiments: what it is, how its runs ended, and medians where they are finite."""
    beside = _beside(tx, ids, fields)
    of_one = (
        select(func.count()).where(runs.c.experiment_id == experiments.c.id).correlate(experiments)
    )
    counts = [
        of_one.scalar_subquery(),
        of_one.where(runs.c.outcome == Outcome.DIVERGED).scalar_subquery(),
    ]
    medians = [value(Over(Statistic.MEDIAN, FIELDS[name])) for name in metrics]
    query = visible_experiments(experiments.c.id, value(FIELDS["seeds"]), *counts, *medians).where(
        experiments.c.id.in_(list(ids))
    )
    found = {row[0]: tuple(row[1:]) for row in tx.execute(query)}
    return _columns(
        headings_of_experiments(fields, metrics), [(*beside[name], *found[name]) for name in ids]
    )


def headings_of_series(names: Sequence[str]) -> list[Heading]:
    """The columns of :func:`series_of`."""
    return [Heading("experiment", Kind.TEXT), *_headings("seed", "step", *names)]


def series_of(tx: Connection, experiment_id: str, names: Sequence[str]) -> Columns:
    """The recorded points of an experiment in long form, by seed and step."""
    points = chunks.read(tx, experiment_id, names=names)
    return {"experiment": [experiment_id] * len(points["step"]), **points}


def pieces_of(series: Iterable[Columns]) -> Iterator[Columns]:
    """The same rows in pieces of :data:`ROWS` or somewhat more: few large ones take much less than many small ones."""
    waiting: list[Columns] = []
    count = 0
    for columns in series:
        for begin in range(0, len(columns["step"]), ROWS):
            waiting.append({name: column[begin : begin + ROWS] for name, column in columns.items()})
            count += len(waiting[-1]["step"])
            if count >= ROWS:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(pieces: Sequence[Columns]) -> Columns:
    ids = [name for piece in pieces for name in piece["experiment"]]
    return {"experiment": ids} | {
        name: np.concatenate([piece[name] for piece in pieces])
        for name in pieces[0]
        if name != "experiment"
    }


def _own(fields: Sequence[Field]) -> Iterator[Heading]:
    yield from (Heading("experiment", Kind.TEXT), Heading("tags", Kind.TEXT))
    yield from (Heading(field.name, field.kind) for field in fields)


def _headings(*names: str) -> Iterator[Heading]:
    return (
        Heading(name, Kind.REAL if name in METRICS or name in SERIES else FIELDS[name].kind)
        for name in names
    )


def _beside(
    tx: Connection, ids: Sequence[str], fields: Sequence[Field]
) -> dict[str, tuple[Any, ...]]:
    tagged = tags.read(tx, ids)
    query = visible_experiments(experiments.c.id, *map(value, fields)).where(
        experiments.c.id.in_(list(ids))
    )
    return {
        row[0]: (row[0], "; ".join(tagged.get(row[0], ())), *row[1:]) for row in tx.execute(query)
    }


def _columns(headings: Sequence[Heading], rows: Sequence[tuple[Any, ...]]) -> Columns:
    columns = zip(*rows, strict=True) if rows else [()] * len(headings)
    return {heading.name: list(column) for heading, column in zip(headings, columns, strict=True)}
