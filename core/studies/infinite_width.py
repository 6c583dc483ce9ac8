"""Infinite width: wide students train as a theory of short memory predicts; near-zero ones don't.

Emami et al. (2021): a wide linear network from a random start is a scaled convolution. On white
inputs, lag j trains at the rate ρ_j = v_A^j (v_B + v_C) + j v_A^{j-1} v_B v_C, and lags past k
never move: short memory, no extrapolation. A narrow student of the same teacher that starts near
zero finds the teacher, whose memory is long. The two results don't contradict each other: their
starts differ.

The prediction is core.theory.wide (the formula in this parametrisation is our derivation); the
widths, variances, times and bounds are ours.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core import students, teachers
from core.evidence import Evidence, RunEvidence
from core.losses import loss_matrix
from core.panels import Line, Panel, length_marks, response_line
from core.references import EMAMI_2021
from core.spec import GradientDescent, LinearStudent, RecurrentTeacher, SweepSpec, WideStart
from core.statistics import statistic
from core.studies.setting import (
    ERROR,
    NEAR_ZERO,
    TEACHER,
    log_log_slope,
    relative_error,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label
from core.systems import LinearSystem, impulse_response
from core.theory.wide import rates_of, trained_response

WIDE, NEAR = "wide students", "near-zero student"
WIDTHS: Mapping[Size, tuple[int, ...]] = {
    "quick": (50, 100, 200, 400),
    "full": (50, 100, 200, 500, 1000, 2000),
}
LENGTH, PAST_THE_LENGTH = 6, 20
LR, STEPS = 0.02, 1000
"""Time 20: lag 0 is fitted long before; lag 5, whose rate is 44 times smaller, only in part."""


class InfiniteWidthStudy(Study):
    """The study that this module describes."""

    name = "infinite-width"
    headline = "Infinite width: short memory in theory, long memory near zero"
    title = "Infinite width: short memory in theory, long memory near zero"
    question = (
        "Do wide students train as the infinite-width theory says, "
        "and is that why they don't extrapolate?"
    )
    works = (EMAMI_2021,)
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
                zip_axis(
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

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        widths = WIDTHS[size]
        wide, widest = (
            self.arm(size, evidence, WIDE),
            self.arm(size, evidence, WIDE, dim=widths[-1]),
        )
        return (
            judge_hypothesis(
                "The wider the student, the closer its response is to the prediction",
                "exponent of the median distance in the width < -0.3 (theory: -0.5)",
                wide,
                lambda experiments: log_log_slope(
                    widths, [_distance(experiment) for experiment in experiments]
                ),
                kind=ClaimKind.TRAINING,
                below=-0.3,
            ),
            judge_hypothesis(
                "The widest student is close to it at every lag, within and past k",
                "median over seeds of max_j |h_j - predicted| / max_j |ĥ_j| < 0.2",
                widest,
                lambda experiments: _distance(experiments[0]) / _largest(experiments[0]),
                kind=ClaimKind.TRAINING,
                below=0.2,
            ),
            judge_hypothesis(
                "Past k it has not moved from its start: it does not extrapolate",
                f"{ERROR} at the largest width > 0.5",
                widest,
                lambda experiments: relative_error(experiments[0]),
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "A narrow student from near zero finds the teacher's long memory",
                f"{ERROR} < 0.001",
                self.arm(size, evidence, NEAR),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Responses of the widest and the near-zero student; distance to the prediction."""
        wide = sorted(self.arm(size, evidence, WIDE).experiments, key=_width)
        near = self.arm(size, evidence, NEAR).experiments
        lines: list[Line] = []
        for experiment, label in (
            *((experiment, f"width {_width(experiment):g}") for experiment in wide[-1:]),
            *((n, NEAR) for n in near),
        ):
            if experiment.runs[0].response is not None:
                lines.append(response_line(label, experiment.runs[0].response))
        lines += [
            line
            for experiment in wide[-1:]
            if experiment.teacher_response is not None
            for line in (
                response_line(
                    "prediction for infinite width", _predicted(experiment, experiment.runs[0])
                ),
                response_line("teacher", experiment.teacher_response, dashed=True),
            )
        ]
        distances = [_distance(experiment) for experiment in wide]
        return (
            Panel(
                x=axis_label("lag"),
                y="response h_j",
                y_scale="linear",
                lines=lines,
                limits=length_marks([LENGTH]),
            ),
            Panel(
                x="width d",
                y="max |h_j - predicted|, median over seeds",
                x_scale="log",
                lines=[
                    Line(
                        label="distance to the prediction",
                        x=[_width(experiment) for experiment in wide],
                        y=distances,
                    )
                ],
            ),
        )


def _width(experiment: Evidence) -> float:
    return float(experiment.spec.student.dim)


def _distance(experiment: Evidence) -> float:
    """Median over seeds of max_j |h_j - predicted h_j|, over all lags."""
    responses = [
        (run.response, _predicted(experiment, run))
        for run in experiment.runs
        if run.response is not None
    ]
    return statistic(
        "median", [np.abs(response.ravel() - predicted).max() for response, predicted in responses]
    )


def _predicted(experiment: Evidence, run: RunEvidence) -> np.ndarray:
    """The response that the theory predicts from the seed's start, (q,)."""
    spec = experiment.spec
    student, optimizer = spec.student, spec.optimizer
    assert isinstance(student, LinearStudent) and isinstance(student.start, WideStart)  # noqa: S101, PT018  # our sweep
    assert isinstance(optimizer, GradientDescent)  # noqa: S101  # our sweep
    start = impulse_response(students.start(student, run.seed, 1, 1), spec.horizon)
    teacher = impulse_response(_teacher(experiment), spec.horizon)
    rates = rates_of(student.start, spec.training.length)
    time = optimizer.lr * run.steps
    return trained_response(
        start, teacher, loss_matrix(spec.training), rates=rates, time=time, lr=optimizer.lr
    ).ravel()


def _teacher(experiment: Evidence) -> LinearSystem:
    assert not isinstance(experiment.spec.teacher, RecurrentTeacher)  # noqa: S101  # our sweep
    return teachers.build(experiment.spec.teacher)


def _largest(experiment: Evidence) -> float:
    return float(np.abs(impulse_response(_teacher(experiment), experiment.spec.horizon)).max())
