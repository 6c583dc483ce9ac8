"""The balanced teacher: at which training lengths, and from which starts, GD extrapolates.

Theorem (Cohen-Karlik et al. 2023, wording reconstructed): for a balanced teacher, a symmetric
student and d > k > 2 d̂, gradient flow from a balanced start extrapolates if it brings the loss to
0, whatever the student's dimension d. The paper argues that a start near zero becomes balanced by
itself.

Here one teacher of d̂ = 2 states meets four starts. The near-zero one extrapolates from k = 2 d̂ on,
one time step before the theorem; the balanced one from k = 2 d̂ + 1 on. A large unstructured start
fits as well and is as wrong as answering zero for several more time steps; its error falls only
where k approaches the student's dimension. The studies `threshold` and `dimension` vary the teacher
and the student's dimension.

The exact values in the paper's experiments are not known; the teacher, scales, steps and bounds are
ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import (
    BALANCED,
    ERROR,
    ERROR_AXIS,
    GENERAL,
    LARGE_BALANCED,
    LARGE_GENERAL,
    NEAR,
    NEAR_ZERO,
    TEACHER,
    THRESHOLD,
    least_error,
    relative_error,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, EvidenceSlice, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

PAST_THE_LENGTH = 20
"""The horizon is k + 20."""

UNBALANCED = "large unbalanced start"
ARMS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        NEAR: NEAR_ZERO,
        BALANCED: LARGE_BALANCED,
        UNBALANCED: {"structure": "symmetric", "start": {"scale": 0.7}},
        GENERAL: LARGE_GENERAL,
    }
)
"""Students by the name of their start. A large start has a spectral radius of A of about 1."""


CHEAP_METRICS = ("effective_rank", "eigenvalue_effective_rank", "spectral_radius")
"""Metrics besides those of the response; the sharpness would take longer than the training."""


@dataclass(frozen=True)
class StudySize:
    """The size of the study's sweeps."""

    dim: int
    lengths: tuple[int, ...]
    lr: float
    steps: int
    points: int
    seeds: int


SIZES: Mapping[Size, StudySize] = MappingProxyType(
    {
        "quick": StudySize(
            dim=30, lengths=(2, 3, 4, 5, 6, 8, 10, 14), lr=0.01, steps=10_000, points=60, seeds=5
        ),
        "full": StudySize(
            dim=50,
            lengths=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30),
            lr=0.003,
            steps=200_000,
            points=200,
            seeds=10,
        ),
    }
)


class BalancedStudy(Study):
    """The study that this module describes."""

    name = "balanced"
    headline = "Training length: where extrapolation begins"
    title = "Balanced teacher: error against training length"
    question = "At which training lengths, and from which starts, does GD extrapolate?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every training length."""
        study_size = SIZES[size]
        lengths = [
            {"training.length": k, "evaluation.horizon": k + PAST_THE_LENGTH}
            for k in study_size.lengths
        ]
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": study_size.dim, **student},
                    "optimizer": {"kind": "gd", "lr": study_size.lr, "steps": study_size.steps},
                    "evaluation": {
                        "points": study_size.points,
                        "fit_tolerance": 0.01,
                        "metrics": CHEAP_METRICS,
                    },
                    "seeds": study_size.seeds,
                },
                zip_axis(lengths),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text, on medians over seeds."""

        def at(arm: str, lengths: Sequence[int]) -> EvidenceSlice:
            return self.arm(size, evidence, arm, length=lengths)

        from_threshold = [k for k in SIZES[size].lengths if k >= THRESHOLD]
        above = from_threshold[1:]
        longest = SIZES[size].lengths[-1]
        return (
            judge_hypothesis(
                "From a near-zero start, GD extrapolates from k = 2 d̂ on",
                f"max over k >= 2 d̂ of {ERROR}, over seeds that fit < 0.01",
                at(NEAR, from_threshold),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
            judge_hypothesis(
                "From a large balanced start it extrapolates from k = 2 d̂ + 1 on, as the theorem "
                "says",
                f"max over k > 2 d̂ of {ERROR}, over seeds that fit < 0.1",
                at(BALANCED, above),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.1,
            ),
            judge_hypothesis(
                "There is a cliff: from k = 2 d̂ - 1 to 2 d̂, the error from a near-zero start falls "
                "by orders of magnitude",
                f"{ERROR} at k = 2 d̂ - 1 / that at 2 d̂, over seeds that fit > 1000",
                at(NEAR, [THRESHOLD - 1, THRESHOLD]),
                lambda experiments: relative_error(experiments[0]) / relative_error(experiments[1]),
                kind=ClaimKind.CONTRAST,
                above=1000,
            ),
            judge_hypothesis(
                "From a large balanced start k > 2 d̂ is needed: at k = 2 d̂ it fits but does not "
                "extrapolate",
                f"{ERROR} at k = 2 d̂, over seeds that fit > 0.1",
                at(BALANCED, [THRESHOLD]),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.1,
            ),
            judge_hypothesis(
                "A large general start fits the training length at k = 2 d̂ + 1",
                "median fit error at k = 2 d̂ + 1, < 0.001",
                at(GENERAL, [THRESHOLD + 1]),
                lambda experiments: experiments[0].median("fit_error"),
                kind=ClaimKind.FITS,
                below=0.001,
            ),
            judge_hypothesis(
                "But there it does not extrapolate: its error is about that of answering zero",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                at(GENERAL, [THRESHOLD + 1]),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "Its error falls at longer training lengths, still far above that of a near-zero "
                "start",
                f"{ERROR} at the longest k, large general / near-zero start, over seeds that fit "
                "> 1000",
                at(NEAR, [longest]) + at(GENERAL, [longest]),
                lambda experiments: relative_error(experiments[1]) / relative_error(experiments[0]),
                kind=ClaimKind.CONTRAST,
                above=1000,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, one line and band per start."""
        lines = [
            quartile_line(
                arm,
                self.arm(size, evidence, arm).experiments,
                lambda experiment: experiment.spec.training.length,
            )
            for arm in ARMS
        ]
        return (
            Panel(
                x=axis_label("training.length"),
                y=ERROR_AXIS,
                lines=lines,
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
        )
