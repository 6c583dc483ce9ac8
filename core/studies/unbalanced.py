"""The unbalanced teacher: symmetric A, weights of both signs, which the theorem does not cover.

GD from a near-zero start extrapolates here too. It conserves |B|² - |C|², which is almost 0, so it
ends with B_i = C_i for a weight w_i > 0 and with B_i = -C_i for w_i < 0: its imbalance |B - Cᵀ| is
2 √(Σ |w_i|) over negative weights, a property of the teacher and not a failure. A student that is
balanced throughout, C = Bᵀ by construction, has no negative weights. It can't fit, and its loss is
that of nonnegative least squares: of the best weights w_i >= 0 on all poles from -1.5 to 1.5.

The teacher, scales, steps and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    GENERAL,
    LARGE_GENERAL,
    NEAR,
    NEAR_ZERO,
    POLES,
    THRESHOLD,
    least_error,
    relative_error,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label
from core.theory.nonnegative import least_balanced_loss

SIGNED: Mapping[str, Any] = {
    "kind": "unbalanced",
    "eigenvalues": {"kind": "list", "values": POLES},
    "weights": (0.7, -0.5),
}
"""ĥ_j = 0.7 · 0.9^j - 0.5 · (-0.5)^j."""

TIED = "tied student, C = Bᵀ"
ARMS: Mapping[str, Mapping[str, Any]] = {
    NEAR: NEAR_ZERO,
    TIED: {**NEAR_ZERO, "tied": True},
    GENERAL: LARGE_GENERAL,
}
LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)
IMBALANCE = 2 * math.sqrt(-sum(weight for weight in SIGNED["weights"] if weight < 0))
"""|B - Cᵀ| of a student with the teacher's weights and |B_i| = |C_i|."""


class UnbalancedStudy(Study):
    """The study that this module describes."""

    name = "unbalanced"
    headline = "Unbalanced teachers: beyond the theorem's assumption"
    title = "Unbalanced teacher: error against training length"
    question = "Does GD from a near-zero start extrapolate if the teacher is not balanced?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every arm at every training length."""
        is_full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": SIGNED,
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **student},
                    "optimizer": {
                        "lr": 0.005 if is_full else 0.01,
                        "steps": 100_000 if is_full else 20_000,
                    },
                    "evaluation": {"points": 60, "fit_tolerance": 0.01, "metrics": []},
                    "seeds": 10 if is_full else 5,
                },
                zip_axis([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        from_threshold = [k for k in LENGTHS if k >= THRESHOLD]
        near, tied = (self.arm(size, evidence, arm, length=from_threshold) for arm in (NEAR, TIED))
        cliff = self.arm(size, evidence, NEAR, length=[THRESHOLD - 1, THRESHOLD])
        general = self.arm(size, evidence, GENERAL, length=THRESHOLD + 1)
        return (
            judge_hypothesis(
                "From a near-zero start, GD extrapolates from k = 2 d̂ on, as with a balanced "
                "teacher",
                f"max over k >= 2 d̂ of {ERROR}, over seeds that fit < 0.001",
                near,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "At k = 2 d̂ - 1 it fits as well, but does not extrapolate",
                f"{ERROR} at k = 2 d̂ - 1 / that at 2 d̂, over seeds that fit > 1000",
                cliff,
                lambda experiments: relative_error(experiments[0]) / relative_error(experiments[1]),
                kind=ClaimKind.CONTRAST,
                above=1000,
            ),
            judge_hypothesis(
                "It ends with the imbalance that the teacher's negative weights ask for",
                "max over seeds and k >= 2 d̂ of |imbalance - 2 √(Σ |w_i|) over w_i < 0| < 0.001",
                near,
                lambda experiments: max(
                    float(abs(one.values("imbalance") - IMBALANCE).max()) for one in experiments
                ),
                kind=ClaimKind.TRAINING,
                below=0.001,
            ),
            judge_hypothesis(
                "A tied student cannot fit: its loss is that of nonnegative least squares",
                "max over k >= 2 d̂ of |median training loss / the least one of weights >= 0 - 1| "
                "< 0.001",
                tied,
                lambda experiments: max(map(_distance_from_least_loss, experiments)),
                kind=ClaimKind.TRAINING,
                below=0.001,
            ),
            judge_hypothesis(
                "A large general start fits at k = 2 d̂ + 1 but does not extrapolate",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                general,
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error and the training loss against the training length."""
        experiments_by_arm = {arm: self.arm(size, evidence, arm).experiments for arm in ARMS}
        threshold = [Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)]
        return (
            Panel(
                x=axis_label("training.length"),
                y=ERROR_AXIS,
                lines=[
                    quartile_line(arm, experiments, _length)
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[ZERO_BASELINE],
                limits=threshold,
            ),
            Panel(
                x=axis_label("training.length"),
                y=f"{axis_label('train_loss')} at the end",
                lines=[
                    quartile_line(arm, experiments, _length, "train_loss")
                    for arm, experiments in experiments_by_arm.items()
                ],
                limits=threshold,
            ),
        )


def _length(experiment: Evidence) -> float:
    return experiment.spec.training.length


def _distance_from_least_loss(experiment: Evidence) -> float:
    """|median training loss / the least loss of nonnegative weights - 1|."""
    lags = np.arange(experiment.spec.training.length)
    response = np.power.outer(POLES, lags).T @ SIGNED["weights"]
    return abs(experiment.median("train_loss") / least_balanced_loss(response) - 1)
