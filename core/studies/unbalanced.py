"""The unbalanced teacher: A symmetric, weights of both signs, so that the theorem does not speak of it.

The paper's experiments (Cohen-Karlik et al. 2023; protocol remembered, digits not known) show that
GD from a near-zero start extrapolates here too. A student that is balanced for ever, C = Bᵀ by
construction, can't even fit: its weights are never negative. The imbalance that the student ends
with is then a property of the teacher, not a failure.

The teacher, scales, steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartiles
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    LARGE_GENERAL,
    NEAR_ZERO,
    POLES,
    THRESHOLD,
    relative_of_fitted,
    sweep,
    together,
    worst,
)
from core.studies.study import Claim, Size, Study, judged

SIGNED: Mapping[str, Any] = {
    "kind": "unbalanced",
    "eigenvalues": {"kind": "list", "values": POLES},
    "weights": (0.7, -0.5),
}
"""ĥ_j = 0.7 · 0.9^j - 0.5 · (-0.5)^j."""

NEAR, TIED, GENERAL = "near-zero start", "tied student, C = Bᵀ", "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = {
    NEAR: NEAR_ZERO,
    TIED: {**NEAR_ZERO, "tied": True},
    GENERAL: LARGE_GENERAL,
}
LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)


class UnbalancedStudy(Study):
    """See the module."""

    name = "unbalanced"
    title = "Unbalanced teacher: error against training length"
    question = "Does GD from a near-zero start extrapolate where the teacher is not balanced?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every arm at every training length."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": SIGNED,
                    "student": {"kind": "linear", "dim": 50 if full else 30, **student},
                    "optimizer": {
                        "lr": 0.005 if full else 0.01,
                        "steps": 100_000 if full else 20_000,
                    },
                    "evaluation": {"points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 5,
                },
                together([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        above = [k for k in LENGTHS if k > THRESHOLD]
        near, tied = (self.arm(size, evidence, arm, length=above) for arm in (NEAR, TIED))
        general = self.arm(size, evidence, GENERAL, length=THRESHOLD + 1)
        return (
            judged(
                "From a near-zero start GD extrapolates from k > 2 d̂ on, as with a balanced teacher",
                f"max over k > 2 d̂ of {ERROR} < 0.001",
                near,
                worst,
                below=0.001,
            ),
            judged(
                "The student ends unbalanced, as the teacher is",
                "min over k > 2 d̂ of median imbalance > 0.1",
                near,
                lambda pieces: min(piece.median("imbalance") for piece in pieces),
                above=0.1,
            ),
            judged(
                "A tied student cannot fit",
                "min over k > 2 d̂ of median training loss > 0.1",
                tied,
                lambda pieces: min(piece.median("train_loss") for piece in pieces),
                above=0.1,
            ),
            judged(
                "A large general start fits at k = 2 d̂ + 1 and does not extrapolate",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                general,
                relative_of_fitted,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error and training loss against training length."""
        found = {arm: self.arm(size, evidence, arm).found for arm in ARMS}
        threshold = [Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)]
        return (
            Panel(
                x="training length k",
                y=ERROR_AXIS,
                lines=[quartiles(arm, pieces, _length) for arm, pieces in found.items()],
                levels=[ZERO_BASELINE],
                limits=threshold,
            ),
            Panel(
                x="training length k",
                y="training loss at the end",
                lines=[
                    quartiles(arm, pieces, _length, "train_loss") for arm, pieces in found.items()
                ],
                limits=threshold,
            ),
        )


def _length(piece: Evidence) -> float:
    return piece.spec.training.length
