"""Long memory: teachers whose response never decays, so a student with fading memory must fail.

A rotation of the plane oscillates for ever, and an integrator (a pole at 1) adds up all that it
gets. Trained on k steps, a student is followed for 100 steps more. The slow rotation doesn't
complete a turn within any of the training lengths. GD from near zero is compared with GD from a
large start, which fits as well.

A delay line returns an earlier input. Its memory ends inside the training length, so what is to be
found is its state space of 5 dimensions, and that nothing follows. Its ĥ_0 is 0, which makes the
origin a degenerate saddle: from a scale of 0.1 GD doesn't leave it within our budgets. So its small
start has the scale 0.3.

Cohen-Karlik et al. (2023) is about long memory, in contrast to an analysis of wide networks (Emami
et al. 2021) and to one of a teacher without memory (Cohen-Karlik et al. 2022). The teachers,
scales, steps and bounds are ours, and the theorem, which is on balanced teachers and symmetric
students, covers only the integrator.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Panel, length_marks, quartile_line, response_line
from core.references import COHEN_KARLIK_2022, COHEN_KARLIK_2023, EMAMI_2021
from core.spec import SweepSpec
from core.statistics import statistic
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    least_error,
    least_ratio,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

PAST_THE_LENGTH = 100
NEAR: Mapping[str, Any] = {"structure": "general", "start": {"scale": 0.001}}
SMALL: Mapping[str, Any] = {"structure": "general", "start": {"scale": 0.3}}
LARGE: Mapping[str, Any] = {"structure": "general", "start": {"scale": 1.0}}
ROTATION: Mapping[str, Any] = {"kind": "rotation", "angle": math.pi / 5}
SLOW_ROTATION: Mapping[str, Any] = {"kind": "rotation", "angle": math.pi / 10}
INTEGRATOR: Mapping[str, Any] = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": (1.0, -0.4)},
    "weights": (0.6, 0.6),
}
LAG = 4
DELAY: Mapping[str, Any] = {"kind": "delay", "lag": LAG}
STATES = LAG + 1

TURNING, TURNING_LARGE = "rotation, near-zero start", "rotation, large start"
SLOW = "slow rotation, near-zero start"
SUMMING, SUMMING_LARGE = "integrator, near-zero start", "integrator, large start"
DELAYING, DELAYING_LARGE = "delay of 4, small start", "delay of 4, large start"
LENGTHS, DELAY_LENGTHS = (5, 6, 8, 12), (10, 12)
ARMS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], tuple[int, ...]]] = {
    TURNING: (ROTATION, NEAR, LENGTHS),
    TURNING_LARGE: (ROTATION, LARGE, LENGTHS),
    SLOW: (SLOW_ROTATION, NEAR, LENGTHS[-2:]),
    SUMMING: (INTEGRATOR, {**NEAR, "structure": "symmetric"}, LENGTHS),
    SUMMING_LARGE: (INTEGRATOR, LARGE, LENGTHS),
    DELAYING: (DELAY, SMALL, DELAY_LENGTHS),
    DELAYING_LARGE: (DELAY, LARGE, DELAY_LENGTHS),
}
"""Teacher, student and training lengths by the name of the arm."""


class LongMemoryStudy(Study):
    """The study that this module describes."""

    name = "long-memory"
    headline = "Long memory: teachers that never forget"
    title = "Long memory: teachers that never forget"
    question = "Does GD find students whose memory reaches far past the training sequences?"
    works = (COHEN_KARLIK_2023, EMAMI_2021, COHEN_KARLIK_2022)
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every teacher at its training lengths; the horizon is k + 100."""
        is_full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": teacher,
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **student},
                    "optimizer": {
                        "lr": 0.002 if is_full else 0.004,
                        "steps": 300_000 if is_full else 40_000,
                    },
                    "evaluation": {
                        "points": 60,
                        "fit_tolerance": 0.01,
                        "metrics": ["effective_rank", "spectral_radius"],
                    },
                    "seeds": 10 if is_full else 5,
                },
                zip_axis(
                    [
                        {"training.length": k, "evaluation.horizon": k + PAST_THE_LENGTH}
                        for k in lengths
                    ]
                ),
            )
            for arm, (teacher, student, lengths) in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        turning, turning_large = (
            self.arm(size, evidence, arm, length=LENGTHS[1:]) for arm in (TURNING, TURNING_LARGE)
        )
        summing, summing_large = (self.arm(size, evidence, arm) for arm in (SUMMING, SUMMING_LARGE))
        delaying = self.arm(size, evidence, DELAYING)
        delays = delaying + self.arm(size, evidence, DELAYING_LARGE)
        return (
            judge_hypothesis(
                "A rotation is found from near zero: the student keeps turning for 100 steps "
                "past k",
                f"max over k >= 6 of {ERROR} < 0.01",
                turning,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
            judge_hypothesis(
                "So is a slow rotation, of which the sequences show less than two thirds of a turn",
                f"max over k in {{8, 12}} of {ERROR} < 0.05",
                self.arm(size, evidence, SLOW),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.05,
            ),
            judge_hypothesis(
                "From a large start a rotation is fitted but not found",
                f"min over 6 <= k <= 8 of {ERROR} > 0.5",
                self.arm(size, evidence, TURNING_LARGE, length=[6, 8]),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "At every training length the near-zero start comes closer to the rotation than "
                "the large one",
                f"min over k >= 6 of {ERROR}, large start over near-zero start > 100",
                turning + turning_large,
                least_ratio,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
            judge_hypothesis(
                "An integrator is found from near zero: the student keeps its sum for 100 steps "
                "past k",
                f"max over k of {ERROR} < 0.01",
                summing,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
            judge_hypothesis(
                "At every training length the near-zero start comes closer to the integrator than "
                "the large one",
                f"min over k of {ERROR}, large start over near-zero start > 100",
                summing + summing_large,
                least_ratio,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
            judge_hypothesis(
                "A student from a small start learns the delay: its response at lag 4 is 1",
                "max over k in {10, 12} of median |h_4 - 1| < 0.01",
                delaying,
                lambda experiments: max(map(_error_at_the_lag, experiments)),
                kind=ClaimKind.FITS,
                below=0.01,
            ),
            judge_hypothesis(
                "It has the delay's 5 dimensions; one from a large start has more",
                "min over k of |effective rank of the Hankel singular values - 5|, median, "
                "large start over small start > 10",
                delays,
                lambda experiments: least_ratio(experiments, _excess_rank),
                kind=ClaimKind.CONTRAST,
                above=10,
            ),
            judge_hypothesis(
                "Past k it stays silent as the delay does; one from a large start doesn't",
                "min over k of median extrapolation error, large start over small start > 10",
                delays,
                lambda experiments: least_ratio(experiments, _error),
                kind=ClaimKind.CONTRAST,
                above=10,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, and against the lag at one training length."""
        return (
            Panel(
                x=axis_label("training.length"),
                y=ERROR_AXIS,
                lines=[
                    quartile_line(
                        arm,
                        self.arm(size, evidence, arm).experiments,
                        lambda experiment: experiment.spec.training.length,
                    )
                    for arm in (TURNING, TURNING_LARGE, SUMMING, SUMMING_LARGE, SLOW)
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x=axis_label("lag"),
                y="|h_j - ĥ_j|, median over seeds",
                lines=[
                    line
                    for arm in (TURNING, TURNING_LARGE, SUMMING, SUMMING_LARGE)
                    for experiment in self.arm(size, evidence, arm, length=8).experiments
                    for line in _error_lines(arm, experiment)
                ],
                limits=length_marks([8]),
                title="k = 8",
            ),
        )


def _error(experiment: Evidence) -> float:
    return experiment.median("extrapolation_error")


def _excess_rank(experiment: Evidence) -> float:
    return abs(experiment.median("effective_rank") - STATES)


def _error_at_the_lag(experiment: Evidence) -> float:
    """The median of |h_4 - 1|."""
    responses = [run.response for run in experiment.runs if run.response is not None]
    return statistic("median", [abs(response.ravel()[LAG] - 1) for response in responses])


def _error_lines(arm: str, experiment: Evidence) -> list[Line]:
    """The median error at each lag."""
    responses = [run.response.ravel() for run in experiment.runs if run.response is not None]
    if not responses or experiment.teacher_response is None:
        return []
    errors = np.abs(np.array(responses) - experiment.teacher_response.ravel())
    return [response_line(arm, np.median(errors, axis=0))]
