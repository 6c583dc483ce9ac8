"""Schemas of a comparison of experiments."""

from typing import Any

from pydantic import Field

from core.result import Outcome
from service.schemas.base import Answer, Number
from store.states import State


class ComparedExperiment(Answer):
    """A compared experiment."""

    id: str
    name: str
    label: str = Field(
        description="What tells it from the others, as figures show it: the names if all are given "
        "and different, else the fewest fields that tell all apart."
    )
    state: State
    setup_hash: str
    seeds: int
    outcomes: dict[Outcome, int] = Field(description="Number of runs by outcome.")


class FieldDifference(Answer):
    """A spec field in which the experiments differ."""

    path: str
    values: list[Any] = Field(
        description="The field's value in each experiment, in their order; null if it has none."
    )


class Comparison(Answer):
    """Two or more experiments, in the order in which they were requested."""

    experiments: list[ComparedExperiment]
    differences: list[FieldDifference]
    metrics: dict[str, list[dict[str, Number] | None]] = Field(
        description="By metric: each experiment's statistics over its runs, null until they end."
    )
    figures: dict[str, str]
