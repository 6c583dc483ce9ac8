"""Expansion of a sweep: validates, admits and hashes its experiments before the short write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.cost import Cost
from core.errors import Problem, SpecError
from core.spec import METADATA, FromExperimentStart
from core.spec.axis import Axes, paths
from core.spec.sweep import Point, SweepSpec
from service.context import AppContext
from service.intake.admission import admit
from service.intake.sources import with_source_ids
from service.settings import Settings
from store.experiments import warm_start
from store.experiments.draft import Draft
from store.sweeps.draft import SweepDraft
from store.sweeps.warnings import SweepWarning

LIMIT_FACTOR = 100
"""A sweep may cost as much as this many experiments at the limit."""


@dataclass(frozen=True)
class Expansion:
    """A sweep, ready to be stored.

    Attributes:
        draft: The sweep and its experiments.
        cost: Operations and storage of all experiments, memory of the largest.
        warnings: Their distinct warnings.
    """

    draft: SweepDraft
    cost: Cost
    warnings: Sequence[SweepWarning]


def expand(sweep: SweepSpec, context: AppContext) -> Expansion:
    """Expands ``sweep`` to its experiments.

    Raises:
        SpecError: An experiment is invalid, exceeds a limit or can't start from its source; or all
            of them together exceed a limit.
    """
    sweep = with_source_ids(sweep, context)
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
    _require_affordable(len(points), total, context.settings)
    drafts = [(_draft(point), warnings[point.spec_hash]) for point in points]
    return Expansion(SweepDraft(sweep, points, drafts), total, _distinct(points, warnings))


def extended_spec(sweep: SweepSpec, axes: Axes) -> SweepSpec:
    """A sweep with other axes.

    Raises:
        SpecError: They lack an axis of the sweep, whose members differ on it.
    """
    if dropped := [path for path in paths(sweep.axes) if path not in paths(axes)]:
        message = (
            f"should keep {', '.join(dropped)}, on which the sweep's experiments differ; to vary "
            "other fields only, submit another sweep"
        )
        raise SpecError([Problem("/axes", "axis_dropped", message)])
    return sweep.model_copy(update={"axes": axes})


def _require_affordable(count: int, total: Cost, settings: Settings) -> None:
    checks = (
        (total.flop, LIMIT_FACTOR * settings.max_experiment_flop, "floating-point operations"),
        (total.storage_mb, LIMIT_FACTOR * settings.max_experiment_mb, "MB of storage"),
    )
    problems = []
    for needed, limit, unit in checks:
        if needed > limit:
            message = (
                f"its {count} experiments would take about {needed:.2g} {unit} together; use fewer "
                "or smaller experiments"
            )
            problems.append(Problem("/axes", "too_costly", message, allowed=f"at most {limit:.2g}"))
    if problems:
        raise SpecError(problems)


def _draft(point: Point) -> Draft:
    content = point.spec.model_dump(mode="json", exclude=set(METADATA))
    return Draft(point.spec, point.spec_hash, point.setup_hash, content)


def _distinct(
    points: Sequence[Point], warnings: Mapping[str, Sequence[str]]
) -> Sequence[SweepWarning]:
    first: dict[str, Mapping[str, Any]] = {}
    counts: dict[str, int] = {}
    for point in points:
        for message in warnings[point.spec_hash]:
            first.setdefault(message, point.coordinates)
            counts[message] = counts.get(message, 0) + 1
    return [SweepWarning(message, first[message], count) for message, count in counts.items()]
