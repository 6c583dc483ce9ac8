"""Long memory: teachers whose response never decays, so a student with fading memory must fail.

Earlier analyses of wide recurrent networks predict short memory (Emami et al. 2021), or study
teachers without memory (Cohen-Karlik et al. 2022). Cohen-Karlik et al. (2023) show long memory: a
rotation of the plane, whose response oscillates for ever, an integrator (a pole at 1), and a delay
line, which returns an earlier input.

The delay line's ĥ_0 is 0, which makes the origin a degenerate saddle: GD escapes it slowly, and
from a start near zero not within any budget. So the start for the delay line is small, but not near
zero. The angles, scales, steps and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Panel, quartile_line, response_line
from core.references import COHEN_KARLIK_2022, COHEN_KARLIK_2023, EMAMI_2021
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    least_error,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

PAST_THE_LENGTH = 40
GENERAL_NEAR: Mapping[str, Any] = {"structure": "general", "start": {"scale": 0.001}}
GENERAL_LARGE: Mapping[str, Any] = {"structure": "general", "start": {"scale": 1.0}}
ROTATION: Mapping[str, Any] = {"kind": "rotation", "angle": math.pi / 5, "radius": 1.0}
INTEGRATOR: Mapping[str, Any] = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": (1.0, -0.4)},
    "weights": (0.6, 0.6),
}
DELAY: Mapping[str, Any] = {"kind": "delay", "lag": 4}

TURNING, TURNING_LARGE = "rotation, near-zero start", "rotation, large start"
SUMMING, DELAYING = "integrator, near-zero start", "delay of 4, small start"
ARMS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], tuple[int, ...]]] = {
    TURNING: (ROTATION, GENERAL_NEAR, (4, 5, 6, 8, 12)),
    TURNING_LARGE: (ROTATION, GENERAL_LARGE, (4, 5, 6, 8, 12)),
    SUMMING: (INTEGRATOR, {"structure": "symmetric", "start": {"scale": 0.001}}, (4, 5, 6, 8, 12)),
    DELAYING: (DELAY, {"structure": "general", "start": {"scale": 0.3}}, (8, 10, 12)),
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
        """Every teacher at its training lengths; the horizon is k + 40."""
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
                    "evaluation": {"points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if is_full else 3,
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
        return (
            judge_hypothesis(
                "A rotation is found from near zero: the student keeps oscillating for 40 steps "
                "past k",
                f"max over k >= 6 of {ERROR} < 0.01",
                self.arm(size, evidence, TURNING, length=[6, 8, 12]),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
            judge_hypothesis(
                "An integrator is found from near zero",
                f"max over k >= 6 of {ERROR} < 0.05",
                self.arm(size, evidence, SUMMING, length=[6, 8, 12]),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.05,
            ),
            judge_hypothesis(
                "From a large start, the rotation is fitted but not found",
                f"{ERROR} at k = 8, over seeds that fit > 0.5",
                self.arm(size, evidence, TURNING_LARGE, length=8),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "A delay of 4 is found from sequences of 12: the response past k stays zero",
                "median extrapolation error at k = 12 < 0.01",
                self.arm(size, evidence, DELAYING, length=12),
                lambda experiments: experiments[0].median("extrapolation_error"),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, and one response beside its teacher's."""
        rotations = self.arm(size, evidence, TURNING, length=8).experiments
        lines = [
            line
            for experiment in rotations
            if experiment.teacher_response is not None
            for line in (
                *(
                    response_line(f"student, seed {run.seed}", run.response)
                    for run in experiment.runs[:3]
                    if run.response is not None
                ),
                response_line("teacher", experiment.teacher_response, dashed=True),
            )
        ]
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
                    for arm in (TURNING, TURNING_LARGE, SUMMING)
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x=axis_label("lag"),
                y="response h_j",
                y_scale="linear",
                lines=lines,
                title="rotation, k = 8",
            ),
        )
