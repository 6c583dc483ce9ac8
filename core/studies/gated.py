"""Non-linear networks: GRU, LSTM and tanh students of teachers of their kind.

Cohen-Karlik et al. (2023) repeat the experiment with recurrent networks that no theory covers: a
small GRU as the teacher, a much larger one as the student, Adam, Gaussian inputs. LSTM and tanh
networks are our extension.

A teacher that forgets within k steps asks nothing of its student: whoever fits a window of k inputs
extrapolates. Networks as PyTorch draws them are such teachers. So the gates of ours keep their
states for up to 40 time steps (``teacher.memory``), the tanh teacher has a spectral radius of 0.95,
and a part of each teacher's response lies past k. Students are compared with four others: the same
student on shorter sequences, one from a large start, a narrow one with the teacher's number of
states, and a linear one, which shows how much of the teacher is linear. An LSTM network hardly fits
from a large start: its start is less large, and it has twice the steps.

The protocol is from memory; teachers, dimensions, steps and bounds are ours. The error at time t is
the squared error over the variance of the teacher's output; a student that always answers the mean
has an error of 1. A response is the output to an impulse minus that to no input. A seed counts as
fitting if its response is within a tenth of the teacher's largest before k. The dimension of the
states is drawn but claimed nothing about: it is small at the start already.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from core.evidence import Evidence
from core.labels import value_words, with_article
from core.panels import Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023, TALLEC_2018
from core.spec import SweepSpec
from core.studies.setting import least_ratio, sweep, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

STATES = 4
TEACHERS: Mapping[str, Mapping[str, Any]] = {
    "gru": {"seed": 5, "memory": 40},
    "lstm": {"seed": 11, "memory": 40},
    "tanh_rnn": {"seed": 17, "memory": 20},
}
LONGEST: Mapping[str, int] = {"gru": 10, "lstm": 10, "tanh_rnn": 5}
"""The training length of the claims."""

LENGTHS: Mapping[str, Mapping[Size, tuple[int, ...]]] = {
    "gru": {"quick": (2, 5, 10), "full": (2, 3, 5, 8, 10, 15)},
    "lstm": {"quick": (2, 5, 10), "full": (2, 3, 5, 8, 10, 15)},
    "tanh_rnn": {"quick": (2, 3, 5), "full": (2, 3, 4, 5, 6, 8)},
}
LARGE_SCALES: Mapping[str, float] = {"gru": 1.5, "lstm": 1.25, "tanh_rnn": 1.5}
LARGE_STEPS: Mapping[str, int] = {"gru": 1, "lstm": 2, "tanh_rnn": 1}
"""How many times the steps of the others a large start needs until most seeds fit."""

SHORTEST = 2
WIDE, LARGE, NARROW, LINEAR = "wide", "large start", "narrow", "linear"
EXTRAPOLATION, FIT = "sequence_extrapolation_error", "sequence_fit_error"
RESPONSE, RANK = "relative_extrapolation_error", "state_effective_rank"


class _NonLinearStudy(Study):
    """Students of one or more kinds of network, over training lengths and beside controls."""

    kinds: ClassVar[tuple[str, ...]]
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every kind at every training length, and its controls at the longest."""
        is_full = size == "full"
        arms = {}
        for kind in self.kinds:
            base: dict[str, Any] = {
                "teacher": {"kind": kind, "dim": STATES, **TEACHERS[kind]},
                "training": {"outputs": "all"},
                "optimizer": {
                    "kind": "adam",
                    "lr": 0.01,
                    "steps": 10_000 if is_full else 3000,
                    "batch_size": 128 if is_full else 64,
                    "schedule": {"kind": "cosine"},
                },
                "evaluation": {
                    "points": 30,
                    "sequences": 2000 if is_full else 500,
                    "fit_tolerance": 0.1,
                },
                "seeds": 5 if is_full else 3,
            }
            wide = {"kind": kind, "dim": 64 if is_full else 24}
            students: dict[str, dict[str, Any]] = {
                _arm(kind): wide,
                _arm(kind, LARGE): {
                    **wide,
                    "start": {"kind": "gaussian", "scale": LARGE_SCALES[kind]},
                },
                _arm(kind, NARROW): {"kind": kind, "dim": STATES},
                _arm(kind, LINEAR): {
                    "kind": "linear",
                    "dim": wide["dim"],
                    "structure": "general",
                    "start": {"kind": "default"},
                },
            }
            for arm, student in students.items():
                lengths = LENGTHS[kind][size] if arm == _arm(kind) else (LONGEST[kind],)
                horizons = [
                    {"training.length": k, "evaluation.horizon": 4 * LONGEST[kind]} for k in lengths
                ]
                steps = base["optimizer"]["steps"] * (
                    LARGE_STEPS[kind] if arm == _arm(kind, LARGE) else 1
                )
                optimizer = {**base["optimizer"], "steps": steps}
                arms[arm] = sweep(
                    {**base, "student": student, "optimizer": optimizer}, zip_axis(horizons)
                )
        return arms

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges for each kind what is fitted, what is extrapolated and who fails."""
        return tuple(
            itertools.chain.from_iterable(self._judge(kind, size, evidence) for kind in self.kinds)
        )

    def _judge(self, kind: str, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        k, name = LONGEST[kind], value_words(kind)
        longest = self.arm(size, evidence, _arm(kind), length=k)
        shortest = self.arm(size, evidence, _arm(kind), length=SHORTEST)
        large, linear = (
            self.arm(size, evidence, _arm(kind, control)) for control in (LARGE, LINEAR)
        )
        past = f"median over seeds of max over {k} <= t < {4 * k} of squared error / variance"

        return (
            judge_hypothesis(
                f"The {name} teacher's memory is longer than k = {k}",
                "max over j >= k of its response over its maximum > 0.2",
                longest,
                lambda experiments: _memory_past(experiments[0], k),
                kind=ClaimKind.METHOD,
                above=0.2,
            ),
            judge_hypothesis(
                f"A wide {name} student fits sequences of {k}, and a linear one doesn't",
                f"median of max over t < {k} of squared error / variance, linear over wide > 10",
                longest + linear,
                lambda experiments: least_ratio(experiments, _fit),
                kind=ClaimKind.FITS,
                above=10,
            ),
            judge_hypothesis(
                f"It follows its {name} teacher up to four times that length",
                f"{past} < 0.1",
                longest,
                lambda experiments: _error(experiments[0]),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.1,
            ),
            judge_hypothesis(
                f"Its response past k is the {name} teacher's",
                "median (extrapolation error / zero baseline) of the response < 0.5",
                longest,
                lambda experiments: experiments[0].median(RESPONSE),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.5,
            ),
            judge_hypothesis(
                f"Sequences of {SHORTEST} don't tell {with_article(name)} student what comes later",
                f"median error past k, at k = {SHORTEST} over that at k = {k}, > 5",
                longest + shortest,
                lambda experiments: least_ratio(experiments, _error),
                kind=ClaimKind.CONTRAST,
                above=5,
            ),
            judge_hypothesis(
                f"From a large start, {with_article(name)} student that fits errs more later",
                "median error past k, large start over default start > 5",
                longest + large,
                lambda experiments: least_ratio(experiments, _error),
                kind=ClaimKind.CONTRAST,
                above=5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error and dimension of the states against training length, with the controls."""
        return tuple(
            panel
            for kind in self.kinds
            for panel in (self._errors(kind, size, evidence), self._ranks(kind, size, evidence))
        )

    def _errors(self, kind: str, size: Size, evidence: Sequence[Evidence]) -> Panel:
        wide = self.arm(size, evidence, _arm(kind)).experiments
        return Panel(
            x=axis_label("training.length"),
            y="squared error / variance, largest over t",
            lines=[
                quartile_line(f"{WIDE}, t ≥ k", wide, _length, EXTRAPOLATION, series=WIDE),
                quartile_line(f"{WIDE}, t < k", wide, _length, FIT, series=WIDE),
                *(
                    quartile_line(
                        f"{control}, t ≥ k",
                        self.arm(size, evidence, _arm(kind, control)).experiments,
                        _length,
                        EXTRAPOLATION,
                        series=control,
                    )
                    for control in (LARGE, NARROW, LINEAR)
                ),
            ],
            levels=[Mark(label="answering the mean", at=1.0)],
            title=value_words(kind),
        )

    def _ranks(self, kind: str, size: Size, evidence: Sequence[Evidence]) -> Panel:
        return Panel(
            x=axis_label("training.length"),
            y=axis_label(RANK),
            y_scale="linear",
            lines=[
                quartile_line(
                    control,
                    self.arm(size, evidence, _arm(kind, control)).experiments,
                    _length,
                    RANK,
                )
                for control in (WIDE, LARGE, NARROW)
            ],
            levels=[Mark(label="states of the teacher", at=STATES)],
            title=value_words(kind),
        )


class GruStudy(_NonLinearStudy):
    """The study that this module describes."""

    name = "gru"
    headline = "GRU networks: extrapolation with gates"
    title = "GRU students of a GRU teacher"
    question = "Do gated students extrapolate as linear ones do?"
    works = (COHEN_KARLIK_2023, TALLEC_2018)
    kinds = ("gru",)


class LstmTanhStudy(_NonLinearStudy):
    """The study that this module describes."""

    name = "lstm-tanh"
    headline = "LSTM and tanh: the same test for other networks"
    title = "LSTM and tanh students of teachers of their kind"
    question = "Do other non-linear networks do what GRU students do?"
    works = (COHEN_KARLIK_2023, TALLEC_2018)
    kinds = ("lstm", "tanh_rnn")


def _arm(kind: str, control: str = WIDE) -> str:
    return f"{value_words(kind)}, {control}"


def _fit(experiment: Evidence) -> float:
    return experiment.median(FIT)


def _error(experiment: Evidence) -> float:
    return experiment.median(EXTRAPOLATION)


def _memory_past(experiment: Evidence, k: int) -> float:
    """max_{j>=k} |ĥ_j| / max_j |ĥ_j| up to the horizon."""
    if experiment.teacher_response is None:
        return np.nan
    response = np.abs(experiment.teacher_response.ravel())
    return float(response[k:].max() / response.max())


def _length(experiment: Evidence) -> float:
    return experiment.spec.training.length
