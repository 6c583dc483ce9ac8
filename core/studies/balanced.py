"""The balanced teacher: from which training length on, and from which starts, does the student extrapolate?

Theorem (Cohen-Karlik et al. 2023, wording reconstructed): with d > k > 2 d̂, a balanced teacher and
a symmetric student, gradient flow from a balanced start that brings the loss to 0 extrapolates,
whatever the student's dimension d. The paper argues that a start near zero leads to balancedness by
itself. A large unstructured start can fit as well and still fail.

The digits of the paper's own experiments are not known; teacher, scales, steps and bounds here are
ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartiles
from core.spec import SweepSpec
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    LARGE_BALANCED,
    LARGE_GENERAL,
    NEAR_ZERO,
    TEACHER,
    THRESHOLD,
    relative,
    relative_of_fitted,
    sweep,
    together,
    worst,
)
from core.studies.study import Claim, Pieces, Size, Study, judged

PAST_THE_LENGTH = 20
"""The horizon is k + 20."""

NEAR = "near-zero start"
BALANCED = "large balanced start"
UNBALANCED = "large unbalanced start"
GENERAL = "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        NEAR: NEAR_ZERO,
        BALANCED: LARGE_BALANCED,
        UNBALANCED: {"structure": "symmetric", "start": {"scale": 0.7}},
        GENERAL: LARGE_GENERAL,
    }
)
"""Starts by name. Scales of the large ones make the spectral radius of A about 1."""


@dataclass(frozen=True)
class Extent:
    """How much is run."""

    dim: int
    lengths: tuple[int, ...]
    lr: float
    steps: int
    points: int
    seeds: int


EXTENTS: Mapping[Size, Extent] = MappingProxyType(
    {
        "quick": Extent(
            dim=30, lengths=(2, 3, 4, 5, 6, 8, 10, 14), lr=0.01, steps=10_000, points=60, seeds=5
        ),
        "full": Extent(
            dim=50,
            lengths=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30),
            lr=0.003,
            steps=200_000,
            points=200,
            seeds=10,
        ),
    }
)


class BalancedStudy(Study):
    """See the module."""

    name = "balanced"
    title = "Balanced teacher: error against training length"
    question = "From which training length, and from which starts, does GD find a student that extrapolates?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every training length."""
        extent = EXTENTS[size]
        lengths = [
            {"training.length": k, "evaluation.horizon": k + PAST_THE_LENGTH}
            for k in extent.lengths
        ]
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": extent.dim, **student},
                    "optimizer": {"kind": "gd", "lr": extent.lr, "steps": extent.steps},
                    "evaluation": {"points": extent.points, "fit_tolerance": 0.01},
                    "seeds": extent.seeds,
                },
                together(lengths),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text as inequalities on medians over seeds."""

        def at(arm: str, lengths: Sequence[int]) -> Pieces:
            return self.arm(size, evidence, arm, length=lengths)

        above = [k for k in EXTENTS[size].lengths if k > THRESHOLD]
        return (
            judged(
                "From a near-zero start GD extrapolates as soon as k > 2 d̂",
                f"max over k > 2 d̂ of {ERROR} < 0.01",
                at(NEAR, above),
                worst,
                below=0.01,
            ),
            judged(
                "So it does from a large balanced start, as the theorem says",
                f"max over k > 2 d̂ of {ERROR} < 0.1",
                at(BALANCED, above),
                worst,
                below=0.1,
            ),
            judged(
                "There is a cliff: from k = 2 d̂ - 1 to 2 d̂ + 1 a near-zero start's error falls by orders of magnitude",
                f"ratio of {ERROR} at k = 2 d̂ - 1 and 2 d̂ + 1 > 1000",
                at(NEAR, [THRESHOLD - 1, THRESHOLD + 1]),
                lambda pieces: relative(pieces[0]) / relative(pieces[1]),
                above=1000,
            ),
            judged(
                "k > 2 d̂ is needed: at k = 2 d̂ a large balanced start fits and does not extrapolate",
                f"{ERROR} at k = 2 d̂, over seeds that fit > 0.1",
                at(BALANCED, [THRESHOLD]),
                relative_of_fitted,
                above=0.1,
            ),
            judged(
                "A large general start fits the training length at k = 2 d̂ + 1",
                "median fit error at k = 2 d̂ + 1 < 0.001",
                at(GENERAL, [THRESHOLD + 1]),
                lambda pieces: pieces[0].median("fit_error"),
                below=0.001,
            ),
            judged(
                "Yet it does not extrapolate: it does no better than answering zero",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                at(GENERAL, [THRESHOLD + 1]),
                relative_of_fitted,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error against training length, one band per start."""
        bands = [
            quartiles(
                arm, self.arm(size, evidence, arm).found, lambda piece: piece.spec.training.length
            )
            for arm in ARMS
        ]
        return (
            Panel(
                x="training length k",
                y=ERROR_AXIS,
                lines=bands,
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
        )
