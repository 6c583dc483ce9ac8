"""The student's dimension: the theorem holds for every d, however large.

Cohen-Karlik et al. (2023): "irrespective of how large its state space dimension is". Spare states
don't matter, since training uses only a few of them. Here d grows from a few to many times the
teacher's, and nothing else changes.

The dimensions, scales, steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    LARGE_BALANCED,
    LARGE_GENERAL,
    NEAR_ZERO,
    POLES,
    TEACHER,
    least_error,
    relative_error,
    sweep,
    worst_error,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

NEAR, BALANCED, GENERAL = "near-zero start", "large balanced start", "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = {
    NEAR: NEAR_ZERO,
    BALANCED: LARGE_BALANCED,
    GENERAL: LARGE_GENERAL,
}

LENGTH = 6
DIMS: Mapping[Size, tuple[int, ...]] = {
    "quick": (10, 20, 50, 100),
    "full": (10, 20, 50, 100, 150, 200),
}


class DimensionStudy(Study):
    """The study that this module describes."""

    name = "dimension"
    headline = "Dimension: students far larger than their teacher"
    title = "Error against the student's dimension"
    question = "Does it matter how many more states the student has than it needs?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every dimension."""
        is_full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 10, **student},
                    "training": {"length": LENGTH},
                    "optimizer": {"lr": 0.01, "steps": 40_000 if is_full else 10_000},
                    "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if is_full else 3,
                },
                {"path": "student.dim", "values": DIMS[size]},
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        near, balanced, general = (self.arm(size, evidence, arm) for arm in ARMS)
        return (
            judge_hypothesis(
                "From a near-zero start, a student extrapolates however many states it has",
                f"max over d of {ERROR} < 0.001",
                near,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "From a large balanced start it extrapolates too",
                f"max over d of {ERROR} < 0.1",
                balanced,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.1,
            ),
            judge_hypothesis(
                "The near-zero student uses as many states as the teacher has: ranks agree for "
                "every d",
                "max over d of |effective rank / its value at the smallest d - 1| < 0.001",
                near,
                _spread_of_ranks,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "A large general start fits but does not extrapolate, at any d",
                f"min over d of {ERROR}, over seeds that fit > 0.5",
                general,
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "There is no trend with d: the near-zero student's errors lie within one order "
                "of magnitude",
                f"largest over smallest {ERROR} < 10",
                near,
                lambda experiments: (
                    worst_error(experiments) / min(map(relative_error, experiments))
                ),
                kind=ClaimKind.EXTRAPOLATES,
                below=10,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error and the effective rank against d."""
        experiments_by_arm = {arm: self.arm(size, evidence, arm).experiments for arm in ARMS}
        return (
            Panel(
                x=axis_label("student.dim"),
                y=ERROR_AXIS,
                x_scale="log",
                lines=[
                    quartile_line(arm, experiments, _dim)
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x=axis_label("student.dim"),
                y=axis_label("effective_rank"),
                x_scale="log",
                y_scale="linear",
                lines=[
                    quartile_line(arm, experiments, _dim, "effective_rank")
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[Mark(label=f"teacher's states d̂ = {len(POLES)}", at=len(POLES))],
            ),
        )


def _dim(experiment: Evidence) -> float:
    return experiment.spec.student.dim


def _spread_of_ranks(experiments: Sequence[Evidence]) -> float:
    ranks = [experiment.median("effective_rank") for experiment in experiments]
    return max(abs(rank / ranks[0] - 1) for rank in ranks)
