"""Infinite width: wide students train as a theory of short memory predicts; students from near zero don't.

Emami et al. (2021): a wide linear network from a random start is a scaled convolution. On white
inputs lag j trains at the rate ρ_j = v_A^j (v_B + v_C) + j v_A^{j-1} v_B v_C, and lags past k never
move: short memory, no extrapolation. Beside it a narrow student of the same teacher, started near
zero, finds the teacher, whose memory is long. The two results don't contradict each other: they are
on different starts.

The prediction is core.theory.wide (the formula in this parametrisation is our derivation); widths,
variances, times and bounds are ours.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core import students, teachers
from core.evidence import Evidence, RunEvidence
from core.losses import loss_matrix
from core.panels import Line, Mark, Panel, lags
from core.spec import GradientDescent, LinearStudent, RecurrentTeacher, SweepSpec, WideStart
from core.statistics import statistic
from core.studies.setting import ERROR, NEAR_ZERO, TEACHER, relative, slope, sweep, together, worst
from core.studies.study import Claim, Size, Study, judged
from core.systems import LinearSystem, impulse_response
from core.theory.wide import rates_of, trained_response

WIDE, NEAR = "wide students", "near-zero student"
WIDTHS: Mapping[Size, tuple[int, ...]] = {
    "quick": (50, 100, 200, 400),
    "full": (50, 100, 200, 500, 1000, 2000),
}
LENGTH, PAST_THE_LENGTH = 6, 20
LR, STEPS = 0.02, 1000
"""Time 20: lag 0 has long been fitted, lag 5, whose rate is 44 times smaller, only in part."""


class InfiniteWidthStudy(Study):
    """See the module."""

    name = "infinite-width"
    title = "Infinite width: short memory in theory, long memory near zero"
    question = "Do wide students train as the infinite-width theory says, and is that why they don't extrapolate?"
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Students of growing width from the theory's start, and one from near zero."""
        base = {
            "teacher": TEACHER,
            "training": {"length": LENGTH},
            "evaluation": {"horizon": LENGTH + PAST_THE_LENGTH, "points": 2, "fit_tolerance": 0.01},
            "seeds": 3,
        }
        wide = {
            "kind": "linear",
            "dim": 50,
            "structure": "general",
            "start": {"kind": "wide", "variance_a": 0.3},
        }
        return {
            WIDE: sweep(
                {**base, "student": wide, "optimizer": {"lr": LR, "steps": STEPS}},
                together(
                    [
                        {"student.dim": d, "optimizer.rates.A": 1 / d, "optimizer.rates.C": 1 / d}
                        for d in WIDTHS[size]
                    ]
                ),
            ),
            NEAR: sweep(
                {
                    **base,
                    "student": {"kind": "linear", "dim": 30, **NEAR_ZERO},
                    "optimizer": {"lr": 0.02, "steps": 20_000},
                }
            ),
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        widths = WIDTHS[size]
        wide, widest = (
            self.arm(size, evidence, WIDE),
            self.arm(size, evidence, WIDE, dim=widths[-1]),
        )
        return (
            judged(
                "The wider the student, the closer its response is to the prediction",
                "exponent of the median distance in the width < -0.3 (theory: -0.5)",
                wide,
                lambda pieces: slope(widths, [_distance(piece) for piece in pieces]),
                below=-0.3,
            ),
            judged(
                "The widest one is close to it at every lag, within and past k",
                "median over seeds of max_j |h_j - predicted| / max_j |ĥ_j| < 0.2",
                widest,
                lambda pieces: _distance(pieces[0]) / _largest(pieces[0]),
                below=0.2,
            ),
            judged(
                "Past k it has not moved from its start: it does not extrapolate",
                f"{ERROR} at the largest width > 0.5",
                widest,
                lambda pieces: relative(pieces[0]),
                above=0.5,
            ),
            judged(
                "A narrow student from near zero finds the teacher's long memory",
                f"{ERROR} < 0.001",
                self.arm(size, evidence, NEAR),
                worst,
                below=0.001,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Responses of the widest and of the near-zero student, and distance to the prediction against width."""
        wide = sorted(self.arm(size, evidence, WIDE).found, key=_width)
        near = self.arm(size, evidence, NEAR).found
        lines: list[Line] = []
        for piece, label in (
            *((piece, f"width {_width(piece):g}") for piece in wide[-1:]),
            *((n, NEAR) for n in near),
        ):
            if piece.runs[0].response is not None:
                lines.append(lags(label, piece.runs[0].response))
        lines += [
            line
            for piece in wide[-1:]
            if piece.teacher_response is not None
            for line in (
                lags("prediction for infinite width", _predicted(piece, piece.runs[0])),
                lags("teacher", piece.teacher_response, dashed=True),
            )
        ]
        distances = [_distance(piece) for piece in wide]
        return (
            Panel(
                x="lag j",
                y="response h_j",
                y_scale="linear",
                lines=lines,
                limits=[Mark(label=f"k = {LENGTH}", at=LENGTH - 0.5)],
            ),
            Panel(
                x="width d",
                y="max |h_j - predicted|, median over seeds",
                x_scale="log",
                lines=[
                    Line(
                        label="distance to the prediction",
                        x=[_width(piece) for piece in wide],
                        y=distances,
                    )
                ],
            ),
        )


def _width(piece: Evidence) -> float:
    return float(piece.spec.student.dim)


def _distance(piece: Evidence) -> float:
    """Median over seeds of max_j |h_j - predicted h_j|, over all lags."""
    ends = [
        (run.response, _predicted(piece, run)) for run in piece.runs if run.response is not None
    ]
    return statistic(
        "median", [np.abs(response.ravel() - predicted).max() for response, predicted in ends]
    )


def _predicted(piece: Evidence, run: RunEvidence) -> np.ndarray:
    """What the theory makes of the seed's own start, (q,)."""
    spec = piece.spec
    student, optimizer = spec.student, spec.optimizer
    assert isinstance(student, LinearStudent) and isinstance(student.start, WideStart)  # noqa: S101, PT018  # our sweep
    assert isinstance(optimizer, GradientDescent)  # noqa: S101  # likewise
    start = impulse_response(students.start(student, run.seed, 1, 1), spec.horizon)
    teacher = impulse_response(_teacher(piece), spec.horizon)
    rates = rates_of(student.start, spec.training.length)
    time = optimizer.lr * run.steps
    return trained_response(
        start, teacher, loss_matrix(spec.training), rates=rates, time=time, lr=optimizer.lr
    ).ravel()


def _teacher(piece: Evidence) -> LinearSystem:
    assert not isinstance(piece.spec.teacher, RecurrentTeacher)  # noqa: S101  # our sweep
    return teachers.build(piece.spec.teacher)


def _largest(piece: Evidence) -> float:
    return float(np.abs(impulse_response(_teacher(piece), piece.spec.horizon)).max())
