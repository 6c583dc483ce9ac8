"""Counterexamples: students that fit the training length exactly and have any error beyond it.

Cohen-Karlik et al. (2023), the negative result (the construction is ours): if d > k, then for every
teacher and every error there is a student with zero loss that makes this error past k. So it isn't
the loss that selects a student that extrapolates; it must be the training. Here such a student is
the start: its gradient is zero, and GD stays there if its steps are small enough. They must be very
small: these students have large weights of both signs and are sharp, so that at the usual step size
rounding alone would drive GD away.

The teachers, errors and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import Line, Panel, length_marks, response_line
from core.references import COHEN_KARLIK_2023
from core.spec import CounterexampleStart, SweepSpec
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
        return {
            name: sweep(
                {
                    "teacher": teacher,
                    "student": {"kind": "linear", "dim": 30, "start": {"kind": "counterexample"}},
                    "optimizer": {"lr": 1e-10, "steps": 1000},
                    "evaluation": {"points": 20},
                    "seeds": 10 if size == "full" else 3,
                },
                zip_axis(
                    [{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS[size]]
                ),
                {"path": "student.start.beyond", "values": BEYOND},
            )
            for name, teacher in TEACHERS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        all_arms = self.arm(size, evidence, "balanced teacher")
        for name in list(TEACHERS)[1:]:
            all_arms += self.arm(size, evidence, name)
        return (
            judge_hypothesis(
                "Every counterexample fits its training length",
                "max over teachers, k and errors of the training loss < 1e-16",
                all_arms,
                lambda experiments: max(
                    float(experiment.values("train_loss").max()) for experiment in experiments
                ),
                kind=ClaimKind.FITS,
                below=1e-16,
            ),
            judge_hypothesis(
                "It makes the requested error right past k, and GD does not move it",
                "max of |h_k - ĥ_k - beyond| / beyond < 0.001",
                all_arms,
                lambda experiments: max(map(_largest_miss, experiments)),
                kind=ClaimKind.DOES_NOT,
                below=0.001,
            ),
            judge_hypothesis(
                "Counterexamples are sharp: GD at lr = 0.01 could not rest there",
                "0.01 x median sharpness / 2 of the balanced teacher's at k = 8, h_k off by 1 > 1",
                self.arm(size, evidence, "balanced teacher", length=8, beyond=1.0),
                lambda experiments: 0.01 * experiments[0].median("sharpness") / 2,
                kind=ClaimKind.TRAINING,
                above=1,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The errors of responses that agree with the teacher up to k = 8."""
        lines: list[Line] = []
        for experiment in self.arm(size, evidence, "balanced teacher", length=8).experiments:
            response = experiment.runs[0].response
            if response is not None and experiment.teacher_response is not None:
                lines.append(
                    response_line(
                        f"off by {_beyond(experiment):g} at k",
                        abs(response - experiment.teacher_response)[:16],
                    )
                )
        return (
            Panel(
                x=axis_label("lag"),
                y="|h_j - ĥ_j| after training",
                lines=lines,
                limits=length_marks([8]),
            ),
        )


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
