"""A lab's rows: experiments with chosen columns, groups of runs, and single runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from extrapolab.models.base import Record


class ExperimentColumns(Record):
    """An experiment in a list with chosen columns."""

    id: str

    @property
    def values(self) -> dict[str, Any]:
        """The value at each column."""
        return self.model_extra or {}


Statistics = Mapping[str, Mapping[str, float]]
"""Numbers by metric and statistic."""


def flatten_statistics(statistics: Statistics) -> dict[str, float]:
    """Returns the numbers by ``metric.statistic``."""
    return {
        f"{metric}.{name}": value
        for metric, values in statistics.items()
        for name, value in values.items()
    }


class TableRun(Record):
    """One run of a group, with its metrics as stored."""

    experiment: str
    seed: int
    outcome: str
    steps: int
    metrics: dict[str, float | None]


class Group(Record):
    """Runs that share the fields of ``by``, with statistics by metric and name.

    ``states`` counts their experiments, and ``missing`` the seeds of those that are not completed;
    ``runs`` are listed on request.
    """

    by: dict[str, Any]
    experiments: int
    newest: str
    name: str = ""
    seeds: int
    fitted: int | None = None
    diverged: int
    missing: int = 0
    states: dict[str, int] = Field(default_factory=dict)
    created: datetime | None = None
    metrics: dict[str, dict[str, float]]
    runs: tuple[TableRun, ...] | None = None

    @property
    def flat(self) -> dict[str, Any]:
        """One row: the fields of ``by``, the counts, and numbers called ``metric.statistic``."""
        names = ("experiments", "newest", "name", "seeds", "fitted", "diverged")
        counts = {name: getattr(self, name) for name in names}
        return {**self.by, **counts, **flatten_statistics(self.metrics)}


class GroupedRun(Record):
    """One run, with its experiment's values of the fields of ``by``."""

    by: dict[str, Any]
    experiment: str
    seed: int
    outcome: str
    steps: int
    metrics: dict[str, float | None]

    @property
    def flat(self) -> dict[str, Any]:
        """One row: the fields of ``by``, the run, and its metrics."""
        run = {name: getattr(self, name) for name in ("experiment", "seed", "outcome", "steps")}
        return {**self.by, **run, **self.metrics}
