"""The counterexample: a student that fits the training length exactly and is wrong beyond it, as much as one likes.

Cohen-Karlik et al. (2023), the negative result (construction of our own): with d > k there is, for
every teacher and every error, a student with zero loss that makes this error past k. So it can't be
the loss that chooses the student that extrapolates; it must be the training. Such a student is
given as the start: the gradient is zero, GD with steps that are small enough stays. They must be
very small: these students have large weights of both signs, and are sharp, so that GD as it is used
elsewhere would leave them for rounding alone.

Teachers, errors and bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import Line, Mark, Panel, lags
from core.spec import CounterexampleStart, SweepSpec
from core.studies.setting import TEACHER, sweep, together
from core.studies.study import Claim, Size, Study, judged

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
    """See the module."""

    name = "counterexample"
    title = "Counterexamples: zero loss, any error beyond"
    question = "Does fitting the training sequences make a student extrapolate?"
    reads_responses = True

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """For each teacher, training lengths and errors to be made."""
        return {
            name: sweep(
                {
                    "teacher": teacher,
                    "student": {"kind": "linear", "dim": 30, "start": {"kind": "counterexample"}},
                    "optimizer": {"lr": 1e-10, "steps": 1000},
                    "evaluation": {"points": 20},
                    "seeds": 10 if size == "full" else 3,
                },
                together(
                    [{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS[size]]
                ),
                {"path": "student.start.beyond", "values": BEYOND},
            )
            for name, teacher in TEACHERS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        every = self.arm(size, evidence, "balanced teacher")
        for name in list(TEACHERS)[1:]:
            every += self.arm(size, evidence, name)
        return (
            judged(
                "Every counterexample fits its training length",
                "max over teachers, k and errors of the training loss < 1e-16",
                every,
                lambda pieces: max(float(piece.values("train_loss").max()) for piece in pieces),
                below=1e-16,
            ),
            judged(
                "It makes the error that was asked for, right past k, and GD does not move it",
                "max of |h_k - ĥ_k - beyond| / beyond < 0.001",
                every,
                lambda pieces: max(map(_miss, pieces)),
                below=0.001,
            ),
            judged(
                "Counterexamples are sharp: GD at lr = 0.01 could not rest there",
                "0.01 x median sharpness / 2 of the balanced teacher's at k = 8, h_k off by 1 > 1",
                self.arm(size, evidence, "balanced teacher", length=8, beyond=1.0),
                lambda pieces: 0.01 * pieces[0].median("sharpness") / 2,
                above=1,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Responses that agree up to k = 8 and part there."""
        lines: list[Line] = []
        for piece in self.arm(size, evidence, "balanced teacher", length=8).found:
            response = piece.runs[0].response
            if response is not None and piece.teacher_response is not None:
                lines.append(
                    lags(
                        f"off by {_beyond(piece):g} at k",
                        abs(response - piece.teacher_response)[:16],
                    )
                )
        return (
            Panel(
                x="lag j",
                y="|h_j - ĥ_j| after training",
                lines=lines,
                limits=[Mark(label="k = 8", at=7.5)],
            ),
        )


def _beyond(piece: Evidence) -> float:
    start = piece.spec.student.start
    return start.beyond if isinstance(start, CounterexampleStart) else math.nan


def _miss(piece: Evidence) -> float:
    k, beyond = piece.spec.training.length, _beyond(piece)
    if piece.teacher_response is None:
        return math.nan
    teacher = float(piece.teacher_response[k])
    ends = [run.response for run in piece.runs if run.response is not None]
    return max(abs(float(response[k]) - teacher - beyond) / abs(beyond) for response in ends)
