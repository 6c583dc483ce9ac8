"""Tables and lines on sweeps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.labels import brief, briefs, how_many, located
from extrapolab.cli.experiment_tables import print_warnings
from extrapolab.cli.table_layout import all_keys, fit_count, format_cell, styled, table
from extrapolab.client.answers.formats import format_counts, format_number, format_time
from extrapolab.models.sweeps import (
    SweepGrid,
    SweepMember,
    SweepRecord,
    SweepRefinement,
    SweepRow,
    SweepWarning,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from core.spec.axis import Axis

MAX_AXIS_VALUES = 8
"""Most values of an axis that are all shown."""

_DRAWS = {"random": "random draws", "sobol": "Sobol points"}


def sweeps_table(records: Iterable[SweepRecord]) -> "Table":
    """One row per sweep."""
    rows = table("id", "state", "name", "experiments", "created", folding=("name", "experiments"))
    for record in records:
        counts, created = format_counts(record), format_time(record.created_at)
        rows.add_row(record.id, styled(record.state), record.name, counts, created)
    rows.columns[0].no_wrap = True
    return rows


def axis_lines(axes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yields one line per axis with its values, or with the first and the last of many."""
    from core.spec import SweepSpec  # noqa: PLC0415  # lists of sweeps don't need it

    yield from map(_axis_line, SweepSpec.model_validate({"base": {}, "axes": [*axes]}).axes)


def members_table(members: Sequence[SweepMember]) -> "Table":
    """One row per experiment of a sweep, with its coordinates and its statistics, if it has any."""
    paths = all_keys(member.coordinates for member in members)
    flat_rows = [
        member.flat | {"fitted": fit_count(member.fitted, member.seeds)}
        if isinstance(member, SweepRow)
        else {}
        for member in members
    ]
    shown_elsewhere = {*paths, "experiment", "state", "seeds"}
    columns = [name for name in all_keys(flat_rows) if name not in shown_elsewhere]
    rows = table(*map(_short_name, paths), "state", *columns, "experiment")
    places = [briefs([member.coordinates.get(path) for member in members]) for path in paths]
    for member, flat_row, *coordinates in zip(members, flat_rows, *places, strict=True):
        numbers = [format_cell(flat_row.get(name)) for name in columns]
        rows.add_row(*coordinates, styled(member.state), *numbers, member.experiment)
    return rows


def grid_tables(grid: SweepGrid) -> "list[Table]":
    """One table per metric and statistic, crossing two axes; cells show a number or a state."""
    vertical, horizontal = _short_name(grid.rows.path), _short_name(grid.columns.path)
    headers = [f"{horizontal} = {text}" for text in briefs(grid.columns.values)]
    labels = briefs(grid.rows.values)
    tables = []
    for metric, statistics in grid.metrics.items():
        for statistic, numbers in statistics.items():
            rows = table(vertical, *headers)
            rows.title = f"{statistic} {metric.replace('_', ' ')}"
            for label, states, line in zip(labels, grid.states, numbers, strict=True):
                rows.add_row(label, *map(_grid_cell, states, line))
            tables.append(rows)
    return tables


def refinement_line(found: SweepRefinement) -> str:
    """A sentence on a round of bisection: what it found and queued."""
    if not found.brackets:
        where = "every experiment" if found.holding else "no experiment"
        return f"The verdict flips nowhere: it holds for {where} of {found.judged:,}."
    located = f"{found.located:,} of {how_many(len(found.brackets), 'flip')} located"
    added = found.created + found.reused
    return f"{located}, {how_many(added, 'experiment')} in the middle" if added else located


def brackets_table(found: SweepRefinement) -> "Table":
    """One row per flip of a verdict: the values on either side of it, and their seeds that fit."""
    paths, axis = all_keys(bracket.coordinates for bracket in found.brackets), found.axis
    ends = (f"{_short_name(axis)} from", "verdict", "fit", "to", "verdict", "fit")
    rows = table(*map(_short_name, paths), *ends, "located")
    places = [briefs([bracket.coordinates[path] for bracket in found.brackets]) for path in paths]
    for bracket, *coordinates in zip(found.brackets, *places, strict=True):
        cells: list[str | Text] = []
        for side in (bracket.low, bracket.high):
            verdict = styled("holds" if side.holds else "fails")
            cells += [format_number(side.value), verdict, fit_count(side.fitted, side.seeds)]
        located = "yes" if bracket.located else "blocked" if bracket.blocked_by else "not yet"
        rows.add_row(*coordinates, *cells, located)
    return rows


def print_sweep_warnings(warnings: Iterable[SweepWarning], console: "Console") -> None:
    """Prints one line per warning about experiments of a sweep."""
    words = (located(one.message, one.first, one.experiments) for one in warnings)
    print_warnings(words, console)


def _axis_line(axis: "Axis") -> str:
    from core.spec.axis import GridAxis, ZipAxis  # noqa: PLC0415  # as above
    from core.spec.drawn_axis import DrawnAxis  # noqa: PLC0415  # as above

    if isinstance(axis, ZipAxis | GridAxis):
        return f"{axis.kind} ({'; '.join(map(_axis_line, axis.axes))})"
    if isinstance(axis, DrawnAxis):
        scale = " evenly in the logarithm" if axis.scale == "log" else ""
        ends = f"{brief(axis.low)} to {brief(axis.high)}{scale}"
        return f"{axis.path}: {axis.count:,} {_DRAWS[axis.kind]} from {ends}, seed {axis.seed}"
    values = briefs([value for point in axis.points() for value in point.values()])
    if len(values) > MAX_AXIS_VALUES:
        shown = [*values[: MAX_AXIS_VALUES - 2], "...", values[-1]]
        return f"{axis.path}: {', '.join(shown)} ({len(values):,} values)"
    return f"{axis.path}: {', '.join(values)}"


def _short_name(path: str) -> str:
    return path.rpartition(".")[2]


def _grid_cell(state: str, value: float) -> str:
    return format_number(value) if state in {"completed", "diverged"} else state
