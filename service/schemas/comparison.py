"""Experiments side by side, as they travel."""

from typing import Any

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Number
from store.states import State


class ComparedExperiment(Answer):
    """One of them."""

    id: str
    name: str
    state: State
    setup_hash: str
    seeds: int
    outcomes: dict[Outcome, int] = Field(description="How many of its runs ended so.")


class FieldDifference(Answer):
    """A field in which they differ."""

    path: str
    values: list[Any] = Field(
        description="What each has there, in their order; null where it has nothing."
    )


class Comparison(Answer):
    """Two or more experiments, in the order in which they were asked for."""

    experiments: list[ComparedExperiment]
    differences: list[FieldDifference]
    metrics: dict[str, list[dict[str, Number] | None]] = Field(
        description="By metric, for each of them statistics over its runs; null until they have ended."
    )
    figures: dict[str, str]
