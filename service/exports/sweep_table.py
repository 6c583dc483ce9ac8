"""Tables of a sweep: its experiments row by row, or two of its axes crossed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from core.figures.coordinates import key
from core.figures.recipes import cells as figure_cells
from core.result import Outcome
from core.spec.field_axis import dotted
from service.exports.csv_lines import CsvColumn, any_value
from service.exports.group_rows import Row, statistic_columns, statistics_of
from service.figures import sweep_axes
from store.query import run_ends, setups
from store.query.fields import FIELDS, Kind
from store.query.run_ends import CompletedRuns
from store.sweeps import repository as sweeps
from store.sweeps.repository import Member


def rows(
    tx: Connection,
    sweep_id: str,
    members: Sequence[Member],
    metrics: Sequence[str],
    statistics: Sequence[str],
) -> list[Row]:
    """A row for each member, with statistics of its runs if it is completed."""
    query = sweep_axes.query(sweep_id)
    completed = run_ends.completed_experiments(tx, query, [FIELDS["seeds"]])
    others = run_ends.unfinished_experiments(tx, query, [FIELDS["id"], FIELDS["seeds"]])
    runs = run_ends.final_metrics(tx, [experiment.id for experiment in completed], metrics)
    runs_of = run_ends.runs_by_experiment(completed, runs, metrics)
    values = {experiment_id: of_one.values for experiment_id, of_one in runs_of.items()}
    by_experiment = statistics_of(values, metrics, statistics)
    outcomes = {name: of_one.outcomes.tolist() for name, of_one in runs_of.items()}
    seeds = {experiment.id: experiment.key[0] for experiment in completed}
    seeds |= {experiment_id: count for _, (experiment_id, count) in others}
    return [
        {
            "coordinates": member.coordinates,
            "experiment": member.experiment_id,
            "state": member.state,
            "seeds": seeds[member.experiment_id],
            "fitted": _count(outcomes.get(member.experiment_id), Outcome.FITTED),
            "diverged": _count(outcomes.get(member.experiment_id), Outcome.DIVERGED),
            "metrics": by_experiment.get(member.experiment_id),
        }
        for member in members
    ]


def _count(outcomes: list[str] | None, outcome: Outcome) -> int | None:
    return None if outcomes is None else outcomes.count(outcome)


def columns(
    table_rows: Sequence[Row], metrics: Sequence[str], statistics: Sequence[str]
) -> list[CsvColumn]:
    """The rows as columns of a CSV file."""
    paths = list(dict.fromkeys(path for row in table_rows for path in row["coordinates"]))
    coordinates = [
        CsvColumn(path, Kind.TEXT, [any_value(row["coordinates"].get(path)) for row in table_rows])
        for path in paths
    ]
    kinds = {
        "experiment": Kind.TEXT,
        "state": Kind.TEXT,
        "seeds": Kind.WHOLE,
        "fitted": Kind.WHOLE,
        "diverged": Kind.WHOLE,
    }
    return [
        *coordinates,
        *(CsvColumn(name, kind, [row[name] for row in table_rows]) for name, kind in kinds.items()),
        *statistic_columns([row["metrics"] for row in table_rows], metrics, statistics),
    ]


def grid(
    tx: Connection,
    sweep_id: str,
    metrics: Sequence[str],
    statistics: Sequence[str],
    *,
    rows: str | None = None,
    columns: str | None = None,
) -> dict[str, Any]:
    """Statistics of metrics on two axes of a sweep, and what each of its cells holds.

    Args:
        tx: An open transaction.
        sweep_id: The sweep.
        metrics: The metrics.
        statistics: The statistics of each.
        rows: The path of the axis that runs down; chosen as in the heat map by default.
        columns: The path of the axis that runs across.

    Raises:
        NotFound: There is no such sweep.
        Invalid: It has no such axes, or too many runs.
    """
    members, _ = sweeps.members(tx, sweep_id)
    across, down = sweep_axes.choose(
        sweeps.get(tx, sweep_id),
        members,
        "heatmap",
        x=columns and dotted(columns),
        series=rows and dotted(rows),
        parameters=("columns", "rows"),
    )
    with sweep_axes.reading_runs():
        runs = run_ends.completed_runs(tx, sweep_axes.query(sweep_id), metrics)
    waiting = [member.experiment_id for member in members if member.experiment_id not in runs]
    grids = {
        metric: {
            statistic: figure_cells.grid(
                sweep_axes.cells(members, runs, across, down, column=column), statistic
            )
            for statistic in statistics
        }
        for column, metric in enumerate(metrics)
    }
    shape = grids[metrics[0]][statistics[0]]
    places = {
        (key(row), key(column)): (i, j)
        for i, row in enumerate(shape.rows)
        for j, column in enumerate(shape.columns)
    }
    cells = [[_Cell() for _ in shape.columns] for _ in shape.rows]
    planned = setups.seeds(tx, waiting)
    for member in members:
        row = None if down is None else member.coordinates.get(down)
        i, j = places[key(row), key(member.coordinates.get(across))]
        cells[i][j].add(member, runs.get(member.experiment_id), planned)
    return {
        "rows": {"path": down, "values": shape.rows},
        "columns": {"path": across, "values": shape.columns},
        "states": shape.states,
        "fitted": shape.fitted,
        "seeds": shape.seeds,
        "metrics": {
            metric: {statistic: grid.values for statistic, grid in by_statistic.items()}
            for metric, by_statistic in grids.items()
        },
        "cells": [[vars(cell) for cell in row] for row in cells],
    }


@dataclass
class _Cell:
    """The experiments at one place of a grid, in numbers.

    Attributes:
        experiments: Their ids, in the sweep's order.
        states: How many of them are in each state.
        seeds: How many seeds are completed.
        fitted: How many of these fit.
        diverged: How many of these diverged.
        missing: How many seeds are not completed.
    """

    experiments: list[str] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    seeds: int = 0
    fitted: int = 0
    diverged: int = 0
    missing: int = 0

    def add(
        self, member: Member, runs: CompletedRuns | None, planned: Mapping[str, Sequence[int]]
    ) -> None:
        """Adds an experiment with its runs, or with its seeds in ``planned`` if it has none."""
        self.experiments.append(member.experiment_id)
        self.states[member.state] = self.states.get(member.state, 0) + 1
        if runs is None:
            self.missing += len(planned[member.experiment_id])
            return
        outcomes = runs.outcomes.tolist()
        self.seeds += len(outcomes)
        self.fitted += outcomes.count(Outcome.FITTED)
        self.diverged += outcomes.count(Outcome.DIVERGED)


def grid_columns(content: Mapping[str, Any]) -> list[CsvColumn]:
    """A grid as columns of a CSV file, with a line for each row, metric and statistic."""
    lines = [
        (any_value(row), metric, statistic, *numbers[place])
        for place, row in enumerate(content["rows"]["values"])
        for metric, by_statistic in content["metrics"].items()
        for statistic, numbers in by_statistic.items()
    ]
    across = content["columns"]
    text_names = [content["rows"]["path"], "metric", "statistic"]
    number_names = [f"{across['path']} = {any_value(value)}" for value in across["values"]]
    kinds = [Kind.TEXT] * len(text_names) + [Kind.REAL] * len(number_names)
    return [
        CsvColumn(name, kind, [line[place] for line in lines])
        for place, (name, kind) in enumerate(zip([*text_names, *number_names], kinds, strict=True))
    ]
