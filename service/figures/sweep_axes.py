"""The axes of a sweep: which of them a figure or grid shows, and its experiments as cells there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import numpy as np
from fastapi import Query

from core.errors import Problem
from core.figures.coordinates import is_number, key
from core.figures.recipes.cells import Cell
from core.recipe import DEFAULT_METRIC
from core.result import METRICS
from core.spec.axis import nested
from core.spec.drawn_axis import DrawnAxis
from service.figures.limits import MAX_CELLS_PER_AXIS, MAX_LINES
from service.figures.plan import REPEATED
from service.http.errors import Invalid, unknown
from store.query.errors import BadQuery
from store.query.query import ExperimentQuery
from store.query.run_ends import CompletedRuns
from store.sweeps.repository import Member, Sweep

Axis = Annotated[
    str | None, Query(description="Path of an axis of the sweep, such as `training.length`.")
]


def filter_of(sweep_id: str) -> str:
    """The filter that matches the experiments of a sweep."""
    return f"sweep:{sweep_id}"


def query(sweep_id: str) -> ExperimentQuery:
    """The query that finds the experiments of a sweep."""
    return ExperimentQuery.parse(filter_of(sweep_id))


@contextmanager
def reading_runs() -> Iterator[None]:
    """Refuses a sweep with more runs than one answer may hold, in words about the sweep.

    Raises:
        Invalid: The block raised BadQuery.
    """
    try:
        yield
    except BadQuery as error:
        problem = error.problems[0]
        message = "the sweep has too many runs for one answer: use /v1/export"
        raise Invalid(replace(problem, pointer="/path/id", message=message)) from None


def cells(
    members: Sequence[Member],
    runs: Mapping[str, CompletedRuns],
    x: str,
    series: str | None,
    *,
    column: int = 0,
) -> list[Cell]:
    """The members at their coordinates on two axes, each with one metric of its runs.

    Args:
        members: The members of the sweep.
        runs: The runs of each completed experiment.
        x: The path of the first axis.
        series: The path of the second; None for a single axis.
        column: Which of the metrics.
    """
    none = CompletedRuns("", np.empty(0), np.empty((0, column + 1)))
    return [
        Cell(
            member.coordinates.get(x),
            None if series is None else member.coordinates.get(series),
            member.state,
            tuple(of_member.values[:, column].tolist()),
            outcomes=tuple(of_member.outcomes.tolist()),
            setups=frozenset({of_member.setup_hash}),
        )
        for member in members
        for of_member in [runs.get(member.experiment_id, none)]
    ]


def choose(
    sweep: Sweep,
    members: Sequence[Member],
    kind: str,
    *,
    x: str | None,
    series: str | None,
    y: str = DEFAULT_METRIC,
    parameters: tuple[str, str] = ("x", "series"),
) -> tuple[str, str | None]:
    """The paths of the axes to show; a path that is None is chosen.

    Args:
        sweep: The sweep.
        members: Its members.
        kind: ``lines`` or ``heatmap``.
        x: The path of the first axis: numbers for lines.
        series: The path of the second axis, which a heat map needs.
        y: The metric to show.
        parameters: The names of the parameters ``x`` and ``series`` in the request.

    Raises:
        Invalid: With all problems at once.
    """
    x_pointer, series_pointer = (f"/query/{name}" for name in parameters)
    groups = sweep.spec.groups
    paths = [path for group in groups for path in group]
    problems = [
        unknown(pointer, "path", path, paths)
        for pointer, path in ((x_pointer, x), (series_pointer, series))
        if path is not None and path not in paths
    ]
    if y not in METRICS:
        problems.append(unknown("/query/y", "metric", y, METRICS))
    if problems:
        raise Invalid(*problems)
    counts = {path: len({key(m.coordinates.get(path)) for m in members}) for path in paths}
    numeric = {path for path in paths if all(is_number(m.coordinates.get(path)) for m in members)}
    varied = [path for path in paths if counts[path] > 1 and path != series]
    candidates = (
        [path for path in varied if path in numeric]
        or (varied if kind == "heatmap" else [])
        or [*numeric]
    )
    x = x or next(iter(candidates), None)
    zipped_with_x = next((group for group in groups if x in group), ())
    series = series or next((path for path in varied if path not in zipped_with_x), None)
    if series is not None and series == x:
        raise Invalid(Problem(series_pointer, "repeated", REPEATED, series))
    if kind == "heatmap" and x is not None:
        drawn = {axis.path for axis in nested(sweep.spec.axes) if isinstance(axis, DrawnAxis)}
        scattered = [path for path in zipped_with_x if path in drawn and path != x]
        if x in drawn and scattered and series in (None, *scattered):
            message = f"is drawn together with {x}, so they form no grid: draw lines over one"
            raise Invalid(Problem(series_pointer, "no_grid", message, series or scattered[0]))
    problem = (
        _problem_of_lines(x, series, numeric, counts, (x_pointer, series_pointer))
        if kind == "lines"
        else _problem_of_heatmap(x, series, numeric, counts, (x_pointer, series_pointer))
    )
    if problem is not None:
        raise Invalid(problem)
    assert x is not None  # noqa: S101  # else there is a problem
    return x, series


def _problem_of_lines(
    x: str | None,
    series: str | None,
    numeric: set[str],
    counts: Mapping[str, int],
    pointers: tuple[str, str],
) -> Problem | None:
    if x is None or x not in numeric:
        allowed = ", ".join(sorted(numeric)) or None
        return Problem(pointers[0], "no_axis", "lines need a numeric axis", x, allowed)
    if series is not None and counts[series] > MAX_LINES:
        message = f"has {counts[series]} values, and lines show at most {MAX_LINES}; use a heat map"
        return Problem(pointers[1], "too_many", message, series)
    return None


def _problem_of_heatmap(
    x: str | None,
    series: str | None,
    numeric: set[str],
    counts: Mapping[str, int],
    pointers: tuple[str, str],
) -> Problem | None:
    if x is None:
        allowed = ", ".join(sorted(numeric)) or None
        return Problem(pointers[0], "no_axis", "a heat map needs two axes", x, allowed)
    if series is None:
        message = "a heat map needs two axes; lines need one"
        return Problem(pointers[1], "no_axis", message, series)
    if max(counts[x], counts[series]) > MAX_CELLS_PER_AXIS:
        message = f"a heat map shows at most {MAX_CELLS_PER_AXIS} values per axis"
        return Problem(pointers[0], "too_many", message, x)
    return None
