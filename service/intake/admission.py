"""Admission of an experiment: its estimated cost within the limits, and its warnings."""

from core import cost
from core.cost import Cost
from core.errors import Problem, SpecError
from core.spec import ExperimentSpec
from core.warnings import warnings
from service.settings import Settings
from store.experiments.draft import Options


def default_options(settings: Settings) -> Options:
    """The options of experiments that are submitted without any."""
    return Options(max_seconds=settings.max_seconds)


def admit(spec: ExperimentSpec, settings: Settings) -> tuple[Cost, list[str]]:
    """Estimates the cost of ``spec`` and collects its warnings.

    Raises:
        SpecError: The cost exceeds a limit.
    """
    estimate = cost.estimate(spec)
    max_flop, max_mb = settings.max_experiment_flop, settings.max_experiment_mb
    checks = (
        (
            "/optimizer/steps",
            estimate.flop,
            max_flop,
            "floating-point operations",
            "fewer steps or seeds or a smaller dim",
        ),
        (
            "/student/dim",
            estimate.memory_mb,
            max_mb,
            "MB of memory",
            "a smaller dim, length or horizon, or fewer seeds",
        ),
        (
            "/evaluation/points",
            estimate.storage_mb,
            max_mb,
            "MB of storage",
            "fewer points, a smaller horizon or dim",
        ),
    )
    problems = []
    for pointer, needed, limit, unit, remedy in checks:
        if needed > limit:
            message = f"the experiment would take about {needed:.2g} {unit}; try {remedy}"
            problems.append(Problem(pointer, "too_costly", message, allowed=f"at most {limit:.2g}"))
    if problems:
        raise SpecError(problems)
    return estimate, warnings(spec)
