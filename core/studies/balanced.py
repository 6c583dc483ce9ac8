"""The balanced teacher: from which training length on, and from which starts, does the student extrapolate?

Theorem (Cohen-Karlik et al. 2023, wording reconstructed): with d > k > 2 d̂, a balanced teacher and a symmetric
student, gradient flow from a balanced start that brings the loss to 0 extrapolates, whatever the student's dimension d.
The paper argues that a start near zero leads to balancedness by itself. A large unstructured start can fit as well and
still fail.

The digits of the paper's own experiments are not known; teacher, scales, steps and bounds here are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartiles
from core.spec import SweepSpec
from core.studies.study import Claim, Pieces, Size, Study, judged, together

POLES = (0.9, -0.5)
TEACHER = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": POLES}, "weights": (0.7, 0.5)}
"""ĥ_j = 0.7 · 0.9^j + 0.5 · (-0.5)^j: a slow and an alternating pole, far apart, so that GD converges in time."""

THRESHOLD = 2 * len(POLES)
"""2 d̂: the theorem needs k above it."""

PAST_THE_LENGTH = 20
"""The horizon is k + 20."""

ERROR = "median (extrapolation error / zero baseline)"

NEAR_ZERO = "near-zero start"
LARGE_BALANCED = "large balanced start"
LARGE_UNBALANCED = "large unbalanced start"
LARGE_GENERAL = "large general start"
ARMS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        NEAR_ZERO: {"structure": "symmetric", "start": {"scale": 0.001}},
        LARGE_BALANCED: {"structure": "symmetric", "start": {"scale": 0.7, "balanced": True}},
        LARGE_UNBALANCED: {"structure": "symmetric", "start": {"scale": 0.7}},
        LARGE_GENERAL: {"structure": "general", "start": {"scale": 1.0}},
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
        "quick": Extent(dim=30, lengths=(2, 3, 4, 5, 6, 8, 10, 14), lr=0.01, steps=10_000, points=60, seeds=5),
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
        lengths = [{"training.length": k, "evaluation.horizon": k + PAST_THE_LENGTH} for k in extent.lengths]
        return {
            arm: SweepSpec.model_validate(
                {
                    "base": {
                        "teacher": TEACHER,
                        "student": {"kind": "linear", "dim": extent.dim, **student},
                        "optimizer": {"kind": "gd", "lr": extent.lr, "steps": extent.steps},
                        "evaluation": {"points": extent.points, "fit_tolerance": 0.01},
                        "seeds": extent.seeds,
                    },
                    "axes": [together(lengths)],
                }
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
                at(NEAR_ZERO, above),
                _worst,
                below=0.01,
            ),
            judged(
                "So it does from a large balanced start, as the theorem says",
                f"max over k > 2 d̂ of {ERROR} < 0.1",
                at(LARGE_BALANCED, above),
                _worst,
                below=0.1,
            ),
            judged(
                "There is a cliff: from k = 2 d̂ - 1 to 2 d̂ + 1 a near-zero start's error falls by orders of magnitude",
                f"ratio of {ERROR} at k = 2 d̂ - 1 and 2 d̂ + 1 > 1000",
                at(NEAR_ZERO, [THRESHOLD - 1, THRESHOLD + 1]),
                lambda pieces: _relative(pieces[0]) / _relative(pieces[1]),
                above=1000,
            ),
            judged(
                "k > 2 d̂ is needed: at k = 2 d̂ a large balanced start fits and does not extrapolate",
                f"{ERROR} at k = 2 d̂, over seeds that fit > 0.1",
                at(LARGE_BALANCED, [THRESHOLD]),
                _fitted,
                above=0.1,
            ),
            judged(
                "A large general start fits the training length at k = 2 d̂ + 1",
                "median fit error at k = 2 d̂ + 1 < 0.001",
                at(LARGE_GENERAL, [THRESHOLD + 1]),
                lambda pieces: pieces[0].median("fit_error"),
                below=0.001,
            ),
            judged(
                "Yet it does not extrapolate: it does no better than answering zero",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                at(LARGE_GENERAL, [THRESHOLD + 1]),
                _fitted,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error against training length, one band per start."""
        bands = [
            quartiles(arm, self.arm(size, evidence, arm).found, lambda piece: piece.spec.training.length)
            for arm in ARMS
        ]
        return (
            Panel(
                x="training length k",
                y="extrapolation error / zero baseline\nmedian and quartiles over seeds",
                lines=bands,
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
        )


def _relative(piece: Evidence) -> float:
    return piece.median("relative_extrapolation_error")


def _fitted(pieces: Sequence[Evidence]) -> float:
    return pieces[0].median_of_fitted("relative_extrapolation_error")


def _worst(pieces: Sequence[Evidence]) -> float:
    return max(map(_relative, pieces))
