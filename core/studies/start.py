"""The start: its scale, and whether it is balanced.

Near zero, the imbalance decays while the balanced part grows, so a start of scale s leaves the
origin with an imbalance of the order s²: d(B - Cᵀ)/dt = S (B - Cᵀ), d(B + Cᵀ)/dt = -S (B + Cᵀ), and
|B|² - |C|² is conserved. The final imbalance and extrapolation error are then both proportional to
s². A large unbalanced start fits but does not extrapolate.

Source: the statement on near-zero starts of Cohen-Karlik et al. (2023), from memory; the exponents
are our measurements.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    TEACHER,
    least_error,
    log_log_slope,
    sweep,
    worst_error,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

UNBALANCED, BALANCED = "unbalanced start", "balanced start"
SCALES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SMALL = SCALES[:5]
LENGTH = 6


class StartStudy(Study):
    """The study that this module describes."""

    name = "start"
    headline = "The start: how small, and how balanced, it must be"
    title = "The start: error and imbalance against its scale"
    question = "How small, and how balanced, must a start be?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Both kinds of start at every scale."""
        is_full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {
                        "kind": "linear",
                        "dim": 50 if is_full else 30,
                        "start": {"balanced": arm == BALANCED},
                    },
                    "training": {"length": LENGTH},
                    "optimizer": {"lr": 0.02, "steps": 200_000 if is_full else 40_000},
                    "evaluation": {
                        "horizon": LENGTH + 20,
                        "points": 60,
                        "fit_tolerance": 0.01,
                        "metrics": [],
                    },
                    "seeds": 10 if is_full else 5,
                },
                {"path": "student.start.scale", "values": SCALES},
            )
            for arm in (UNBALANCED, BALANCED)
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        small_scales = self.arm(size, evidence, UNBALANCED, scale=SMALL)
        return (
            judge_hypothesis(
                "The imbalance at the end is proportional to the square of the scale",
                "|exponent of median imbalance in s, s from 0.0001 to 0.01, - 2| < 0.3",
                small_scales,
                lambda experiments: abs(
                    log_log_slope(
                        SMALL, [experiment.median("imbalance") for experiment in experiments]
                    )
                    - 2
                ),
                kind=ClaimKind.TRAINING,
                below=0.3,
            ),
            judge_hypothesis(
                "The extrapolation error is proportional to the square of the scale too",
                "|exponent of median extrapolation error in s, s from 0.0001 to 0.01, - 2| < 0.3",
                small_scales,
                lambda experiments: abs(
                    log_log_slope(
                        SMALL,
                        [experiment.median("extrapolation_error") for experiment in experiments],
                    )
                    - 2
                ),
                kind=ClaimKind.TRAINING,
                below=0.3,
            ),
            judge_hypothesis(
                "A balanced start extrapolates at every scale",
                f"max over s of {ERROR} < 0.1",
                self.arm(size, evidence, BALANCED),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.1,
            ),
            judge_hypothesis(
                "A large unbalanced start fits but does not extrapolate",
                f"{ERROR} at s = 1, over seeds that fit > 0.5",
                self.arm(size, evidence, UNBALANCED, scale=1.0),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error and the imbalance against the scale."""
        experiments_by_arm = {
            arm: self.arm(size, evidence, arm).experiments for arm in (UNBALANCED, BALANCED)
        }
        return (
            Panel(
                x=axis_label("student.start.scale"),
                y=ERROR_AXIS,
                x_scale="log",
                lines=[
                    quartile_line(arm, experiments, _scale)
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x=axis_label("student.start.scale"),
                y=f"{axis_label('imbalance')} at the end",
                x_scale="log",
                lines=[
                    quartile_line(UNBALANCED, experiments_by_arm[UNBALANCED], _scale, "imbalance")
                ],
            ),
        )


def _scale(experiment: Evidence) -> float:
    return float(getattr(experiment.spec.student.start, "scale", float("nan")))
