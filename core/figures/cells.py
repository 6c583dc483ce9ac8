"""Cells: numbers that runs ended with, at places on axes; pooled to lines with bands, or to the grid of a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.figures.coordinates import (
    WIDE,
    grouped,
    is_number,
    key,
    label,
    named,
    ordered,
    scale,
    scale_of,
)
from core.figures.wording import metric, over
from core.panels import ZERO_BASELINE, Line, Panel
from core.recipe import Recipe
from core.statistics import STATISTICS, over_seeds, with_band


@dataclass(frozen=True)
class Cell:
    """One experiment.

    Attributes:
        x: Its coordinate on the first axis.
        series: Its coordinate on the second; None where there is none.
        state: Of the experiment.
        values: The metric of each seed, if it is completed; infinite for a diverged seed.
        facet: Its coordinate among the panels; None where there is one panel.
    """

    x: Any
    series: Any
    state: str
    values: tuple[float, ...] = ()
    facet: Any = None


class Grid(BaseModel):
    """A statistic on two axes.

    Attributes:
        title: What tells it from the other grids of a figure.
        columns: The coordinates on x.
        rows: The coordinates on y.
        values: By row and column; NaN where there is no completed experiment.
        states: By row and column: ``completed``, ``diverged`` (the value is infinite), or the state
            of what is not completed; "" where there is no experiment.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str = ""
    columns: list[Any]
    rows: list[Any]
    values: list[list[float]]
    states: list[list[str]]


def panels(cells: Sequence[Cell], recipe: Recipe) -> list[Panel]:
    """A panel for each facet, in it a line for each series: the statistic of the metric against the numbers on x.

    All runs at one place are pooled. Every panel has every series, so that each has one colour;
    some may be empty.
    """
    series = ordered([cell.series for cell in cells])
    found: list[tuple[str, list[Line]]] = []
    for facet, inside in grouped(cells, lambda cell: cell.facet):
        of = {key(value): own for value, own in grouped(inside, lambda cell: cell.series)}
        lines = [
            _line(named(recipe.series, value), of.get(key(value), []), recipe) for value in series
        ]
        found.append((named(recipe.facets, facet), lines))
    xs = [at for _, lines in found for line in lines for at in line.x]
    values = [at for _, lines in found for line in lines for at in line.y]
    x_scale = scale(xs, WIDE) if recipe.x_scale == "auto" else recipe.x_scale
    y_scale = scale_of(recipe.quantity, values) if recipe.y_scale == "auto" else recipe.y_scale
    return [
        Panel(
            x=label(recipe.x),
            y=f"{metric(recipe.quantity)}\n{over(recipe)}",
            lines=lines,
            x_scale=x_scale,
            y_scale=y_scale,
            levels=[ZERO_BASELINE] if recipe.quantity == "relative_extrapolation_error" else [],
            title=title,
            ordered=len(series) > 1 and all(is_number(value) for value in series),
        )
        for title, lines in found
    ]


def grid(
    cells: Sequence[Cell], statistic: str, *, title: str = "", like: Sequence[Cell] | None = None
) -> Grid:
    """The statistic of the metric over the axes x and series; all runs at one place are pooled.

    Args:
        cells: What to show.
        statistic: Of :data:`core.statistics.STATISTICS`.
        title: Of the grid.
        like: Whose coordinates the axes have; those of ``cells`` where left out.
    """
    every = cells if like is None else like
    columns, rows = ordered([cell.x for cell in every]), ordered([cell.series for cell in every])
    column = {key(value): i for i, value in enumerate(columns)}
    row = {key(value): i for i, value in enumerate(rows)}
    pooled: dict[tuple[int, int], list[Cell]] = {}
    for cell in cells:
        pooled.setdefault((row[key(cell.series)], column[key(cell.x)]), []).append(cell)
    numbers = {
        place: [value for cell in here for value in cell.values] for place, here in pooled.items()
    }
    found = over_seeds(
        {str(place): np.array(own)[:, None] for place, own in numbers.items() if own}
    )
    values = [[np.nan] * len(columns) for _ in rows]
    states = [[""] * len(columns) for _ in rows]
    for place, here in pooled.items():
        i, j = place
        states[i][j] = here[0].state
        if str(place) in found:
            values[i][j] = float(found[str(place)][STATISTICS.index(statistic), 0])
            states[i][j] = "diverged" if values[i][j] == np.inf else "completed"
    return Grid(title=title, columns=columns, rows=rows, values=values, states=states)


def _line(text: str, cells: Sequence[Cell], recipe: Recipe) -> Line:
    pooled: dict[float, list[float]] = {}
    for cell in cells:
        if cell.values:
            pooled.setdefault(float(cell.x), []).extend(cell.values)
    found = over_seeds({str(x): np.array(values)[:, None] for x, values in pooled.items()})
    xs = sorted(pooled)
    if not xs:
        return Line(label=text, x=[], y=[])
    columns = np.concatenate([found[str(x)] for x in xs], axis=1)
    middle, lower, upper = (
        part.tolist() for part in with_band(columns, recipe.statistic, recipe.band)
    )
    return Line(label=text, x=xs, y=middle, lower=lower, upper=upper)
