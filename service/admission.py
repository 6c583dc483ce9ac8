"""Whether an experiment is let in: what it would cost against the limits, and what is questionable about it."""

import numpy as np

from core import cost
from core.cost import Cost
from core.errors import Problem, SpecError
from core.spec import DelayTeacher, ExperimentSpec, ExplicitTeacher, FiniteSampleLoss
from core.warnings import warnings
from service.settings import Settings

LOOKED_AT = 2e8
"""Operations that a look for warnings may take: about a second. The largest teachers and samples would take minutes."""


def admit(spec: ExperimentSpec, settings: Settings) -> tuple[Cost, list[str]]:
    """The estimated cost of ``spec`` and its warnings; raises SpecError where it is above a limit."""
    estimate = cost.estimate(spec)
    flop, mb = settings.max_experiment_flop, settings.max_experiment_mb
    limits = (
        ("/optimizer/steps", estimate.flop, flop, "floating-point operations", "fewer steps or seeds or a smaller dim"),
        ("/student/dim", estimate.memory_mb, mb, "MB of memory", "a smaller dim or length, or fewer seeds"),
        ("/evaluation/points", estimate.storage_mb, mb, "MB of storage", "fewer points, a smaller horizon or dim"),
    )
    problems = [
        Problem(pointer, "too_costly", f"the experiment would take about {needed:.2g} {unit}; try {remedy}",
                allowed=f"at most {limit:.2g}")
        for pointer, needed, limit, unit, remedy in limits
        if needed > limit
    ]  # fmt: skip
    if problems:
        raise SpecError(problems)
    if _effort(spec) > LOOKED_AT:
        return estimate, ["The teacher or the sample is too large to look for doubtful choices before training."]
    with np.errstate(all="ignore"):  # numbers near the largest are legal; what overflows is no error here
        return estimate, warnings(spec)


def _effort(spec: ExperimentSpec) -> float:
    """Operations that warnings take: eigenvalues of the teacher, 25 d̂³, and drawing a sample, N k²."""
    teacher, loss = spec.teacher, spec.training.loss
    if isinstance(teacher, ExplicitTeacher):
        states = len(teacher.A)
    else:
        states = teacher.lag + 1 if isinstance(teacher, DelayTeacher) else getattr(teacher, "dim", 2)
    sequences = (loss.sequences or 0) if isinstance(loss, FiniteSampleLoss) else 0
    return 25.0 * states**3 + float(sequences) * spec.training.length**2
