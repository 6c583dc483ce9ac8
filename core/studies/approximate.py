"""Approximate extrapolation: how the error past k falls with the loss.

The theorem of Cohen-Karlik et al. (2023) is conditional: for every ε there is a δ such that a
balanced student of population loss at most δ extrapolates up to ε. It doesn't say how small δ is.
Here training stops at several losses, and the error past k is compared with them.

Where the first k responses determine the student, its error should be of the order of theirs, which
is √loss. This holds only locally: the factor depends on the teacher, and grows where one of its
states hardly shows (study ``threshold``). It is a measured law, not a guarantee: that would be a
bound on the error of one given student, computed from its parameters and its loss.

The optimizer is GD with momentum, which reaches the same loss in fewer steps. Teachers, losses,
steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Panel
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec, states
from core.studies.setting import (
    BALANCED,
    GENERAL,
    NEAR,
    STARTS,
    relative_error,
    slope_with_error,
    sweep,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

SPECTRA: Sequence[Mapping[float, float]] = (
    {0.9: 1.0},
    {0.9: 0.7, -0.5: 0.5},
    {0.9: 1.0, 0.1: 0.5, -0.7: 0.4},
)
"""The weights of the teachers with one, two and three poles, by pole."""

LOSSES: Mapping[Size, tuple[float, ...]] = {
    "quick": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8),
    "full": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10),
}
PAST = 3
"""k - 2 d̂; the theorem asks for 1."""

STOP = "optimizer.stop.loss_below"


class ApproximateStudy(Study):
    """The study that this module describes."""

    name = "approximate"
    headline = "Approximate extrapolation: the error past k against the loss"
    title = "Approximate extrapolation: error past k of students that stop at a loss"
    question = "How small must the loss be for a small error past k?"
    works = (COHEN_KARLIK_2023,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Three teachers, and the losses at which training stops, for each start."""
        is_full = size == "full"
        return {
            start: sweep(
                {
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **student},
                    "optimizer": {
                        "kind": "momentum",
                        "momentum": 0.98,
                        "lr": 0.002,
                        "steps": 2_000_000 if is_full else 400_000,
                    },
                    "evaluation": {"points": 20, "metrics": []},
                    "seeds": 10 if is_full else 3,
                },
                zip_axis([_teacher(poles) for poles in SPECTRA]),
                {"path": STOP, "values": LOSSES[size]},
            )
            for start, student in STARTS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        arms = {start: self.arm(size, evidence, start) for start in STARTS}
        return (
            *(
                judge_hypothesis(
                    f"From a {start}, the error past k falls as the root of the loss",
                    "max over teachers of |exponent of the median error in the median loss, - 1/2| "
                    "< 0.15",
                    arms[start],
                    lambda experiments: max(abs(_exponent(one) - 0.5) for one in _by(experiments)),
                    kind=ClaimKind.EXTRAPOLATES,
                    below=0.15,
                )
                for start in (NEAR, BALANCED)
            ),
            judge_hypothesis(
                "From a large general start the loss falls as far, and the error hardly does",
                "min over teachers of the median error at the smallest loss / at the largest > 0.3",
                arms[GENERAL],
                lambda experiments: min(
                    relative_error(of_one[-1]) / relative_error(of_one[0])
                    for of_one in _by(experiments)
                ),
                kind=ClaimKind.DOES_NOT,
                above=0.3,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the loss, one line per teacher."""
        panels = []
        for start in STARTS:
            trained = [
                one
                for one in self.arm(size, evidence, start).experiments
                if np.isfinite(one.median("train_loss"))
            ]
            groups = _by(trained)
            lines = [
                Line(
                    label=f"d̂ = {states(of_one[0].spec.teacher)}",
                    x=[one.median("train_loss") for one in of_one],
                    y=[relative_error(one) for one in of_one],
                )
                for of_one in groups
            ]
            if groups:
                x = lines[0].x
                root = [float(np.sqrt(loss)) for loss in x]
                lines.append(Line(label="√loss", x=x, y=root, dashed=True))
            panels.append(
                Panel(
                    title=start,
                    x=axis_label("train_loss"),
                    y=axis_label("relative_extrapolation_error"),
                    x_scale="log",
                    lines=lines,
                    levels=[ZERO_BASELINE],
                )
            )
        return tuple(panels)


def _teacher(weights: Mapping[float, float]) -> dict[str, Any]:
    """The paths of a teacher with these weights by pole, and of its training length."""
    k = 2 * len(weights) + PAST
    teacher = {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": list(weights)},
        "weights": list(weights.values()),
    }
    return {"teacher": teacher, "training.length": k, "evaluation.horizon": k + 20}


def _by(experiments: Sequence[Evidence]) -> list[list[Evidence]]:
    """The experiments of each teacher, from the largest loss to the smallest."""
    groups: dict[int, list[Evidence]] = {}
    for experiment in experiments:
        groups.setdefault(states(experiment.spec.teacher), []).append(experiment)
    return list(groups.values())


def _exponent(experiments: Sequence[Evidence]) -> float:
    """The exponent p of error ∝ loss^p."""
    losses = np.log([one.median("train_loss") for one in experiments])
    errors = np.log([*map(relative_error, experiments)])
    return slope_with_error(losses.tolist(), errors.tolist())[0]
