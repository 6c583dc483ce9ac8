"""Infinite width: wide students train as a theory of short memory predicts; near-zero ones don't.

Emami et al. (2021): a wide linear network from a random start is a scaled convolution. On white
inputs, lag j trains at the rate ρ_j = v_A^j (v_B + v_C) + j v_A^{j-1} v_B v_C, and lags past k
never move: short memory, no extrapolation. On fewer sequences than lags, training to zero loss
picks the response of least Σ_j (h_j - h_j(0))² / ρ_j that fits them.

A student from near zero finds the teacher, whose memory is long. The two differ in four ways:
width, structure of A, learning rates per parameter and scale of the start. Here all combinations
of two values of each are trained, from the same draws: the scale decides. Structure matters too
(with a symmetric A a large start errs less, though far more than a small one), width and rates
hardly.

The prediction is core.theory.wide (the formula in this parametrisation is our derivation); the
widths, variances, times and bounds are ours.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import (
    ZERO_BASELINE,
    Line,
    Panel,
    length_marks,
    quartile_line,
    response_line,
)
from core.references import EMAMI_2021
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    TEACHER,
    least_error,
    least_ratio,
    log_log_slope,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.studies.wide_prediction import (
    distance,
    largest_response,
    predicted,
    preference,
    wide_start,
)
from core.symbols import axis_label

WIDE, FINITE = "wide students", "wide students, 4 sequences"
SMALL, MIDDLE, LARGE = "start of scale 0.001", "start of scale 0.1", "start of scale 1"
SCALES: Mapping[str, float] = {SMALL: 0.001, MIDDLE: 0.1, LARGE: 1.0}
"""Factors on the theory's start, by arm: A, B and C times the same number."""

WIDTHS: Mapping[Size, tuple[int, ...]] = {
    "quick": (50, 100, 200, 400),
    "full": (50, 100, 200, 500, 1000, 2000),
}
NARROW, BROAD = 30, {"quick": 60, "full": 120}
FINITE_WIDTH = {"quick": 200, "full": 500}
LENGTH, PAST_THE_LENGTH = 6, 20
LR, STEPS = 0.02, 1000
"""Time 20: lag 0 is fitted long before; lag 5, whose rate is 44 times smaller, only in part."""

VARIANCE_A = 0.3


class InfiniteWidthStudy(Study):
    """The study that this module describes."""

    name = "infinite-width"
    headline = "Infinite width: short memory in theory, long memory near zero"
    title = "Infinite width: short memory in theory, long memory near zero"
    question = (
        "Do wide students train as the infinite-width theory says, "
        "and is it their width that keeps them from extrapolating?"
    )
    works = (EMAMI_2021,)
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Students of growing width from the theory's start; the factors, by scale of the start."""
        base = {
            "teacher": TEACHER,
            "training": {"length": LENGTH},
            "evaluation": {
                "horizon": LENGTH + PAST_THE_LENGTH,
                "points": 2,
                "fit_tolerance": 0.01,
                "metrics": [],
            },
            "seeds": 3,
        }
        wide = {
            "kind": "linear",
            "dim": WIDTHS[size][0],
            "structure": "general",
            "start": {"kind": "wide", "variance_a": VARIANCE_A},
        }
        finite = FINITE_WIDTH[size]
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
            FINITE: sweep(
                {
                    **base,
                    "student": {**wide, "dim": finite},
                    "training": {
                        "length": LENGTH,
                        "loss": {"kind": "finite_sample", "sequences": 4},
                    },
                    "optimizer": {
                        "lr": 0.05,
                        "steps": 8000,
                        "rates": {"A": 1 / finite, "C": 1 / finite},
                    },
                },
                {"path": "training.loss.seed", "kind": "list", "values": [0, 1, 2]},
            ),
            **{
                arm: sweep(
                    {
                        **base,
                        "student": {"kind": "linear", "dim": NARROW, "start": _start(scale)},
                    },
                    zip_axis(_factors(size, scale)),
                )
                for arm, scale in SCALES.items()
            },
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        widths, broad = WIDTHS[size], BROAD[size]
        wide, finite = (self.arm(size, evidence, arm) for arm in (WIDE, FINITE))
        small, large = (self.arm(size, evidence, arm) for arm in (SMALL, LARGE))
        symmetric, general = (
            self.arm(size, evidence, LARGE, structure=structure)
            for structure in ("symmetric", "general")
        )
        return (
            judge_hypothesis(
                "The wider the student, the closer its response is to the prediction",
                "exponent of the median distance in the width < -0.3 (theory: -0.5)",
                wide,
                lambda experiments: log_log_slope(
                    widths, [distance(experiment) for experiment in experiments]
                ),
                kind=ClaimKind.TRAINING,
                below=-0.3,
            ),
            judge_hypothesis(
                "The widest student is close to it at every lag, within and past k",
                "median over seeds of max_j |h_j - predicted| / max_j |ĥ_j| < 0.2",
                self.arm(size, evidence, WIDE, dim=widths[-1]),
                lambda experiments: distance(experiments[0]) / largest_response(experiments[0]),
                kind=ClaimKind.TRAINING,
                below=0.2,
            ),
            judge_hypothesis(
                "Trained on 4 sequences of 6 to zero loss, it is close to the response of least "
                "Σ_j (h_j - h_j(0))² / ρ_j that fits them, not to that of least "
                "Σ_j (h_j - h_j(0))²",
                "min over samples of median distance from the second over that from the first > 3",
                finite,
                lambda experiments: min(map(preference, experiments)),
                kind=ClaimKind.TRAINING,
                above=3,
            ),
            judge_hypothesis(
                "Every combination of width, structure, rates and scale of the start fits",
                "max over combinations of median fit error < 0.01",
                small + large,
                lambda experiments: max(one.median("fit_error") for one in experiments),
                kind=ClaimKind.FITS,
                below=0.01,
            ),
            judge_hypothesis(
                "A wide student from the theory's start with its rates fits without extrapolating",
                f"{ERROR} > 0.5",
                self.arm(size, evidence, LARGE, dim=broad, structure="general", A=1 / broad),
                least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "From a start 1000 times smaller every combination extrapolates",
                f"max over width, structure and rates of {ERROR} < 0.01",
                small,
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
            ),
            judge_hypothesis(
                "With any width, structure and rates the small start comes closer than the large",
                f"min over the three of {ERROR}, large start over small start > 30",
                small + large,
                least_ratio,
                kind=ClaimKind.CONTRAST,
                above=30,
            ),
            judge_hypothesis(
                "From a large start, a symmetric A errs less than a general one",
                f"min over width and rates of {ERROR}, general over symmetric > 2",
                symmetric + general,
                least_ratio,
                kind=ClaimKind.CONTRAST,
                above=2,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Responses beside the prediction; distance from it; error against the start's scale."""
        wide = sorted(self.arm(size, evidence, WIDE).experiments, key=_width)
        near = self.arm(size, evidence, SMALL, dim=NARROW, structure="symmetric", A=1.0)
        narrow = _student("symmetric", NARROW, is_scaled=False)
        lines: list[Line] = []
        for experiment, label, series in (
            *((experiment, f"width {_width(experiment):g}", WIDE) for experiment in wide[-1:]),
            *((experiment, "near-zero student", narrow) for experiment in near.experiments),
        ):
            if experiment.runs[0].response is not None:
                lines.append(response_line(label, experiment.runs[0].response, series=series))
        lines += [
            line
            for experiment in wide[-1:]
            if experiment.teacher_response is not None
            for line in (
                response_line(
                    "prediction for infinite width", predicted(experiment, experiment.runs[0])
                ),
                response_line("teacher", experiment.teacher_response, dashed=True),
            )
        ]
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
                        series=WIDE,
                        x=[_width(experiment) for experiment in wide],
                        y=[distance(experiment) for experiment in wide],
                    )
                ],
            ),
            Panel(
                x="scale of the start",
                y=ERROR_AXIS,
                x_scale="log",
                lines=self._by_scale(size, evidence),
                levels=[ZERO_BASELINE],
            ),
        )

    def _by_scale(self, size: Size, evidence: Sequence[Evidence]) -> list[Line]:
        """One line per structure and width with the theory's rates, and one with rates 1."""
        lines = []
        for structure, d, is_scaled in (
            ("general", BROAD[size], True),
            ("general", NARROW, False),
            ("symmetric", BROAD[size], True),
            ("symmetric", NARROW, False),
        ):
            rate = 1 / d if is_scaled else 1.0
            experiments = [
                experiment
                for arm in SCALES
                for experiment in self.arm(
                    size, evidence, arm, dim=d, structure=structure, A=rate
                ).experiments
            ]
            words = _student(structure, d, is_scaled=is_scaled)
            lines.append(quartile_line(words, experiments, _scale))
        return lines


def _student(structure: str, d: int, *, is_scaled: bool) -> str:
    """A student in words."""
    return f"{structure}, width {d}, rates {f'1/{d}' if is_scaled else '1'}"


def _start(scale: float) -> dict[str, Any]:
    """The theory's start, A, B and C multiplied by ``scale``."""
    return {
        "kind": "wide",
        "variance_a": VARIANCE_A * scale**2,
        "variance_b": scale**2,
        "variance_c": scale**2,
    }


def _factors(size: Size, scale: float) -> list[dict[str, Any]]:
    """Every combination of width, structure and rates, with a step that is stable for it."""
    is_large, is_full = scale == SCALES[LARGE], size == "full"
    points = []
    for d, structure, is_scaled in itertools.product(
        (NARROW, BROAD[size]), ("general", "symmetric"), (True, False)
    ):
        rate = 1 / d if is_scaled else 1.0
        lr = 0.1 if is_scaled else 0.2 / d if is_large else 0.02
        points.append(
            {
                "student.dim": d,
                "student.structure": structure,
                "optimizer.rates.A": rate,
                "optimizer.rates.C": rate,
                "optimizer.lr": lr,
                "optimizer.steps": 100_000 if is_full else 40_000,
            }
        )
    return points


def _width(experiment: Evidence) -> float:
    return float(experiment.spec.student.dim)


def _scale(experiment: Evidence) -> float:
    return float(np.sqrt(wide_start(experiment)[1].variance_b))
