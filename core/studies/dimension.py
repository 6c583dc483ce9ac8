"""The student's dimension: spare states don't matter to a start that leaves them unused.

Cohen-Karlik et al. (2023): "irrespective of how large its state space dimension is". Here d grows
from a few to many times the teacher's 2 states, and nothing else changes.

What is low-dimensional depends on the start. From near zero, A itself has two eigenvalues that
aren't almost 0. A large balanced start keeps all of its eigenvalues and extrapolates too: its spare
states have little weight in the response. The Hankel singular values are those of the response,
which both get right, so they can't tell the two apart.

A large unstructured start fits as well. The training length at which its error falls grows with d.

The dimensions, scales, steps and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.evidence import Evidence
from core.metrics.spectrum import effective_rank
from core.panels import ZERO_BASELINE, Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    GENERAL,
    NEAR,
    POLES,
    STARTS,
    TEACHER,
    least_error,
    least_ratio,
    relative_error,
    slope_with_error,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import (
    ClaimKind,
    EvidenceSlice,
    Hypothesis,
    Size,
    Study,
    judge_hypothesis,
)
from core.symbols import axis_label

LONGER = "longer sequences, {}"
"""The arms in which k grows with d, by start."""

LENGTH = 6
DIMS: Mapping[Size, tuple[int, ...]] = {
    "quick": (10, 20, 50, 100),
    "full": (10, 20, 50, 100, 150, 200),
}
LONGER_DIMS: Mapping[Size, tuple[int, ...]] = {
    "quick": (8, 16, 24, 32),
    "full": (8, 16, 24, 32, 40, 48),
}
EIGHTHS = (3, 4, 5, 6, 7, 8)
"""8 k / d of the longer sequences."""

FALLEN = 0.1
"""The relative error below which the error of a large general start has fallen."""

RANK = float(effective_rank(np.abs(POLES)))
"""The effective rank of the teacher's eigenvalues."""


class DimensionStudy(Study):
    """The study that this module describes."""

    name = "dimension"
    headline = "Dimension: students far larger than their teacher"
    title = "Error and rank against the student's dimension"
    question = "Does it matter how many more states the student has than it needs?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every dimension, at one length and at lengths that grow with d."""
        is_full = size == "full"
        arms = {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 10, **student},
                    "training": {"length": LENGTH},
                    "optimizer": {"lr": 0.01, "steps": 40_000 if is_full else 10_000},
                    "evaluation": {
                        "horizon": LENGTH + 20,
                        "points": 30,
                        "fit_tolerance": 0.01,
                        "metrics": ["eigenvalue_effective_rank"],
                    },
                    "seeds": 10 if is_full else 3,
                },
                {"path": "student.dim", "values": DIMS[size]},
            )
            for arm, student in STARTS.items()
        }
        longer = {
            LONGER.format(arm): sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 8, **STARTS[arm]},
                    "optimizer": {"lr": 0.001, "steps": 100_000 if is_full else 20_000},
                    "evaluation": {"points": 20, "fit_tolerance": 0.01, "metrics": []},
                    "seeds": 10 if is_full else 3,
                },
                zip_axis(
                    [
                        {
                            "student.dim": d,
                            "training.length": d * eighths // 8,
                            "evaluation.horizon": d * eighths // 8 + 20,
                        }
                        for d in LONGER_DIMS[size]
                        for eighths in eighths_of
                    ]
                ),
            )
            for arm, eighths_of in ((NEAR, (4,)), (GENERAL, EIGHTHS))
        }
        return arms | longer

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        near, balanced, general = (self.arm(size, evidence, arm) for arm in STARTS)
        near_longer, general_longer = (
            self.arm(size, evidence, LONGER.format(arm)) for arm in (NEAR, GENERAL)
        )
        return (
            judge_hypothesis(
                "From a near-zero start, a student extrapolates however many states it has",
                f"max over d of {ERROR}, over seeds that fit < 0.001",
                near,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "The error of a near-zero start grows far more slowly than d",
                "slope of log error in log d, if every error is < 0.001, over seeds that fit, "
                "+ 2 standard errors < 1",
                near,
                lambda experiments: (
                    _upper_slope(experiments, "relative_extrapolation_error")
                    if worst_error(experiments) < 0.001
                    else math.nan
                ),
                kind=ClaimKind.EXTRAPOLATES,
                below=1,
            ),
            judge_hypothesis(
                "From a large balanced start it extrapolates too",
                f"max over d of {ERROR}, over seeds that fit < 0.1",
                balanced,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.1,
            ),
            judge_hypothesis(
                "Only from near zero is A low-dimensional: the other one keeps its eigenvalues",
                "min over d of the ratio of the median effective ranks of the eigenvalues, large "
                "balanced / near-zero start, over seeds that fit > 3",
                near + balanced,
                lambda experiments: least_ratio(experiments, _rank),
                kind=ClaimKind.CONTRAST,
                above=3,
            ),
            judge_hypothesis(
                "Its effective rank from near zero hardly grows with d",
                "slope of its log in log d, over seeds that fit, + 2 standard errors < 0.5",
                near,
                lambda experiments: _upper_slope(experiments, "eigenvalue_effective_rank"),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.5,
            ),
            judge_hypothesis(
                f"At k = {LENGTH}, a large general start fits but does not extrapolate at any d",
                f"min over d of {ERROR}, over seeds that fit > 0.5",
                general,
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "A large general start needs a training length that grows with d",
                f"slope in d of the k at which {ERROR} falls below {FALLEN:g}, over seeds that "
                "fit, - 2 standard errors > 0.2",
                general_longer,
                _lower_slope_of_fall,
                kind=ClaimKind.EXTRAPOLATES,
                above=0.2,
            ),
            judge_hypothesis(
                "At k = d / 2, a near-zero start extrapolates, and a large general one does not",
                "min over d of the ratio of their errors, over seeds that fit > 100",
                near_longer + _at_half(general_longer),
                least_ratio,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error and the eigenvalues' effective rank against d, and the error against k / d."""
        experiments_by_arm = {arm: self.arm(size, evidence, arm).experiments for arm in STARTS}
        general = self.arm(size, evidence, LONGER.format(GENERAL)).experiments
        return (
            Panel(
                title=f"k = {LENGTH}",
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
                title=f"k = {LENGTH}",
                x=axis_label("student.dim"),
                y=axis_label("eigenvalue_effective_rank"),
                x_scale="log",
                lines=[
                    quartile_line(arm, experiments, _dim, "eigenvalue_effective_rank")
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[Mark(label=f"the teacher's, {RANK:.2f}", at=RANK)],
            ),
            Panel(
                title="large general start, longer sequences",
                x=axis_label("training.length"),
                y=ERROR_AXIS,
                lines=[
                    quartile_line(
                        f"d = {d}",
                        [one for one in general if _dim(one) == d],
                        lambda one: one.spec.training.length,
                    )
                    for d in LONGER_DIMS[size]
                ],
                levels=[ZERO_BASELINE],
                ordered=True,
            ),
        )


def _dim(experiment: Evidence) -> float:
    return experiment.spec.student.dim


def _rank(experiment: Evidence) -> float:
    return experiment.median("eigenvalue_effective_rank")


def _upper_slope(experiments: Sequence[Evidence], metric: str) -> float:
    """The slope of a metric's log in log d over all seeds, + 2 standard errors."""
    pairs = [(_dim(one), value) for one in experiments for value in one.values(metric)]
    slope, standard_error = slope_with_error(*np.log(pairs).T)
    return slope + 2 * standard_error


def _at_half(evidence: EvidenceSlice) -> EvidenceSlice:
    """The evidence at k = d / 2."""
    points = [p for p in evidence.points if 2 * p.spec.training.length == p.spec.student.dim]
    return EvidenceSlice.of(points, evidence.experiments)


def _lower_slope_of_fall(experiments: Sequence[Evidence]) -> float:
    """The slope in d of the k at which the error falls, - 2 standard errors."""
    dims = sorted({_dim(one) for one in experiments})
    falls = [_fall([one for one in experiments if _dim(one) == d]) for d in dims]
    slope, standard_error = slope_with_error(dims, falls)
    return slope - 2 * standard_error


def _fall(experiments: Sequence[Evidence]) -> float:
    """The k, between those of the sweep, at which log error passes that of FALLEN for good."""
    k = [one.spec.training.length for one in experiments]
    logs = [float(np.log(relative_error(one) / FALLEN)) for one in experiments]
    above = [i for i, value in enumerate(logs) if not value < 0]
    if not above or above[-1] == len(k) - 1:
        return math.nan
    i = above[-1]
    return k[i] + (k[i + 1] - k[i]) * logs[i] / (logs[i] - logs[i + 1])
