"""The saddle at zero: how long a near-zero start rests there, and what it is like when it leaves.

At zero the loss is flat but for B and C. With a white input and a symmetric student, gradient flow
starts as d(B + Cᵀ)/dt = 2 ĥ_0 (B + Cᵀ) and d(B - Cᵀ)/dt = -2 ĥ_0 (B - Cᵀ). From a start of scale s,
B + Cᵀ is of order 1 after the time log(1/s) / (2 ĥ_0), and |B - Cᵀ| has shrunk to the order of s²
meanwhile: the student leaves the saddle balanced, which is what the theorem asks of a start
(Cohen-Karlik et al. 2023 argue this way; the wording is reconstructed). With several poles it then
rests at one saddle after the other, so that the loss has a plateau for each pole.

Gradient flow conserves a quantity for every symmetry of the student's structure. GD conserves it up
to an error of the order of the step size, over a given time.

The teachers, scales, steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import Line, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import BalancedTeacher, GaussianStart, SweepSpec, states
from core.studies.setting import TEACHER, log_log_slope, slope_with_error, sweep, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

ONE_POLE, POLES = "one pole", "one to three poles"
STRUCTURES = ("symmetric", "diagonal", "general")
WEIGHTS = (0.5, 1.0, 2.0)
"""ĥ_0 of the teachers with one pole, 0.5."""

SPECTRA: Sequence[Mapping[float, float]] = (
    {0.5: 1.0},
    {0.9: 0.7, -0.5: 0.5},
    {0.9: 1.0, 0.1: 0.5, -0.7: 0.4},
)
"""The weights of the teachers with one, two and three poles, by pole."""

SCALES: Mapping[Size, tuple[float, ...]] = {
    "quick": (1e-2, 1e-4, 1e-6),
    "full": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7),
}
SMALL = 1e-5
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)
TIME = 10.0
"""Training time, lr x steps, after which the drift is read."""


class SaddleStudy(Study):
    """The study that this module describes."""

    name = "saddle"
    headline = "The saddle at zero: how long a start rests, and how it leaves"
    title = "The saddle at zero: time to fit, balance, and what GD conserves"
    question = "How does training leave the saddle at zero, and what does it keep?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Teachers and scales; and, for each structure, step sizes up to one training time."""
        base = {
            "student": {"kind": "linear", "dim": 30, "structure": "symmetric"},
            "training": {"length": 6},
            "evaluation": {"horizon": 26, "points": 300, "metrics": []},
            "seeds": 10 if size == "full" else 3,
        }
        return {
            ONE_POLE: sweep(
                {**base, "optimizer": {"lr": 0.002}},
                zip_axis(
                    [
                        {"teacher": _teacher({0.5: w}), "optimizer.steps": round(60 / w / 0.002)}
                        for w in WEIGHTS
                    ]
                ),
                {"path": "student.start.scale", "values": SCALES[size]},
            ),
            POLES: sweep(
                {
                    **base,
                    "student": {**base["student"], "start": {"scale": SMALL}},  # type: ignore[dict-item]  # a dict
                    "optimizer": {"lr": 0.004, "steps": 40_000},
                },
                {"path": "teacher", "values": [_teacher(poles) for poles in SPECTRA]},
            ),
            **{
                structure: sweep(
                    {
                        **base,
                        "teacher": TEACHER,
                        "student": {
                            "kind": "linear",
                            "dim": 30,
                            "structure": structure,
                            "start": {"scale": 0.1},
                        },
                        "evaluation": {
                            "horizon": 26,
                            "points": 30,
                            "metrics": ["invariant_drift"],
                        },
                    },
                    zip_axis(
                        [{"optimizer.lr": lr, "optimizer.steps": round(TIME / lr)} for lr in RATES]
                    ),
                )
                for structure in STRUCTURES
            },
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text, on medians over seeds."""
        one_pole = self.arm(size, evidence, ONE_POLE)
        return (
            judge_hypothesis(
                "A start of scale s leaves the saddle after a time log(1/s) / (2 ĥ_0)",
                "max over ĥ_0 of |2 ĥ_0 x slope of the median time to fit in log(1/s), - 1| < 0.1",
                one_pole,
                lambda experiments: max(
                    abs(2 * weight * _slope_in_log_scale(of_one) - 1)
                    for weight, of_one in _by_weight(experiments).items()
                ),
                kind=ClaimKind.TRAINING,
                below=0.1,
            ),
            judge_hypothesis(
                "It leaves balanced: the imbalance at the end is proportional to s², where that of "
                "the start is proportional to s",
                "max over ĥ_0 of |exponent of the median imbalance in s, - 2| < 0.05",
                one_pole,
                lambda experiments: max(
                    abs(log_log_slope([*map(_scale, of_one)], _medians(of_one, "imbalance")) - 2)
                    for of_one in _by_weight(experiments).values()
                ),
                kind=ClaimKind.TRAINING,
                below=0.05,
            ),
            judge_hypothesis(
                "Poles appear one at a time: the loss has as many plateaus as there are poles",
                "max over teachers of |median number of plateaus - number of poles| < 0.5",
                self.arm(size, evidence, POLES),
                lambda experiments: max(
                    abs(experiment.median("plateaus") - _poles(experiment))
                    for experiment in experiments
                ),
                kind=ClaimKind.TRAINING,
                below=0.5,
            ),
            *(
                judge_hypothesis(
                    f"What gradient flow of a {structure} student conserves drifts under GD in "
                    "proportion to lr",
                    f"|exponent of the median drift in lr, at time {TIME:g}, - 1| < 0.1",
                    self.arm(size, evidence, structure),
                    lambda experiments: abs(
                        log_log_slope(RATES, _medians(experiments, "invariant_drift")) - 1
                    ),
                    kind=ClaimKind.TRAINING,
                    below=0.1,
                )
                for structure in STRUCTURES
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Time to fit and imbalance against the scale, and the drift against lr."""
        by_weight = _by_weight(self.arm(size, evidence, ONE_POLE).experiments)
        times, imbalances = (
            [
                quartile_line(f"ĥ_0 = {weight:g}", of_one, _scale, metric)
                for weight, of_one in by_weight.items()
            ]
            for metric in ("time_to_fit", "imbalance")
        )
        expected = [
            Line(
                label="slope 1 / (2 ĥ_0)" if i == 0 else "",
                x=line.x,
                y=[line.y[-1] + np.log(line.x[-1] / s) / (2 * weight) for s in line.x],
                dashed=True,
            )
            for i, (weight, line) in enumerate(zip(by_weight, times, strict=True))
        ]
        return (
            Panel(
                x=axis_label("student.start.scale"),
                y=axis_label("time_to_fit"),
                x_scale="log",
                y_scale="linear",
                lines=[*times, *expected],
            ),
            Panel(
                x=axis_label("student.start.scale"),
                y=axis_label("imbalance"),
                x_scale="log",
                lines=imbalances,
            ),
            Panel(
                x=axis_label("optimizer.lr"),
                y=axis_label("invariant_drift"),
                x_scale="log",
                lines=[
                    quartile_line(
                        structure,
                        self.arm(size, evidence, structure).experiments,
                        lambda experiment: getattr(experiment.spec.optimizer, "lr", np.nan),
                        "invariant_drift",
                    )
                    for structure in STRUCTURES
                ],
            ),
        )


def _teacher(weights: Mapping[float, float]) -> dict[str, Any]:
    """The balanced teacher with these weights, by pole."""
    return {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": list(weights)},
        "weights": list(weights.values()),
    }


def _by_weight(experiments: Sequence[Evidence]) -> dict[float, list[Evidence]]:
    """The experiments of each teacher with one pole, by its weight, ĥ_0."""
    groups: dict[float, list[Evidence]] = {}
    for experiment in experiments:
        teacher = experiment.spec.teacher
        if isinstance(teacher, BalancedTeacher) and teacher.weights is not None:
            groups.setdefault(teacher.weights[0], []).append(experiment)
    return groups


def _slope_in_log_scale(experiments: Sequence[Evidence]) -> float:
    """The slope of the median time to fit in log(1/s)."""
    logs = [float(-np.log(_scale(experiment))) for experiment in experiments]
    return slope_with_error(logs, _medians(experiments, "time_to_fit"))[0]


def _medians(experiments: Sequence[Evidence], metric: str) -> list[float]:
    return [experiment.median(metric) for experiment in experiments]


def _scale(experiment: Evidence) -> float:
    start = experiment.spec.student.start
    return start.scale if isinstance(start, GaussianStart) else float("nan")


def _poles(experiment: Evidence) -> int:
    """The number of the teacher's poles."""
    return states(experiment.spec.teacher)
