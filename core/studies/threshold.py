"""The threshold: at which training length the error falls, for teachers of 1 to 5 states.

A balanced teacher of d̂ states is the only nonnegative measure with its first 2 d̂ + 1 moments, so a
balanced student that fits k = 2 d̂ + 1 lags is right at every lag. A system of at most d̂ states is
determined by 2 d̂ lags, so a start near zero, which finds few states, should need one lag less. The
threshold of a teacher is the first k at which the median error of seeds that fit falls below 1 % of
the zero baseline.

Both are statements on a loss of exactly 0. How small the loss has to be depends on the teacher: if
one of its states hardly shows in the response, a student without this state fits well and is wrong
past k. The clarity of a teacher is the smallest over the largest eigenvalue of its Hankel matrix
(ĥ_{i+j}), i, j < d̂. It is 1 for a single state, and falls as poles come close, share a sign, or
have little weight. Of each d̂ there are at least five teachers whose states show: five states do so
only if their poles span both signs. Others have all poles positive, or a close pair, or are drawn
at random. From a large start, five states are not found within our steps. How clear a teacher has
to be for the claims on the threshold was set after the results, as what a start finds within these
steps.

The optimizer is GD with momentum, which reaches the same loss in fewer steps. Teachers, scales,
steps and bounds are ours.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import ExperimentSpec, GaussianStart, SweepSpec, Teacher, states
from core.studies.clarity import clarity, teachers_of
from core.studies.setting import (
    BALANCED,
    ERROR,
    ERROR_AXIS,
    LARGE_BALANCED,
    NEAR,
    NEAR_ZERO,
    mean_distance,
    relative_error,
    slope_distance,
    sweep,
    zip_axis,
)
from core.studies.study import ClaimKind, EvidenceSlice, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

STUDENTS: Mapping[str, Mapping[str, Any]] = {NEAR: NEAR_ZERO, BALANCED: LARGE_BALANCED}

RANDOM_SEEDS: Mapping[Size, tuple[int, ...]] = {"quick": (3,), "full": (0, 3)}
FEW, MANY = (1, 2, 3), (1, 2, 3, 5)
STATES: Mapping[Size, Mapping[str, tuple[int, ...]]] = {
    "quick": {NEAR: MANY, BALANCED: FEW},
    "full": {NEAR: MANY, BALANCED: MANY},
}
PAST: Mapping[Size, tuple[int, int]] = {"quick": (-1, 2), "full": (-2, 4)}
"""The least and the largest k - 2 d̂."""

BELOW = 0.01
"""The threshold is the first k with a relative error below this."""

CLEAR: Mapping[Size, Mapping[str, float]] = {
    "quick": {NEAR: 0.05, BALANCED: 0.05},
    "full": {NEAR: 0.003, BALANCED: 0.05},
}
"""The least clarity of a teacher whose states a start has all found after the study's steps."""

FIVE, CLEAR_OF_FIVE = 5, 0.003
"""The same from a near-zero start for d̂ = 5, which has 200,000 steps in the quick size too, and no
other teachers there."""


class ThresholdStudy(Study):
    """The study that this module describes."""

    name = "threshold"
    headline = "Threshold: how many time steps a teacher of d̂ states needs"
    title = "Threshold: error against training length, for teachers of 1 to 5 states"
    question = "How does the training length at which GD extrapolates depend on the teacher?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every teacher of d̂ states at every training length, one arm per start and d̂."""
        is_full = size == "full"
        least, largest = PAST[size]
        return {
            _arm(start, states): sweep(
                {
                    "student": {"kind": "linear", "dim": 30, **student},
                    "optimizer": {
                        "kind": "momentum",
                        "momentum": 0.98,
                        "lr": 0.01,
                        "steps": 200_000 if is_full or states == FIVE else 20_000,
                    },
                    "evaluation": {"points": 20, "fit_tolerance": 0.01, "metrics": []},
                    "seeds": 5 if is_full else 3,
                },
                {
                    "path": "teacher",
                    "values": teachers_of(
                        states,
                        RANDOM_SEEDS[size],
                        0.0 if is_full or states != FIVE else CLEAR_OF_FIVE,
                    ),
                },
                zip_axis(
                    [
                        {"training.length": k, "evaluation.horizon": k + 20}
                        for k in range(max(1, 2 * states + least), 2 * states + largest + 1)
                    ]
                ),
            )
            for start, student in STUDENTS.items()
            for states in STATES[size][start]
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        balanced = CLEAR[size][BALANCED]

        def clear(start: str) -> EvidenceSlice:
            return self._slice(
                size, evidence, lambda spec: _clarity(spec) > _least(size, start, spec), [start]
            )

        return (
            *_location(NEAR, clear(NEAR), 0, _clear_words(size, NEAR)),
            *_location(BALANCED, clear(BALANCED), 1, _clear_words(size, BALANCED)),
            judge_hypothesis(
                "At k = 2 d̂ a large balanced start fits as well, but only the near-zero one "
                "extrapolates",
                f"median over teachers of clarity > {balanced:g} of the error from a large "
                "balanced start / from a near-zero one, at k = 2 d̂, over seeds that fit > 100",
                self._slice(
                    size, evidence, lambda spec: _clarity(spec) > balanced and _past(spec) == 0
                ),
                _ratio_of_halves,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
            judge_hypothesis(
                "Where a state of the teacher hardly shows, a near-zero start fits without it and "
                "is still wrong past k = 2 d̂ + 1",
                f"median over all other teachers of {ERROR} at k = 2 d̂ + 1, over seeds that fit "
                f"> {BELOW:g}",
                self._slice(
                    size,
                    evidence,
                    lambda spec: _clarity(spec) <= _least(size, NEAR, spec) and _past(spec) == 1,
                    [NEAR],
                ),
                lambda experiments: float(np.median([*map(relative_error, experiments)])),
                kind=ClaimKind.DOES_NOT,
                above=BELOW,
            ),
            judge_hypothesis(
                "Above the threshold, the error past k follows the fit error before it",
                "correlation of the logs of both medians, over all teachers and starts, at each "
                "k > 2 d̂, > 0.8",
                self._slice(size, evidence, lambda spec: _past(spec) > 0),
                _correlation,
                kind=ClaimKind.EXTRAPOLATES,
                above=0.8,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against k - 2 d̂, the teacher's clarity, and the fit error."""
        every = self._slice(size, evidence).experiments
        return (
            *(
                Panel(
                    title=f"{start}, {_clear_words(size, start)}",
                    x="k - 2 d̂ (time steps)",
                    y=ERROR_AXIS,
                    lines=[
                        quartile_line(
                            f"d̂ = {states}",
                            [
                                one
                                for one in _of(every, start)
                                if _states(one.spec) == states
                                and _clarity(one.spec) > _least(size, start, one.spec)
                            ],
                            lambda one: _past(one.spec),
                        )
                        for states in STATES[size][start]
                    ],
                    levels=[ZERO_BASELINE],
                    limits=[Mark(label="k = 2 d̂", at=0)],
                    ordered=True,
                )
                for start in STUDENTS
            ),
            Panel(
                title="every teacher at k = 2 d̂ + 1",
                x="clarity of the teacher",
                y=axis_label("relative_extrapolation_error"),
                x_scale="log",
                lines=[
                    _scatter(
                        start,
                        [one for one in _of(every, start) if _past(one.spec) == 1],
                        lambda one: _clarity(one.spec),
                    )
                    for start in STUDENTS
                ],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                title="every teacher at every k > 2 d̂",
                x=axis_label("fit_error"),
                y=axis_label("relative_extrapolation_error"),
                x_scale="log",
                lines=[
                    _scatter(
                        start,
                        [one for one in _of(every, start) if _past(one.spec) > 0],
                        lambda one: one.median("fit_error"),
                    )
                    for start in STUDENTS
                ],
                levels=[ZERO_BASELINE],
            ),
        )

    def _slice(
        self,
        size: Size,
        evidence: Sequence[Evidence],
        where: Callable[[ExperimentSpec], bool] = lambda _: True,
        starts: Sequence[str] = tuple(STUDENTS),
    ) -> EvidenceSlice:
        """The evidence of some specs, by start, then d̂, teacher and k."""
        return EvidenceSlice.of(
            [
                point
                for start in starts
                for states in STATES[size][start]
                for point in self._points(size, _arm(start, states))
                if where(point.spec)
            ],
            evidence,
        )


def _arm(start: str, states: int) -> str:
    return f"{start}, d̂ = {states}"


def _location(
    start: str, evidence: EvidenceSlice, past: int, clear: str
) -> tuple[Hypothesis, Hypothesis]:
    """The claims on where the threshold of a start is: its mean, and its slope in d̂."""
    threshold = "2 d̂ + 1" if past else "2 d̂"
    return (
        judge_hypothesis(
            f"From a {start}, the threshold is k = {threshold}",
            f"|mean of (threshold - 2 d̂){' - 1' if past else ''}| + 2 standard errors, for "
            f"teachers of {clear}, < 0.5",
            evidence,
            lambda experiments: mean_distance([k - 2 * d - past for d, k in _pairs(experiments)]),
            kind=ClaimKind.EXTRAPOLATES,
            below=0.5,
        ),
        judge_hypothesis(
            f"From a {start}, every state of the teacher takes two more time steps",
            f"|slope of the threshold in d̂, - 2| + 2 standard errors, for teachers of {clear}, < 1",
            evidence,
            lambda experiments: slope_distance(_pairs(experiments), 2),
            kind=ClaimKind.EXTRAPOLATES,
            below=1,
        ),
    )


def _least(size: Size, start: str, spec: ExperimentSpec) -> float:
    """The clarity above which a start has found all states of the spec's teacher."""
    return CLEAR_OF_FIVE if start == NEAR and _states(spec) == FIVE else CLEAR[size][start]


def _clear_words(size: Size, start: str) -> str:
    """What the claims say of clear teachers."""
    least = CLEAR[size][start]
    is_other = start == NEAR and least != CLEAR_OF_FIVE
    return f"clarity > {least:g}{f' ({CLEAR_OF_FIVE:g} for d̂ = {FIVE})' if is_other else ''}"


def _pairs(experiments: Sequence[Evidence]) -> list[tuple[int, float]]:
    """(d̂, threshold) of each teacher; the threshold is infinite if no k has so small an error."""
    thresholds: dict[Teacher, float] = {}
    for one in experiments:
        k = one.spec.training.length if relative_error(one) < BELOW else math.inf
        teacher = one.spec.teacher
        thresholds[teacher] = min(thresholds.get(teacher, math.inf), k)
    return [(states(teacher), k) for teacher, k in thresholds.items()]


def _ratio_of_halves(experiments: Sequence[Evidence]) -> float:
    """The median of the errors of the second half over those of the first, pair by pair."""
    errors = np.array([*map(relative_error, experiments)]).reshape(2, -1)
    return float(np.median(errors[1] / errors[0]))


def _correlation(experiments: Sequence[Evidence]) -> float:
    """The correlation of the logs of the median fit error and the median relative error."""
    fits = [one.median("fit_error") for one in experiments]
    return float(np.corrcoef(np.log([fits, [*map(relative_error, experiments)]]))[0, 1])


def _clarity(spec: ExperimentSpec) -> float:
    return clarity(spec.linear_teacher)


def _states(spec: ExperimentSpec) -> int:
    return states(spec.teacher)


def _past(spec: ExperimentSpec) -> int:
    """The training length k, less 2 d̂."""
    return spec.training.length - 2 * _states(spec)


def _of(experiments: Sequence[Evidence], start: str) -> list[Evidence]:
    """Those from a start."""
    return [
        one
        for one in experiments
        if isinstance(one.spec.student.start, GaussianStart)
        and one.spec.student.start.balanced is (start == BALANCED)
    ]


def _scatter(label: str, experiments: Sequence[Evidence], x: Callable[[Evidence], float]) -> Line:
    """The median error of each experiment."""
    return Line(
        label=label,
        x=[x(one) for one in experiments],
        y=[*map(relative_error, experiments)],
        joined=False,
    )
