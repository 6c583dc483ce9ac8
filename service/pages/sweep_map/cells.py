"""The cells of a sweep's map: what each shows of the experiments at one place on two axes."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import quote

from core.figures.coordinates import key
from core.figures.drawing.viridis import viridis
from core.figures.recipes import cells as figure_cells
from core.labels import how_many
from core.recipe import DEFAULT_METRIC
from core.result import Outcome
from core.statistics import LARGEST, most_fit
from service.figures import sweep_axes
from service.pages.frame.words import number
from service.pages.marks.strip import HIGHEST, LOWEST
from service.pages.sweep_map.choice import Choice, is_field
from service.pages.sweep_map.scale import Scale
from store.query.run_ends import CompletedRuns
from store.states import State
from store.sweeps.repository import Member

MAX_CELLS = 2500
"""Most cells that are links; with more, the page shows the figure."""

MAX_CURVES = 12
"""Most experiments of a cell whose curves are shown beside the map."""

STRIP_HEIGHT = 300
"""Height in pixels of strips along one axis."""

SHADES = 64
"""Colours from the least number to the largest."""

KINDS: Mapping[str, str] = {
    "queued": "queued",
    "running": "running",
    "paused": "paused",
    "cancelled": "cancelled",
    "failed": "failed",
    "diverged": "diverged",
    "not-fitted": "at most half of the seeds fit",
    "undefined": "undefined",
    "missing": "no experiment",
}
"""What a cell is besides ``completed``, as the legend says it."""

_PRECEDENCE = (State.FAILED, State.RUNNING, State.QUEUED, State.PAUSED, State.CANCELLED)


@dataclass(frozen=True)
class Cell:
    """A place on two axes.

    Attributes:
        row, column: From 0, at the lowest values.
        kind: ``completed``, or one of :data:`KINDS`.
        is_ended: Whether all its experiments are completed.
        marks: Other states of experiments that it has besides completed ones.
        fill: The colour of its number; empty without one.
        href: Where it leads: to its experiment, or the list of several.
        ids: Its experiments.
        running: The running experiments among them.
        label: Its coordinates.
        text: What is known of it.
        value: The statistic; NaN without one.
        ticks: The heights of seeds on the scale, from 0 to 1, with their looks, each pair once; for
            one axis alone.
    """

    row: int
    column: int
    kind: str
    is_ended: bool
    marks: frozenset[str]
    fill: str
    href: str
    ids: Sequence[str]
    running: Sequence[str]
    label: str
    text: str
    value: float
    ticks: Sequence[tuple[float, str]] = ()

    @property
    def curves(self) -> Sequence[str]:
        """The experiments whose curves are shown beside the map."""
        return self.ids[:MAX_CURVES]


@dataclass(frozen=True)
class Panel:
    """The map at one value of the facets; ``title`` is empty if there is one panel."""

    title: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class SweepMap:
    """Maps with one scale of colours.

    Attributes:
        panels: One for each value of the facets.
        scale: That of the colours; None without any number.
        kinds: The keys of :data:`KINDS` that occur.
        pooled: The most experiments in a cell.
        one: The place, on the scale, of an error as large as that of answering zero, if it is one.
    """

    panels: Sequence[Panel]
    scale: Scale | None
    kinds: Sequence[str]
    pooled: int
    one: float | None = None

    @property
    def is_beyond(self) -> bool:
        """Whether numbers are larger than the upper end of the scale."""
        cells = (cell for panel in self.panels for cell in panel.cells)
        top = math.inf if self.scale is None else self.scale.high * (1 + 1e-9)
        return any(top < cell.value < math.inf for cell in cells)

    @property
    def ends(self) -> Sequence[str]:
        """The places of the experiments with the least and the largest number, as elements' ids.

        Empty if no two numbers of single experiments differ.
        """
        known = [
            (cell.value, f"cell-{number}-{cell.row}-{cell.column}")
            for number, panel in enumerate(self.panels)
            for cell in panel.cells
            if cell.is_ended and len(cell.ids) == 1 and math.isfinite(cell.value)
        ]
        least, largest = min(known, default=None), max(known, default=None)
        if least is None or largest is None or least[0] == largest[0]:
            return []
        return [least[1], largest[1]]

    def line(self, panel: Panel, step: float, height: float = STRIP_HEIGHT) -> str:
        """The path of the statistic along one axis; with gaps where there is none."""
        path, is_gap = "", True
        for cell in panel.cells:
            if self.scale is None or not math.isfinite(cell.value):
                is_gap = True
                continue
            at = f"{(cell.column + 0.5) * step:g} {height * (1 - self.scale.share(cell.value)):.1f}"
            path += f"{'M' if is_gap else 'L'}{at}"
            is_gap = False
        return path


_TICKS = {Outcome.FITTED: "fitted", Outcome.DIVERGED: "diverged"}


@cache
def shades() -> tuple[str, ...]:
    """The colours of numbers, as in figures: large ones are dark."""
    return tuple(reversed(viridis(SHADES)))


def sweep_map(
    sweep_id: str, choice: Choice, members: Sequence[Member], runs: Mapping[str, CompletedRuns]
) -> SweepMap:
    """The map of a choice with two axes.

    Args:
        sweep_id: The sweep.
        choice: The axes and the metric.
        members: The members that it concerns.
        runs: The metric of the runs of each completed experiment.
    """
    assert choice.x is not None  # noqa: S101  # the caller's condition
    across, up = choice.x, choice.series
    on_axes = sweep_axes.cells(members, runs, across, up)
    groups = _by_facet(choice, members)
    grids = [
        figure_cells.grid(
            sweep_axes.cells(group, runs, across, up), choice.statistic, axes_of=on_axes
        )
        for _, group in groups
    ]
    values = [value for grid in grids for row in grid.values for value in row]
    low, high = 10.0**LOWEST, 10.0**HIGHEST
    if choice.y == DEFAULT_METRIC:  # the ends of a strip: one huge error leaves the others colours
        values = [min(max(value, low), high) for value in values if math.isfinite(value)]
    scale = Scale.of(choice.y, values)
    panels, pooled = [], 1
    for (facet, group), grid in zip(groups, grids, strict=True):
        at: dict[tuple[str, str], list[Member]] = {}
        for member in group:
            place = key(member.coordinates.get(across)), key(member.coordinates.get(up or ""))
            at.setdefault(place, []).append(member)
        pooled = max(pooled, *map(len, at.values()))
        fixed = {} if choice.facets is None else {choice.facets: facet}
        cells = []
        for i, row in enumerate(grid.rows):
            for j, column in enumerate(grid.columns):
                here = at.get((key(column), key(row)), [])
                if choice.is_scattered and not here:
                    continue
                place_values = {across: column, **({} if up is None else {up: row}), **fixed}
                seeds = _Seeds(
                    grid.values[i][j], grid.fitted[i][j], grid.diverged[i][j], grid.seeds[i][j]
                )
                href = _href(choice.query(sweep_id, place_values), place_values, here)
                cell = _cell(choice, place_values, here, seeds, scale)
                cells.append(replace(cell, row=i, column=j, href=href))
        title = "" if choice.facets is None else choice.axes[choice.facets].label(facet)
        panels.append(Panel(title, cells))
    found = {name for panel in panels for cell in panel.cells for name in (cell.kind, *cell.marks)}
    return SweepMap(panels, scale, [name for name in KINDS if name in found], pooled)


def strips(sweep_map: SweepMap, choice: Choice, runs: Mapping[str, CompletedRuns]) -> SweepMap:
    """The map of one axis alone, with the seeds of each cell as ticks on the scale of the metric.

    The scale of the error relative to answering zero is that of every strip.
    """
    found = [value for each in runs.values() for value in each.values[:, 0].tolist()]
    scale = Scale.of(choice.y, found) or Scale(0.0, 1.0, is_log=False)
    one = None
    if choice.y == DEFAULT_METRIC:
        scale = Scale(10.0**LOWEST, 10.0**HIGHEST, is_log=True)
        one = scale.share(1.0)
    panels = [
        replace(panel, cells=[_with_ticks(cell, scale, runs) for cell in panel.cells])
        for panel in sweep_map.panels
    ]
    return replace(sweep_map, panels=panels, scale=scale, one=one)


def _with_ticks(cell: Cell, scale: Scale, runs: Mapping[str, CompletedRuns]) -> Cell:
    ticks = (
        (round(scale.share(value), 3), _TICKS.get(outcome, "not-fitted"))
        for name in cell.ids
        if name in runs
        for outcome, value in zip(
            runs[name].outcomes, runs[name].values[:, 0].tolist(), strict=True
        )
        if not math.isnan(value)
    )
    return replace(cell, ticks=list(dict.fromkeys(ticks)))


def _by_facet(choice: Choice, members: Sequence[Member]) -> list[tuple[object, list[Member]]]:
    if choice.facets is None:
        return [(None, list(members))]
    axis = choice.axes[choice.facets]
    return [
        (
            value,
            [member for member in members if key(member.coordinates.get(axis.path)) == key(value)],
        )
        for value in axis.values
    ]


@dataclass(frozen=True)
class _Seeds:
    """The statistic over the seeds in a cell, and how many of them fit and diverged."""

    value: float
    fitted: int
    diverged: int
    count: int


def _cell(
    choice: Choice,
    values: Mapping[str, object],
    here: Sequence[Member],
    seeds: _Seeds,
    scale: Scale | None,
) -> Cell:
    states = Counter(member.state for member in here)
    others = [state for state in _PRECEDENCE if states[state]]
    kind = _kind(seeds, others) if here else "missing"
    is_number = kind in ("completed", "not-fitted") and scale is not None
    fill = ""
    if is_number and scale is not None:
        fill = shades()[min(int(scale.share(seeds.value) * SHADES), SHADES - 1)]
    label = ", ".join(choice.axes[path].label(value) for path, value in values.items())
    return Cell(
        row=0,
        column=0,
        kind=kind,
        is_ended=not others and bool(here),
        marks=frozenset(str(state) for state in others if str(state) != kind),
        fill=fill,
        href="",
        ids=[member.experiment_id for member in here],
        running=[member.experiment_id for member in here if member.state is State.RUNNING],
        label=label,
        text=_text(choice, states, seeds),
        value=seeds.value,
    )


def _kind(seeds: _Seeds, others: Sequence[State]) -> str:
    """The look of a cell that has experiments."""
    if not seeds.count:
        return str(others[0])
    if seeds.diverged and not abs(seeds.value) < LARGEST:
        return "diverged"
    if not abs(seeds.value) < LARGEST:
        return "undefined"
    return "completed" if most_fit(seeds.fitted, seeds.count) else "not-fitted"


def _href(query: str, values: Mapping[str, object], here: Sequence[Member]) -> str:
    if len(here) == 1:
        return f"/experiments/{here[0].experiment_id}"
    if not all(map(is_field, values)):
        query = f"id in ({', '.join(member.experiment_id for member in here)})"
    return f"/experiments?q={quote(query)}"


def _text(choice: Choice, states: Mapping[State, int], seeds: _Seeds) -> str:
    parts = []
    if seeds.count:
        parts.append(f"{choice.statistic} {number(seeds.value)}")
        parts.append(f"{seeds.fitted} of {how_many(seeds.count, 'seed')} fit")
        if seeds.diverged:
            parts.append(f"{seeds.diverged} diverged")
    experiments = sum(states.values())
    if experiments > 1:
        parts.append(how_many(experiments, "experiment"))
    for state, count in states.items():
        if state is not State.COMPLETED:
            parts.append(f"{count} {state}" if experiments > 1 else str(state))
    return ", ".join(parts) or KINDS["missing"]
