"""Metrics of imported runs that follow from their spec and from what the file has."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from core import teachers
from core.caveats import undefined
from core.metrics.errors import relative_error
from core.spec import ExperimentSpec, LinearTeacher, RecurrentTeacher, states
from core.systems import impulse_response
from store.arrays.packed import is_missing
from store.records import RunRecord

MAX_OPERATIONS = 2e7
"""Most operations spent on a teacher's response: milliseconds, as a file can have many teachers."""

ABSOLUTE, RELATIVE, BASELINE = (
    "extrapolation_error",
    "relative_extrapolation_error",
    "zero_baseline",
)


def zero_baseline(spec: ExperimentSpec) -> float | None:
    """Max |ĥ_j| over k <= j < q; None for a teacher that isn't linear, or is very large."""
    teacher = spec.teacher
    if isinstance(teacher, RecurrentTeacher) or getattr(teacher, "readout", None) is not None:
        return None
    if states(teacher) ** 2 * spec.horizon > MAX_OPERATIONS:
        return None
    response = _response(teacher, spec.horizon)
    return float(np.abs(response[spec.training.length :]).max())


@lru_cache(maxsize=8)
def _response(teacher: LinearTeacher, horizon: int) -> np.ndarray:
    """The teacher's response; the experiments of a file often share their teacher."""
    return impulse_response(teachers.build(teacher), horizon)


def complete_runs(baseline: float | None, runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs with their zero baseline and relative error; what the file has is kept."""
    return [_completed(baseline, run) for run in runs]


def complete_points(
    baseline: float | None, points: Mapping[str, np.ndarray]
) -> Mapping[str, np.ndarray]:
    """The recorded points with their relative errors; what the file has is kept."""
    if not points or baseline is None:
        return points
    derived = is_missing(points[RELATIVE]) & ~is_missing(points[ABSOLUTE])
    with np.errstate(all="ignore"):
        computed = relative_error(points[ABSOLUTE], baseline)
    return {**points, RELATIVE: np.where(derived, computed, points[RELATIVE])}


def _completed(baseline: float | None, run: RunRecord) -> RunRecord:
    summary = dict(run.summary)
    if baseline is not None:
        summary.setdefault(BASELINE, baseline)
    if ABSOLUTE in summary and BASELINE in summary:
        with np.errstate(all="ignore"):
            quotient = relative_error(np.array(summary[ABSOLUTE]), summary[BASELINE])
        summary.setdefault(RELATIVE, float(quotient))
    if RELATIVE in summary and summary.get(BASELINE) in {0, math.inf}:
        summary[RELATIVE] = math.nan
        return replace(run, summary=summary, warnings=(*run.warnings, *undefined(summary)))
    return replace(run, summary=summary)
