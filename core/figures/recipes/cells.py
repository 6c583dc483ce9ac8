"""Cells: final numbers of runs at places on axes, pooled to lines with bands or to a grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures.coordinates import LOG_RATIO, distinct, key, scale
from core.figures.recipes.facets import panels_of_metric
from core.figures.recipes.wording import over
from core.panels import Line, Panel
from core.recipe import Recipe
from core.result import Outcome
from core.statistics import STATISTICS, over_seeds, with_band

Place = TypeVar("Place", float, tuple[int, int])


@dataclass(frozen=True)
class Cell:
    """One experiment, or several at one place.

    Attributes:
        x: Its coordinate on the first axis.
        series: Its coordinate on the second axis; None if there is one axis.
        state: The experiment's state.
        values: The metric of each seed if the experiment is completed, as statistics count it.
        facet: Its coordinate among the panels; None if there is one panel.
        outcomes: The outcome of each seed of ``values``; empty if they are not known.
        setups: The hashes of the setups that ``values`` come from.
    """

    x: Any
    series: Any
    state: str
    values: tuple[float, ...] = ()
    facet: Any = None
    outcomes: tuple[str, ...] = ()
    setups: frozenset[str] = frozenset()


class Grid(BaseModel):
    """A statistic on two axes.

    Attributes:
        title: What distinguishes the grid from the others of a figure.
        columns: The coordinates on x.
        rows: The coordinates on y.
        values: By row and column; NaN without a completed experiment.
        states: By row and column: ``completed``, ``diverged`` (so many runs diverged that the value
            is infinite), the state of an experiment that is not completed, or "" without an
            experiment.
        fitted: By row and column: how many of the ``seeds`` fit.
        diverged: By row and column: how many of them diverged.
        seeds: By row and column: how many seeds are completed.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str = ""
    columns: list[Any]
    rows: list[Any]
    values: list[list[float]]
    states: list[list[str]]
    fitted: list[list[int]] = []
    diverged: list[list[int]] = []
    seeds: list[list[int]] = []


def panels(cells: Sequence[Cell], recipe: Recipe) -> list[Panel]:
    """A panel per facet, with a line per series: the statistic of the metric against x.

    All runs at one place are pooled.
    """
    return panels_of_metric(
        cells,
        recipe,
        lambda label, group: _line(label, group, recipe),
        lambda xs: scale(xs, LOG_RATIO),
        pooled=pooled(cells),
    )


def pooled(cells: Sequence[Cell]) -> str:
    """The words for what the statistic at a place is taken over."""
    setups: dict[tuple[str, ...], set[str]] = {}
    for cell in cells:
        if cell.values and cell.setups:
            place = key(cell.facet), key(cell.series), key(cell.x)
            setups.setdefault(place, set()).update(cell.setups)
    return over([len(at_place) for at_place in setups.values()])


def grid(
    cells: Sequence[Cell],
    name: str,
    *,
    title: str = "",
    axes_of: Sequence[Cell] | None = None,
) -> Grid:
    """A statistic of the metric over the axes x and series; all runs at one place are pooled.

    Args:
        cells: The experiments.
        name: One of :data:`core.statistics.STATISTICS`.
        title: The grid's title.
        axes_of: Cells whose coordinates the axes have; by default those of ``cells``.
    """
    on_axes = cells if axes_of is None else axes_of
    columns = distinct([cell.x for cell in on_axes])
    rows = distinct([cell.series for cell in on_axes])
    column_of = {key(value): j for j, value in enumerate(columns)}
    row_of = {key(value): i for i, value in enumerate(rows)}

    def place_of(cell: Cell) -> tuple[int, int]:
        return row_of[key(cell.series)], column_of[key(cell.x)]

    values = [[np.nan] * len(columns) for _ in rows]
    states = [[""] * len(columns) for _ in rows]
    fitted, diverged, seeds = ([[0] * len(columns) for _ in rows] for _ in range(3))
    for cell in cells:
        i, j = place_of(cell)
        states[i][j] = states[i][j] or cell.state
    pools = _pools(cells, place_of)
    for place, statistics in over_seeds(_as_columns(pools)).items():
        (i, j), pool = place, pools[place]
        value = float(statistics[STATISTICS.index(name), 0])
        values[i][j], seeds[i][j] = value, len(pool.values)
        fitted[i][j] = pool.outcomes.count(Outcome.FITTED)
        diverged[i][j] = pool.outcomes.count(Outcome.DIVERGED)
        states[i][j] = "diverged" if value == np.inf and diverged[i][j] else "completed"
    return Grid(
        title=title,
        columns=columns,
        rows=rows,
        values=values,
        states=states,
        fitted=fitted,
        diverged=diverged,
        seeds=seeds,
    )


@dataclass
class _Pool:
    """All runs at one place."""

    values: list[float] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


def _pools(cells: Sequence[Cell], place_of: Callable[[Cell], Place]) -> dict[Place, _Pool]:
    """The runs of the completed cells by place."""
    pools: dict[Place, _Pool] = {}
    for cell in cells:
        if cell.values:
            pool = pools.setdefault(place_of(cell), _Pool())
            pool.values.extend(cell.values)
            pool.outcomes.extend(cell.outcomes)
    return pools


def _as_columns(pools: Mapping[Place, _Pool]) -> dict[Place, np.ndarray]:
    return {place: np.array(pool.values)[:, None] for place, pool in pools.items()}


def _line(label: str, cells: Sequence[Cell], recipe: Recipe) -> Line:
    pools = _pools(cells, lambda cell: float(cell.x))
    xs = sorted(pools)
    if not xs:
        return Line(label=label, x=[], y=[])
    statistics = over_seeds(_as_columns(pools))
    columns = np.hstack([statistics[x] for x in xs])
    y, lower, upper = (part.tolist() for part in with_band(columns, recipe.statistic, recipe.band))
    known = all(pools[x].outcomes for x in xs)
    return Line(
        label=label,
        x=xs,
        y=y,
        lower=lower,
        upper=upper,
        fitted=[pools[x].outcomes.count(Outcome.FITTED) for x in xs] if known else [],
        seeds=[len(pools[x].outcomes) for x in xs] if known else [],
        diverged=[pools[x].outcomes.count(Outcome.DIVERGED) for x in xs] if known else [],
    )
