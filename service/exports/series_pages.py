"""The series of many experiments, thinned, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from core.figures.info import diverged_seeds
from core.result import Outcome
from core.statistics import over_curves, with_band
from core.thinning import thinned
from service import schemas
from service.exports.series import Columns, rows_by_seed
from service.exports.series_columns import MAX_NUMBERS, check_cells, in_columns
from store.arrays import series
from store.query import pages
from store.query.query import ExperimentQuery
from store.records import Experiment

Item = schemas.ExperimentSeries | schemas.SeriesStatistics

READ_BATCH = 26
"""Experiments whose records are read in one statement."""


@dataclass(frozen=True)
class SeriesRequest:
    """A page of series to read.

    Attributes:
        metrics: Recorded metrics.
        max_points: Most steps of an experiment; fewer are kept of one with very many seeds.
        over_seeds: Whether to show median and quartiles over the seeds in place of each seed.
        limit: Most experiments of a page; a page ends early after :data:`MAX_NUMBERS` numbers.
        cursor: Where the page begins; None for the first.
    """

    metrics: Sequence[str]
    max_points: int
    over_seeds: bool = False
    limit: int = 50
    cursor: str | None = None


def read_page(
    tx: Connection, query: ExperimentQuery, request: SeriesRequest
) -> tuple[list[Item], str | None]:
    """The series of matching experiments in any state, and the cursor of the next page.

    Raises:
        BadCursor: The cursor does not belong to this query.
        Invalid: An experiment has too many seeds and steps for so many metrics.
    """
    items: list[Item] = []
    cursor, numbers_left = request.cursor, MAX_NUMBERS
    names = request.metrics
    for match in pages.walk(
        tx, query, cursor=request.cursor, page_size=request.limit + 1, batch_size=READ_BATCH
    ):
        if len(items) == request.limit or numbers_left <= 0:
            return items, cursor
        # the loss tells which seeds of a running experiment have diverged
        points = series.read(tx, match.experiment.id, names={*names, "train_loss"})
        make_item = _statistics if request.over_seeds else _columns
        items.append(make_item(match.experiment, points, request))
        numbers_left -= len(points["step"]) * len(names)
        cursor = match.cursor
    return items, None


def _columns(
    experiment: Experiment, points: Columns, request: SeriesRequest
) -> schemas.ExperimentSeries:
    per_step = max(1, len(np.unique(points["seed"])) * len(request.metrics))
    max_points = max(2, min(request.max_points, MAX_NUMBERS // per_step))
    columns = in_columns(points, request.metrics, max_points)
    return schemas.ExperimentSeries(**_heading(experiment), **dict(columns))


def _statistics(
    experiment: Experiment, points: Columns, request: SeriesRequest
) -> schemas.SeriesStatistics:
    """Median and quartiles over seeds, as :func:`core.statistics.over_curves` defines them."""
    rows = rows_by_seed(points["seed"])
    outcomes = {run.seed: run.outcome for run in experiment.runs if run.outcome is not None}
    diverged = [seed for seed, outcome in outcomes.items() if outcome is Outcome.DIVERGED]
    if not outcomes:
        diverged = diverged_seeds(None, points)
    steps = np.unique(points["step"])
    check_cells(len(steps) * len(rows) * len(request.metrics))
    bands = {}
    for name in request.metrics:
        curves = [(points["step"][of_seed], points[name][of_seed]) for of_seed in rows.values()]
        _, statistics = over_curves(curves, [seed in diverged for seed in rows], recorded=True)
        bands[name] = np.array(with_band(statistics, "median", "quartiles"))
    kept = thinned(steps, np.concatenate([*bands.values()]).T, request.max_points)
    return schemas.SeriesStatistics(
        **_heading(experiment),
        seeds=len(experiment.runs),
        fitted=[*outcomes.values()].count(Outcome.FITTED),
        diverged=len(diverged),
        step=steps[kept].tolist(),
        metrics={
            name: dict(zip(("median", "q1", "q3"), band[:, kept].tolist(), strict=True))
            for name, band in bands.items()
        },
        thinned=len(kept) < len(steps),
        of=len(steps),
    )


def _heading(experiment: Experiment) -> dict[str, str]:
    return {
        "experiment": experiment.id,
        "name": experiment.content["name"],
        "state": experiment.state,
    }
