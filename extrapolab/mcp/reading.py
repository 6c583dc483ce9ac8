"""Tools that find experiments and read what they gave."""

import math
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np
from pydantic import Field

from core.result import Outcome
from extrapolab.client.lab import Lab
from extrapolab.errors import ExperimentCancelled, ExperimentFailed
from extrapolab.mcp.tool import ExperimentId, Filter, Tool, rounded, shortened
from extrapolab.models.experiments import ExperimentRecord, Run, Theorem
from extrapolab.models.tables import Group

OVERVIEW = ["fit_error", "relative_extrapolation_error"]
"""Metrics in a list of experiments."""

MAX_RUNS = 10
"""Most runs of one experiment in an answer."""

MAX_SEEDS = 5
"""Most seeds whose numbers are in an answer, unless others are asked for."""


class ListFields(Tool):
    """List the names that filters, sort keys and tables can use, and the fields of a spec.

    Each has its meaning, symbol, unit and allowed values. A field of the spec is its path, such
    as student.start.scale: {"student": {"start": {"scale": 0.001}}}.
    """

    tool = "list_fields"

    part: str = Field(
        "",
        description="Only names that contain this, such as error, student or optimizer.",
    )

    def run(self, lab: Lab) -> object:
        """Returns the fields without what is empty."""
        found = [
            {
                name: value
                for name in ("name", "kind", "scope", "meaning", "symbol", "unit", "choices")
                if (value := getattr(field, name))
            }
            for field in lab.fields()
            if self.part.lower() in field.name.lower()
        ]
        return {"fields": found}


class FindExperiments(Tool):
    """Find experiments by a filter; the newest are first.

    A filter joins conditions by and, or, not and parentheses:
      training.length >= 6     teacher.kind = balanced     student.dim in (10, 20)
      name ~ pole              tag:figure-1                sweep:swp_...
      state = completed        created > -7d               student.start.scale between 0.001 and 0.1
    On runs (one per seed), a plain condition asks for any of them:
      outcome = diverged       all(extrapolation_error < 0.01)     count(outcome = fitted) >= 2
      median(relative_extrapolation_error) < 0.01
    list_fields has every name. States: queued, running, paused, completed, failed, cancelled.

    Each answer has the outcomes of its seeds and, for each seed in order, fit_error (largest error
    of the response within the training length k) and relative_extrapolation_error (largest error
    past k, up to the horizon q, over that of answering zero: 1 is no better than zero). Diverged
    runs are results.
    """

    tool = "find_experiments"

    filter: Filter = ""
    sort: str = Field(
        "",
        description="Keys such as training.length or -median(extrapolation_error), separated by "
        "commas; - is descending. Default: newest first.",
    )
    limit: int = Field(20, ge=1, le=50, description="Most experiments to return.")

    def run(self, lab: Lab) -> object:
        """Returns the first experiments, and whether there are more."""
        query = lab.query(self.filter or None, sort=self.sort or None, limit=self.limit + 1)
        found = [experiment.record for experiment in query]
        return {"experiments": [*map(_row, found[: self.limit])], "more": len(found) > self.limit}


class ReadExperiment(Tool):
    """Read one experiment: its state, spec, runs, warnings, and why it failed.

    Of the spec, only what differs from the defaults is there. Each run has its outcome (fitted,
    step_budget_spent, diverged, cancelled) and its final metrics, without those undefined for it.
    """

    tool = "read_experiment"

    id: ExperimentId
    wait_seconds: float = Field(
        0, ge=0, le=50, description="First wait for it to end, for up to this many seconds."
    )

    def run(self, lab: Lab) -> object:
        """Returns its record without what nobody reads."""
        experiment = lab.experiment(self.id)
        if self.wait_seconds and not experiment.record.is_final:
            # The answer tells how it ended, or that it has not.
            with suppress(TimeoutError, ExperimentFailed, ExperimentCancelled):
                experiment.wait(self.wait_seconds)
        return _details(experiment.refresh().record)


class Tabulate(Tool):
    """Tabulate the runs of completed experiments: a row per group, with statistics over its runs.

    Such as group = ["training.length", "student.start.scale"]. seeds, fitted and diverged count
    runs. A diverged run counts as infinite in the statistics.
    """

    tool = "tabulate"

    filter: Filter = ""
    group: list[str] = Field(
        ["setup_hash"],
        min_length=1,
        max_length=5,
        description="Fields that the runs of a group share. Default: everything but the seed.",
    )
    metrics: list[str] = Field(
        OVERVIEW, min_length=1, max_length=8, description="Metrics; see list_fields."
    )
    statistic: list[str] = Field(
        ["median", "q1", "q3"],
        min_length=1,
        max_length=7,
        description="Among median, q1, q3, mean, min, max, standard_error.",
    )
    limit: int = Field(30, ge=1, le=100, description="Most rows to return.")

    def run(self, lab: Lab) -> object:
        """Returns the first rows, and whether there are more."""
        query = lab.query(self.filter or None, limit=self.limit + 1)
        rows = [*query.rows(self.group, self.metrics, self.statistic)]
        return {"rows": [*map(_group, rows[: self.limit])], "more": len(rows) > self.limit}


class ReadSeries(Tool):
    """Read metrics along the training of an experiment, thinned; also while it runs.

    For each seed there are steps and the metrics at them: at most `points` of them, with the first,
    the last and the extremes. draw_experiment shows all points.
    """

    tool = "read_series"

    id: ExperimentId
    names: list[str] = Field(
        ["train_loss", "fit_error", "extrapolation_error"],
        min_length=1,
        max_length=8,
        description="Metrics; see list_fields.",
    )
    seeds: list[int] = Field(
        [],
        max_length=20,
        description=f"Seeds of the experiment. Default: its first {MAX_SEEDS}.",
    )
    points: int = Field(20, ge=2, le=100, description="Most points of each seed.")

    def run(self, lab: Lab) -> object:
        """Returns columns by seed."""
        experiment = lab.experiment(self.id)
        runs = experiment.runs
        seeds = self.seeds or [run.seed for run in runs[:MAX_SEEDS]]
        columns = experiment.series(self.names, seeds=seeds, max_points=self.points)
        by_seed = {
            str(seed): _rows_where(columns, columns["seed"] == seed)
            for seed in np.unique(columns["seed"]).tolist()
        }
        return {"state": experiment.state, "seeds": len(runs), "series": by_seed}


class CheckTheorem(Tool):
    """Check which assumptions of the main theorem an experiment satisfies, and by how much.

    If all hold, a student that fits must extrapolate: linear, overparameterised (d > k), long
    enough (k > 2 d̂ for a teacher with d̂ states), balanced, and so on. null: the spec alone can't
    tell. The measure is the teacher's response as poles (atoms) and weights.
    """

    tool = "check_theorem"

    id: ExperimentId

    def run(self, lab: Lab) -> object:
        """Returns the assumptions with their sentences."""
        return theorem_answer(lab.experiment(self.id).theorem())


def theorem_answer(theorem: Theorem) -> dict[str, Any]:
    """Returns the check of the theorem with few digits."""
    answer: dict[str, Any] = shortened(rounded(theorem.model_dump()))
    return answer


def _row(record: ExperimentRecord) -> dict[str, Any]:
    """An experiment in a list."""
    ended = [run for run in record.runs if run.outcome is not None]
    row: dict[str, Any] = {"id": record.id, "state": record.state, "name": record.name}
    if record.tags:
        row["tags"] = shortened(record.tags, MAX_SEEDS)
    if record.progress and not record.is_final:
        row["progress"] = rounded(record.progress.model_dump(exclude_none=True))
    if record.error:
        row["failure"] = record.error.sentence
    row["seeds"] = len(record.runs)
    if ended:
        row["outcomes"] = Counter(run.outcome for run in ended)
        for metric in OVERVIEW:
            row[metric] = shortened([_number(run, metric) for run in ended], MAX_SEEDS)
    return row


def _number(run: Run, metric: str) -> Any:
    if run.outcome is Outcome.DIVERGED:
        return run.outcome
    return rounded(run.summary.get(metric))


def _details(record: ExperimentRecord) -> dict[str, Any]:
    spec = record.spec.model_dump(mode="json", exclude_defaults=True)
    kept = ("id", "state", "source", "owner", "device", "attempts", "cancel_requested", "warnings")
    times = ("created_at", "started_at", "finished_at")
    parts = {name: getattr(record, name) for name in (*kept, *times)}
    for name in ("error", "queue") if record.is_final else ("error", "queue", "progress"):
        if (part := getattr(record, name)) is not None:
            parts[name] = rounded(part.model_dump(exclude_none=True))
    return {
        **parts,
        "spec": shortened(spec),
        "runs": shortened([*map(_run, record.runs)], MAX_RUNS),
    }


def _run(run: Run) -> dict[str, Any]:
    parts = run.model_dump(exclude_defaults=True)
    defined = {name: value for name, value in run.summary.items() if not math.isnan(value)}
    return {**parts, "summary": rounded(defined)} if defined else parts


def _group(group: Group) -> dict[str, Any]:
    names = ("experiments", "seeds", "fitted", "diverged")
    counts = {name: getattr(group, name) for name in names}
    return {**group.by, "newest": group.newest, **counts, **rounded(group.metrics)}


def _rows_where(columns: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, Any]:
    return {
        name: rounded(column[mask].tolist()) for name, column in columns.items() if name != "seed"
    }
