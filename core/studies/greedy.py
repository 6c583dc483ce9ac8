"""Greedy growth: which diagonal students grow pole by pole.

A symmetric student near zero rests at one saddle after the other, and has as many poles as it has
left saddles (study ``saddle``). A diagonal student has a pole a_i of its own in every state,
h_j = Σ_i c_i b_i a_i^j, and nothing makes its states compete: trained on all lags, all a_i grow at
once, at the same rate, and several come to rest near each pole of the teacher.

With B = C = 1 fixed, gradient flow of the poles is da_i/dt = Σ_j γ_j j a_i^{j-1}, with γ_j from the
lags j that the loss sees (Slutzky et al. 2025). If these begin at lag 1, small poles grow at a rate
that doesn't depend on their size, and from lag 2 on at the rate Σ_j γ_j j a_i^{j-2} relative to it,
about the same for all that are small. From lag 3 on, this rate is proportional to the pole: the
largest one reaches the order of 1 while the others are still small, and the growth is greedy, pole
by pole. Sequences that show lag 1 destroy this, which is how poisoning works.

Teachers, scales, steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core import teachers
from core.evidence import Evidence
from core.metrics.spectrum import effective_rank
from core.panels import Line, Panel
from core.references import SLUTZKY_2025
from core.spec import SweepSpec, states
from core.studies.setting import least_ratio, sweep
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label
from core.systems import eigenvalues

SYMMETRIC, DIAGONAL = "symmetric, A, B and C trained", "diagonal, A, B and C trained"
FIRST_LAGS = (1, 2, 3)
"""The first lag that the loss of a student with fixed B and C sees."""

LATE = FIRST_LAGS[-1]
POLES: Sequence[tuple[float, ...]] = ((0.9,), (0.9, 0.6), (0.95, 0.7, 0.4))
LENGTH, SCALE = 10, 0.001
RANK = "eigenvalue_effective_rank"


class GreedyStudy(Study):
    """The study that this module describes."""

    name = "greedy"
    headline = "Greedy growth: which diagonal students grow pole by pole"
    title = "Greedy growth: poles of students that fit"
    question = "Does a diagonal student find as few poles as a symmetric one?"
    works = (SLUTZKY_2025,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Three teachers for every student."""
        teacher = {"path": "teacher", "values": [_teacher(poles) for poles in POLES]}
        seeds = 10 if size == "full" else 3
        evaluation = {"horizon": LENGTH + 20, "points": 100, "metrics": [RANK]}
        return {
            **{
                arm: sweep(
                    {
                        "student": {
                            "kind": "linear",
                            "dim": 30,
                            "structure": structure,
                            "start": {"scale": SCALE},
                        },
                        "training": {"length": LENGTH},
                        "optimizer": {
                            "lr": 0.002,
                            "steps": 400_000,
                            "stop": {"loss_below": 1e-4},
                        },
                        "evaluation": evaluation,
                        "seeds": seeds,
                    },
                    teacher,
                )
                for arm, structure in ((SYMMETRIC, "symmetric"), (DIAGONAL, "diagonal"))
            },
            **{
                _arm(lag): sweep(
                    {
                        "student": {
                            "kind": "linear",
                            "dim": 10,
                            "structure": "diagonal",
                            "trained": ["A"],
                            "start": {
                                "kind": "warm",
                                "scale": SCALE,
                                "gap": SCALE / 10,
                                "fixed": 1.0,
                            },
                        },
                        "training": {
                            "length": LENGTH,
                            "loss": {"kind": "second_moment", "matrix": _lags_from(lag)},
                        },
                        "optimizer": {
                            "lr": 0.002,
                            "steps": 400_000,
                            "stop": {"loss_below": 1e-2},
                        },
                        "evaluation": evaluation,
                        "seeds": seeds,
                    },
                    teacher,
                )
                for lag in FIRST_LAGS
            },
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text, on medians over seeds."""
        late = self.arm(size, evidence, _arm(LATE))
        rank = "effective rank of the eigenvalues"
        return (
            judge_hypothesis(
                "Trained on all lags, a diagonal student has several times the poles of a "
                "symmetric one that fits as well",
                f"min over teachers of the {rank}, diagonal over symmetric > 2",
                self.arm(size, evidence, SYMMETRIC) + self.arm(size, evidence, DIAGONAL),
                lambda experiments: least_ratio(experiments, _rank),
                kind=ClaimKind.CONTRAST,
                above=2,
            ),
            judge_hypothesis(
                f"Trained on lags from {LATE} on, poles grow one after the other: a student that "
                "fits has no more than its teacher",
                f"max over teachers of the {rank}, less the teacher's < 0.5",
                late,
                lambda experiments: max(_rank(one) - _teacher_rank(one) for one in experiments),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.5,
            ),
            *(
                judge_hypothesis(
                    f"Trained on lags from {lag} on, they grow at once: at the same loss there are "
                    "more",
                    f"min over teachers of the {rank}, from lag {lag} over from lag {LATE} > 1.5",
                    late + self.arm(size, evidence, _arm(lag)),
                    lambda experiments: least_ratio(experiments, _rank),
                    kind=ClaimKind.CONTRAST,
                    above=1.5,
                )
                for lag in FIRST_LAGS[:-1]
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The effective rank of the eigenvalues against the teacher's number of poles."""
        return tuple(
            Panel(
                title=title,
                x="poles of the teacher",
                y=axis_label(RANK),
                y_scale="linear",
                lines=[
                    *(self._line(size, evidence, arm) for arm in arms),
                    self._teachers(size, evidence, arms[0]),
                ],
            )
            for title, arms in (
                ("A, B and C trained", (SYMMETRIC, DIAGONAL)),
                ("diagonal, A trained", tuple(map(_arm, FIRST_LAGS))),
            )
        )

    def _line(self, size: Size, evidence: Sequence[Evidence], arm: str) -> Line:
        experiments = self.arm(size, evidence, arm).experiments
        return Line(
            label=arm.partition(", ")[0],
            x=[float(states(one.spec.teacher)) for one in experiments],
            y=[_rank(one) for one in experiments],
        )

    def _teachers(self, size: Size, evidence: Sequence[Evidence], arm: str) -> Line:
        experiments = self.arm(size, evidence, arm).experiments
        return Line(
            label="teacher",
            x=[float(states(one.spec.teacher)) for one in experiments],
            y=[_teacher_rank(one) for one in experiments],
            dashed=True,
        )


def _arm(lag: int) -> str:
    return f"lags from {lag} on, A trained"


def _teacher(poles: Sequence[float]) -> dict[str, Any]:
    """The balanced teacher with these poles and weights 1."""
    return {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": list(poles)},
        "weights": [1.0] * len(poles),
    }


def _lags_from(first: int) -> list[list[float]]:
    """M of the loss Σ_{j>=first} e_j², j < k."""
    return np.diag([float(lag >= first) for lag in range(LENGTH)]).tolist()


def _rank(experiment: Evidence) -> float:
    return experiment.median(RANK)


def _teacher_rank(experiment: Evidence) -> float:
    """The effective rank of the teacher's eigenvalues."""
    poles = eigenvalues(teachers.build(experiment.spec.linear_teacher).A)
    return float(effective_rank(np.abs(poles)))
