"""Long memory: teachers whose response never decays, so that a student with a fading memory must fail.

Earlier analyses of wide recurrent networks predict short memory (Emami et al. 2021), or treat
teachers without any (Cohen-Karlik et al. 2022). Cohen-Karlik et al. (2023) show long memory: a
rotation of the plane, whose response oscillates for ever, an integrator (a pole at 1), and a delay
line, which answers with an input of the past.

The delay line's ĥ_0 is 0, which makes the origin a degenerate saddle: GD escapes it slowly, from a
start near zero not within any budget. So the delay's start is not near zero but small. Angles,
scales, steps and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Panel, lags, quartiles
from core.spec import SweepSpec
from core.studies.setting import ERROR, ERROR_AXIS, relative_of_fitted, sweep, together, worst
from core.studies.study import Claim, Size, Study, judged

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
"""By name: teacher, student, training lengths."""


class LongMemoryStudy(Study):
    """See the module."""

    name = "long-memory"
    title = "Long memory: teachers that never forget"
    question = "Does GD find students with a long memory, far past the sequences it was trained on?"
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every teacher at its training lengths; the horizon is k + 40."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": teacher,
                    "student": {"kind": "linear", "dim": 50 if full else 30, **student},
                    "optimizer": {
                        "lr": 0.002 if full else 0.004,
                        "steps": 300_000 if full else 40_000,
                    },
                    "evaluation": {"points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 3,
                },
                together(
                    [
                        {"training.length": k, "evaluation.horizon": k + PAST_THE_LENGTH}
                        for k in lengths
                    ]
                ),
            )
            for arm, (teacher, student, lengths) in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        return (
            judged(
                "A rotation is found from near zero: the student oscillates on for 40 steps past k",
                f"max over k >= 6 of {ERROR} < 0.01",
                self.arm(size, evidence, TURNING, length=[6, 8, 12]),
                worst,
                below=0.01,
            ),
            judged(
                "An integrator is found from near zero",
                f"max over k >= 6 of {ERROR} < 0.05",
                self.arm(size, evidence, SUMMING, length=[6, 8, 12]),
                worst,
                below=0.05,
            ),
            judged(
                "From a large start the rotation is fitted and not found",
                f"{ERROR} at k = 8, over seeds that fit > 0.5",
                self.arm(size, evidence, TURNING_LARGE, length=8),
                relative_of_fitted,
                above=0.5,
            ),
            judged(
                "A delay of 4 is found from sequences of 12: what is beyond k stays silent",
                "median extrapolation error at k = 12 < 0.01",
                self.arm(size, evidence, DELAYING, length=12),
                lambda pieces: pieces[0].median("extrapolation_error"),
                below=0.01,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error against training length, and one response beside its teacher's."""
        oscillating = self.arm(size, evidence, TURNING, length=8).found
        lines = [
            line
            for piece in oscillating
            if piece.teacher_response is not None
            for line in (
                *(
                    lags(f"student, seed {run.seed}", run.response)
                    for run in piece.runs[:3]
                    if run.response is not None
                ),
                lags("teacher", piece.teacher_response, dashed=True),
            )
        ]
        return (
            Panel(
                x="training length k",
                y=ERROR_AXIS,
                lines=[
                    quartiles(
                        arm,
                        self.arm(size, evidence, arm).found,
                        lambda piece: piece.spec.training.length,
                    )
                    for arm in (TURNING, TURNING_LARGE, SUMMING)
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x="lag j", y="response h_j", y_scale="linear", lines=lines, title="rotation, k = 8"
            ),
        )
