"""A sweep before it is stored: every experiment validated, admitted and hashed, so that the write is short."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.cost import Cost
from core.errors import Problem, SpecError
from core.spec import METADATA, FromExperimentStart
from core.spec.sweep import Point, SweepSpec
from service.context import AppContext
from service.intake.admission import admit
from service.settings import Settings
from store.experiments import warm_start
from store.experiments.draft import Draft
from store.sweeps.repository import Draft as SweepDraft

LARGEST = 100
"""A sweep may take as much as so many of the largest experiments."""


@dataclass(frozen=True)
class Doubt:
    """A warning, the coordinates of the first experiment that it is about, and how many there are."""

    message: str
    first: Mapping[str, Any]
    experiments: int


@dataclass(frozen=True)
class Expansion:
    """A sweep, ready to be stored.

    Attributes:
        draft: What is stored.
        cost: Operations and storage of all experiments, memory of the largest.
        doubts: Their warnings, each once.
    """

    draft: SweepDraft
    cost: Cost
    doubts: Sequence[Doubt]


def expand(sweep: SweepSpec, context: AppContext) -> Expansion:
    """Every experiment of ``sweep``.

    Raises:
        SpecError: Some are not valid, above a limit, or start from what they can't; or all together
            are above a limit.
    """
    costs: list[Cost] = []
    warnings: dict[str, list[str]] = {}

    def check(point: Point) -> None:
        cost, warnings[point.spec_hash] = admit(point.spec, context.settings)
        if isinstance(point.spec.student.start, FromExperimentStart):
            with context.database.read() as tx:
                warm_start.check(tx, point.spec)
        costs.append(cost)

    points = sweep.expand(check)
    total = Cost(
        flop=sum(cost.flop for cost in costs),
        memory_mb=max(cost.memory_mb for cost in costs),
        storage_mb=sum(cost.storage_mb for cost in costs),
    )
    _refuse_absurd(len(points), total, context.settings)
    wishes = [(_draft(point), warnings[point.spec_hash]) for point in points]
    return Expansion(SweepDraft(sweep, points, wishes), total, _condensed(points, warnings))


def _refuse_absurd(count: int, total: Cost, settings: Settings) -> None:
    limits = (
        (total.flop, LARGEST * settings.max_experiment_flop, "floating-point operations"),
        (total.storage_mb, LARGEST * settings.max_experiment_mb, "MB of storage"),
    )
    problems = [
        Problem("/axes", "too_costly", f"its {count} experiments would take about {needed:.2g} {unit} together; take "
                "fewer of them, or make each smaller", allowed=f"at most {limit:.2g}")
        for needed, limit, unit in limits
        if needed > limit
    ]  # fmt: skip
    if problems:
        raise SpecError(problems)


def _draft(point: Point) -> Draft:
    content = point.spec.model_dump(mode="json", exclude=set(METADATA))
    return Draft(point.spec, point.spec_hash, point.setup_hash, content)


def _condensed(points: Sequence[Point], warnings: Mapping[str, Sequence[str]]) -> list[Doubt]:
    found: dict[str, Doubt] = {}
    for point in points:
        for message in warnings[point.spec_hash]:
            known = found.get(message, Doubt(message, point.coordinates, 0))
            found[message] = Doubt(message, known.first, known.experiments + 1)
    return list(found.values())
