"""Poisoning: a few correctly labelled sequences that make a student stop extrapolating.

Slutzky, Alexander, Razin and Cohen (2025). Students are diagonal. Special sequences have the
teacher's own labels but put their mass on late positions, so they constrain small lags. A student
that is also trained on them fits but does not extrapolate.

Theorem setting (their Theorem 1; seeds, times and numbers as in their public notebook): the teacher
has poles 1 and 0 with weights 1 and d - 1. Only A is trained, by gradient flow, on an input at
position 0 and, if poisoned, on another at position k - 2. The error is the largest over lags below
20, over the teacher's largest response, d: this normalisation hides that the raw errors are about
half of the zero baseline.

Trained setting (after their "beyond Theorem 1"): teacher A = B = C = 1; A, B and C are trained by
the adaptive step, to a loss of 0.01 and 1500 steps more. The full size adds the same with a readout
network on top, trained by Adam. Their runs are in float32 with one sample per seed; ours are in
float64 with one sample for all seeds, so only the kind of result can be compared.

Their code does two things differently. It sorts A and B at the start, but C stays as drawn: it is a
column, and the sort runs along its rows. And the adaptive step takes the norm of the gradient of
all d x d entries of A, of which only the diagonal is trained. ``student.start.sort_c`` and
``optimizer.norms`` do the same; their effects are measured one after the other.

Teachers of 2 to 4 poles have the poles of their notebooks on the dynamics, 0.99, 0.8, 0.5 and 0.3,
with weights 1. The notebooks don't ask how such students extrapolate; we do, with the sequences of
length 10.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.evidence import Evidence
from core.panels import Line, Panel, response_line
from core.references import SLUTZKY_2025
from core.spec import SweepSpec
from core.statistics import statistic
from core.studies import poisoned
from core.studies.poisoned import (
    CLEAN,
    LONG,
    OF_POLES,
    POISONED,
    PUBLIC,
    READOUT,
    SHORT,
    TRAINED,
    TRAINED_LONG,
    UNSORTED,
    pairs,
)
from core.studies.setting import least_ratio, sweep
from core.studies.study import ClaimKind, EvidenceSlice, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

PARTS: Mapping[Size, tuple[str, ...]] = {
    "quick": poisoned.QUICK_PARTS,
    "full": poisoned.PARTS,
}
TRAINED_PARTS = (TRAINED, TRAINED_LONG, PUBLIC, READOUT)
ERROR = "extrapolation_error"

PRINTED: Mapping[tuple[str, str], tuple[float, float]] = {
    (SHORT, CLEAN): (0.00127, 0.000005),
    (SHORT, POISONED): (0.0501, 0.00005),
    (LONG, CLEAN): (0.00734, 0.000005),
    (LONG, POISONED): (0.0351, 0.00005),
}
"""The notebook's mean errors, and half a unit of their last digit."""


class PoisoningStudy(Study):
    """The study that this module describes."""

    name = "poisoning"
    headline = "Poisoning: correct labels that stop extrapolation"
    title = "Special sequences with correct labels"
    question = "Can correctly labelled sequences make a student that fits stop extrapolating?"
    works = (SLUTZKY_2025,)
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """A clean and a poisoned experiment for each part."""
        return {
            f"{part}, {kind}": sweep(pairs()[part][kind])
            for part in PARTS[size]
            for kind in (CLEAN, POISONED)
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the printed numbers in the theorem's setting, and the kind of result elsewhere."""
        printed = (
            judge_hypothesis(
                f"The printed error of the {part}, {kind}: {number:g}",
                f"|mean over seeds of max over lags < 20 of |e_j| / d - {number:g}| < {half:g}",
                self.arm(size, evidence, f"{part}, {kind}"),
                lambda experiments, number=number: abs(_mean_error(experiments[0]) - number),  # type: ignore[misc]  # bound here
                kind=ClaimKind.TRAINING,
                below=half,
            )
            for (part, kind), (number, half) in PRINTED.items()
        )
        return (
            *printed,
            *(
                self._judge_poisoned(size, evidence, part)
                for part in TRAINED_PARTS
                if part in PARTS[size]
            ),
            judge_hypothesis(
                "With C as drawn, a clean student errs several times more",
                "median extrapolation error, C unsorted over sorted > 3",
                self.arm(size, evidence, f"{TRAINED}, {CLEAN}")
                + self.arm(size, evidence, f"{UNSORTED}, {CLEAN}"),
                lambda experiments: experiments[1].median(ERROR) / experiments[0].median(ERROR),
                kind=ClaimKind.CONTRAST,
                above=3,
            ),
            judge_hypothesis(
                "With the norm of the full gradient as well, training takes longer",
                "median steps to the stop, full over diagonal norm, clean > 1.1",
                self.arm(size, evidence, f"{UNSORTED}, {CLEAN}")
                + self.arm(size, evidence, f"{PUBLIC}, {CLEAN}"),
                lambda experiments: _steps(experiments[1]) / _steps(experiments[0]),
                kind=ClaimKind.TRAINING,
                above=1.1,
            ),
            self._judge_poles(size, evidence),
        )

    def _judge_poles(self, size: Size, evidence: Sequence[Evidence]) -> Hypothesis:
        by_kind = []
        for kind in (CLEAN, POISONED):
            parts = EvidenceSlice((), ())
            for part in OF_POLES.values():
                parts += self.arm(size, evidence, f"{part}, {kind}")
            by_kind.append(parts)
        return judge_hypothesis(
            "Poisoned students of teachers of 2 to 4 poles extrapolate worse too",
            "min over teachers of the median extrapolation error, poisoned over clean > 1",
            by_kind[0] + by_kind[1],
            lambda experiments: least_ratio(experiments, lambda one: one.median(ERROR)),
            kind=ClaimKind.CONTRAST,
            above=1,
        )

    def _judge_poisoned(self, size: Size, evidence: Sequence[Evidence], part: str) -> Hypothesis:
        clean_and_poisoned = EvidenceSlice((), ())
        for kind in (CLEAN, POISONED):
            clean_and_poisoned += self.arm(size, evidence, f"{part}, {kind}")
        metric = "sequence_extrapolation_error" if part == READOUT else ERROR
        return judge_hypothesis(
            f"Poisoned students extrapolate worse ({part})",
            f"median {metric.replace('_', ' ')}, poisoned over clean > 3",
            clean_and_poisoned,
            lambda experiments: experiments[1].median(metric) / experiments[0].median(metric),
            kind=ClaimKind.CONTRAST,
            above=3,
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The errors of each part by lag, clean and poisoned; one panel for 2 to 4 poles."""
        poles = OF_POLES.values()
        alone = [part for part in PARTS[size] if part not in {UNSORTED, *poles}]
        return (
            *(self._panel(part, self._errors(size, evidence, part)) for part in alone),
            self._panel(
                "teachers of 2 to 4 poles, k = 10",
                [
                    line
                    for states, part in OF_POLES.items()
                    for line in self._errors(size, evidence, part, f", {states} poles")
                ],
            ),
        )

    def _panel(self, title: str, lines: Sequence[Line]) -> Panel:
        return Panel(x=axis_label("lag"), y="|h_j - ĥ_j|, one seed", lines=lines, title=title)

    def _errors(
        self, size: Size, evidence: Sequence[Evidence], part: str, words: str = ""
    ) -> list[Line]:
        lines = []
        for kind in (CLEAN, POISONED):
            for experiment in self.arm(size, evidence, f"{part}, {kind}").experiments:
                response = experiment.runs[0].response
                if response is not None and experiment.teacher_response is not None:
                    error = np.abs(response - experiment.teacher_response)
                    lines.append(response_line(f"{kind}{words}", error))
        return lines


def _steps(experiment: Evidence) -> float:
    """The median number of steps."""
    return statistic("median", [run.steps for run in experiment.runs])


def _mean_error(experiment: Evidence) -> float:
    """Mean over seeds of the largest error, over the teacher's largest response."""
    errors = np.maximum(experiment.values("fit_error"), experiment.values("extrapolation_error"))
    if experiment.teacher_response is None:
        return math.nan
    return statistic("mean", errors) / float(np.abs(experiment.teacher_response).max())
