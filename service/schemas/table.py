"""Rows of the table of a question."""

from typing import Any

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Number


class Group(Answer):
    """Runs that have the fields of ``by`` in common."""

    by: dict[str, Any] = Field(
        description="What they have there, by path; null where there is nothing."
    )
    experiments: int
    newest: str = Field(description="Id of the newest of the experiments.")
    name: str = Field(description="Its name.")
    seeds: int = Field(description="Runs, each seed of a setup once.")
    diverged: int = Field(description="Those that did.")
    metrics: dict[str, dict[str, Number]] = Field(
        description="By metric and statistic. A diverged run counts as infinite. Quartiles are of the nearest rank; "
        "`standard_error` is of the mean, NaN for one run."
    )


class GroupedRun(Answer):
    """One run."""

    by: dict[str, Any]
    experiment: str
    seed: int
    outcome: Outcome
    steps: int
    metrics: dict[str, Number] = Field(description="As they were at the last step.")
