"""Schemas of rows in a table over many experiments."""

from typing import Any, Generic

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Item, Number, Page, Time
from store.states import State


class TableRun(Answer):
    """One run of a group."""

    experiment: str
    seed: int
    outcome: Outcome
    steps: int
    metrics: dict[str, Number | None] = Field(
        description="Metrics at the last step, by name; null if the run was imported without it, "
        "or is older than the metric."
    )


class Group(Answer):
    """Runs with equal values of the fields in ``by``."""

    by: dict[str, Any] = Field(description="Their common values by path; null if there is none.")
    experiments: int
    newest: str = Field(description="Id of the newest experiment.")
    name: str = Field(description="Name of the newest experiment.")
    created: Time = Field(description="Time of the newest experiment.")
    seeds: int = Field(description="Number of runs, counting each seed of a setup once.")
    fitted: int = Field(description="Number of runs that fit.")
    diverged: int = Field(description="Number of runs that diverged.")
    missing: int = Field(
        description="Number of further seeds, of experiments that are not completed."
    )
    states: dict[State, int] = Field(description="Number of experiments by state.")
    metrics: dict[str, dict[str, Number]] = Field(
        description="By metric and statistic. A diverged run counts as infinite, except in metrics "
        "of the teacher. Quartiles are of the nearest rank; `standard_error` is of the mean, NaN "
        "for one run. NaN if nothing is completed."
    )
    runs: list[TableRun] | None = Field(
        None,
        description="With `include=seeds`: its runs, at most 200, those of the newest experiments "
        "first.",
    )


class GroupedRun(Answer):
    """One run, with the fields that the table groups by."""

    by: dict[str, Any]
    experiment: str
    seed: int
    outcome: Outcome
    steps: int
    metrics: dict[str, Number | None] = Field(
        description="Metrics at the last step, by name; null if the run was imported without it, "
        "or is older than the metric."
    )


class TablePage(Page[Item], Generic[Item]):
    """One page of a table."""

    __qualname__ = "Page"  # its name in the OpenAPI document, where it is a page like any other

    count: int | None = Field(
        None, description="With `include=count`: the number of rows on all pages."
    )
