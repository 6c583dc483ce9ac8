"""Counterexamples: students that fit the training length exactly and have any error beyond it.

Cohen-Karlik et al. (2023), the negative result (the construction is ours): if d > k, then for every
teacher and every error there is a student with zero loss that makes this error past k. So it isn't
the loss that selects a student that extrapolates; it must be the training.

Nor are these students exceptions that GD would leave. Each of them is started again with all its
parameters moved by 1 %, and trained with half of the largest step at which GD could rest there,
lr = 1 / sharpness. GD brings the loss back to zero, and ends in a solution that is as wrong: a
basin of solutions that fit and don't extrapolate. But the longer the training length, the sharper
they are, so that at usual steps GD could not stay.

The teachers, errors, kicks and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from core import students
from core.evidence import Evidence
from core.losses import target_of
from core.metrics.sharpness import sharpness
from core.panels import Line, Panel, length_marks, response_line
from core.references import COHEN_KARLIK_2023
from core.spec import CounterexampleStart, ExperimentSpec, SweepSpec
from core.studies.setting import TEACHER, sweep, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

TEACHERS: Mapping[str, Mapping[str, Any]] = {
    "balanced teacher": TEACHER,
    "rotation": {"kind": "rotation", "angle": math.pi / 5, "radius": 1.0},
    "delay of 4": {"kind": "delay", "lag": 4},
}
LENGTHS: Mapping[Size, tuple[int, ...]] = {
    "quick": (3, 5, 8, 12),
    "full": (2, 3, 4, 5, 6, 8, 10, 12),
}
BEYOND = (0.1, 1.0, 10.0)

KICKED = "kicked by 1 %"
KICKED_LENGTHS = (3, 5, 8)
KICKED_BEYOND = 1.0
KICK = 0.01
KICKS: Mapping[Size, int] = {"quick": 4, "full": 20}


class CounterexampleStudy(Study):
    """The study that this module describes."""

    name = "counterexample"
    headline = "Counterexamples: zero loss, any error beyond"
    title = "Counterexamples: zero loss, any error beyond"
    question = "Does fitting the training sequences make a student extrapolate?"
    works = (COHEN_KARLIK_2023,)
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every training length and error, one arm per teacher."""
        kicked = [_kicked(k, seed) for k in KICKED_LENGTHS for seed in range(KICKS[size])]
        return {
            name: sweep(
                {
                    "teacher": teacher,
                    "student": {"kind": "linear", "dim": 30, "start": {"kind": "counterexample"}},
                    "optimizer": {"lr": 1e-10, "steps": 1},
                    "evaluation": {"points": 2, "metrics": ["sharpness"]},
                    "seeds": 10 if size == "full" else 3,
                },
                zip_axis(
                    [{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS[size]]
                ),
                {"path": "student.start.beyond", "values": BEYOND},
            )
            for name, teacher in TEACHERS.items()
        } | {
            KICKED: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear"},
                    "optimizer": {"steps": 300_000 if size == "full" else 100_000},
                    "evaluation": {"points": 2, "fit_tolerance": 1e-4, "metrics": ["sharpness"]},
                    "seeds": 1,
                },
                zip_axis(kicked),
            )
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        all_arms = self.arm(size, evidence, "balanced teacher")
        for name in list(TEACHERS)[1:]:
            all_arms += self.arm(size, evidence, name)
        kicked = self.arm(size, evidence, KICKED)
        return (
            judge_hypothesis(
                "Every counterexample fits its training length",
                "max over teachers, k and errors of the training loss < 1e-16",
                all_arms,
                lambda experiments: max(
                    float(experiment.values("train_loss").max()) for experiment in experiments
                ),
                kind=ClaimKind.METHOD,
                below=1e-16,
            ),
            judge_hypothesis(
                "It makes the requested error right past k",
                "max of |h_k - ĥ_k - beyond| / beyond < 0.001",
                all_arms,
                lambda experiments: max(map(_largest_miss, experiments)),
                kind=ClaimKind.METHOD,
                below=0.001,
            ),
            judge_hypothesis(
                "Kicked by 1 % and trained at half of its largest stable step, it fits again",
                "max over k and kicks of the fit error < 0.0001",
                kicked,
                lambda experiments: max(one.median("fit_error") for one in experiments),
                kind=ClaimKind.FITS,
                below=1e-4,
            ),
            judge_hypothesis(
                "It returns to a solution that is as wrong: a basin that does not extrapolate",
                "min over k and kicks of |h_k - ĥ_k|, which was 1, over seeds that fit > 0.8",
                kicked,
                lambda experiments: min(map(_error_at_k, experiments)),
                kind=ClaimKind.DOES_NOT,
                above=0.8,
            ),
            judge_hypothesis(
                "Counterexamples are sharp: GD at lr = 0.01 could not rest there",
                "0.01 x median sharpness / 2 of the balanced teacher's at k = 8, h_k off by 1 > 1",
                self.arm(size, evidence, "balanced teacher", length=8, beyond=1.0),
                lambda experiments: 0.01 * experiments[0].median("sharpness") / 2,
                kind=ClaimKind.METHOD,
                above=1,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The errors of responses that agree with the teacher up to k = 8, at rest and kicked."""
        at_rest = self.arm(size, evidence, "balanced teacher", length=8).experiments
        kicked = self.arm(size, evidence, KICKED, length=8).experiments
        lines = {
            "at rest": [_error_line(f"off by {_beyond(one):g} at k", one) for one in at_rest],
            f"{KICKED}, then trained": [
                _error_line(f"kick {i}", one) for i, one in enumerate(kicked)
            ],
        }
        return tuple(
            Panel(
                title=title,
                x=axis_label("lag"),
                y="|h_j - ĥ_j|",
                lines=lines[title],
                limits=length_marks([8]),
            )
            for title in lines
        )


@cache
def _kicked(k: int, seed: int) -> dict[str, Any]:
    """The coordinates of a kicked counterexample and its step, in few digits.

    The kick adds Gaussian entries of 1 % of the largest entry of A, B or C to each.
    """
    start = {"kind": "counterexample", "beyond": KICKED_BEYOND}
    student = {"kind": "linear", "dim": k + 3, "start": start}
    spec = ExperimentSpec.model_validate(
        {"teacher": TEACHER, "student": student, "training": {"length": k}}
    )
    target = target_of(spec)
    response = target.response[: k + 1].ravel()
    system = students.start(spec.linear_student, seed, 1, 1, teacher_response=response)
    generator = np.random.default_rng(seed)
    kicked = {
        name: value + KICK * np.abs(value).max() * generator.standard_normal(value.shape)
        for name, value in (("A", system.A), ("B", system.B), ("C", system.C))
    }
    kicked["A"] = (kicked["A"] + kicked["A"].T) / 2
    return {
        "name": f"k = {k}, kick {seed}",
        "student.dim": k + 3,
        "student.start": {
            "kind": "explicit",
            **{name: np.round(value, 6).tolist() for name, value in kicked.items()},
        },
        "training.length": k,
        "evaluation.horizon": k + 20,
        "optimizer.lr": float(f"{1 / sharpness(system, spec.linear_student, target):.2g}"),
    }


def _error_line(label: str, experiment: Evidence) -> Line:
    """The first seed's |h_j - ĥ_j|, 16 lags."""
    response = experiment.runs[0].response
    if response is None or experiment.teacher_response is None:
        return Line(label=label, x=[], y=[])
    return response_line(label, abs(response - experiment.teacher_response)[:16])


def _beyond(experiment: Evidence) -> float:
    start = experiment.spec.student.start
    return start.beyond if isinstance(start, CounterexampleStart) else math.nan


def _largest_miss(experiment: Evidence) -> float:
    """The largest |h_k - ĥ_k - beyond| / |beyond| over seeds."""
    k, beyond = experiment.spec.training.length, _beyond(experiment)
    if experiment.teacher_response is None:
        return math.nan
    teacher = float(experiment.teacher_response[k])
    responses = [run.response for run in experiment.runs if run.response is not None]
    return max(abs(float(response[k]) - teacher - beyond) / abs(beyond) for response in responses)


def _error_at_k(experiment: Evidence) -> float:
    """|h_k - ĥ_k| of the first seed."""
    response, teacher = experiment.runs[0].response, experiment.teacher_response
    if response is None or teacher is None:
        return math.nan
    k = experiment.spec.training.length
    return abs(float(response[k] - teacher[k]))
