"""Whether an experiment is let in: what it would cost against the limits, and what is questionable about it."""

from core import cost
from core.cost import Cost
from core.errors import Problem, SpecError
from core.spec import ExperimentSpec
from core.warnings import warnings
from service.settings import Settings


def admit(spec: ExperimentSpec, settings: Settings) -> tuple[Cost, list[str]]:
    """The estimated cost of ``spec`` and its warnings; raises SpecError where it is above a limit."""
    estimate = cost.estimate(spec)
    flop, mb = settings.max_experiment_flop, settings.max_experiment_mb
    limits = (
        (
            "/optimizer/steps",
            estimate.flop,
            flop,
            "floating-point operations",
            "fewer steps or seeds or a smaller dim",
        ),
        (
            "/student/dim",
            estimate.memory_mb,
            mb,
            "MB of memory",
            "a smaller dim, length or horizon, or fewer seeds",
        ),
        (
            "/evaluation/points",
            estimate.storage_mb,
            mb,
            "MB of storage",
            "fewer points, a smaller horizon or dim",
        ),
    )
    problems = [
        Problem(pointer, "too_costly", f"the experiment would take about {needed:.2g} {unit}; try {remedy}",
                allowed=f"at most {limit:.2g}")
        for pointer, needed, limit, unit, remedy in limits
        if needed > limit
    ]  # fmt: skip
    if problems:
        raise SpecError(problems)
    return estimate, warnings(spec)
