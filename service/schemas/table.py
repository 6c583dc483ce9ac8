"""Schemas of rows in a table over many experiments."""

from typing import Any

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Number


class Group(Answer):
    """Runs with equal values of the fields in ``by``."""

    by: dict[str, Any] = Field(description="Their common values by path; null if there is none.")
    experiments: int
    newest: str = Field(description="Id of the newest experiment.")
    name: str = Field(description="Name of the newest experiment.")
    seeds: int = Field(description="Number of runs, counting each seed of a setup once.")
    fitted: int = Field(description="Number of runs that fit.")
    diverged: int = Field(description="Number of runs that diverged.")
    metrics: dict[str, dict[str, Number]] = Field(
        description="By metric and statistic. A diverged run counts as infinite, except in metrics "
        "of the teacher. Quartiles are of the nearest rank; `standard_error` is of the mean, NaN "
        "for one run."
    )


class GroupedRun(Answer):
    """One run, with the fields that the table groups by."""

    by: dict[str, Any]
    experiment: str
    seed: int
    outcome: Outcome
    steps: int
    metrics: dict[str, Number] = Field(description="Metrics at the last step, by name.")
