"""The student's dimension: the theorem holds "irrespective of how large its state space dimension is".

Cohen-Karlik et al. (2023): the number of states d that the student has to spare does not matter,
since the states that training uses are few. Here d grows from a few to many times the teacher's,
and with it nothing else.

The dimensions, scales, steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence
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
    POLES,
    TEACHER,
    relative,
    sweep,
    worst,
)
from core.studies.study import Claim, Size, Study, judged

NEAR, BALANCED, GENERAL = "near-zero start", "large balanced start", "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = {
    NEAR: NEAR_ZERO,
    BALANCED: LARGE_BALANCED,
    GENERAL: LARGE_GENERAL,
}

LENGTH = 6
DIMS: Mapping[Size, tuple[int, ...]] = {
    "quick": (10, 20, 50, 100),
    "full": (10, 20, 50, 100, 150, 200),
}


class DimensionStudy(Study):
    """See the module."""

    name = "dimension"
    title = "Error against the student's dimension"
    question = "Does it matter how many more states the student has than it needs?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every dimension."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 10, **student},
                    "training": {"length": LENGTH},
                    "optimizer": {"lr": 0.01, "steps": 40_000 if full else 10_000},
                    "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 3,
                },
                {"path": "student.dim", "values": DIMS[size]},
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        near, balanced, general = (self.arm(size, evidence, arm) for arm in ARMS)
        return (
            judged(
                "From a near-zero start a student extrapolates however many states it has",
                f"max over d of {ERROR} < 0.001",
                near,
                worst,
                below=0.001,
            ),
            judged(
                "So it does from a large balanced start",
                f"max over d of {ERROR} < 0.1",
                balanced,
                worst,
                below=0.1,
            ),
            judged(
                "What the near-zero student uses is as many states as the teacher has: ranks agree for every d",
                "max over d of |effective rank / its value at the smallest d - 1| < 0.001",
                near,
                _spread_of_ranks,
                below=0.001,
            ),
            judged(
                "A large general start fits and does not extrapolate, at any d",
                f"min over d of {ERROR}, over seeds that fit > 0.5",
                general,
                lambda pieces: min(
                    piece.median_of_fitted("relative_extrapolation_error") for piece in pieces
                ),
                above=0.5,
            ),
            judged(
                "There is no trend with d: the near-zero student's errors lie within one order of magnitude",
                f"largest over smallest {ERROR} < 10",
                near,
                lambda pieces: worst(pieces) / min(map(relative, pieces)),
                below=10,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error and effective rank against d."""
        found = {arm: self.arm(size, evidence, arm).found for arm in ARMS}
        return (
            Panel(
                x="student dimension d",
                y=ERROR_AXIS,
                x_scale="log",
                lines=[quartiles(arm, pieces, _dim) for arm, pieces in found.items()],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x="student dimension d",
                y="effective rank of the Hankel singular values",
                x_scale="log",
                y_scale="linear",
                lines=[
                    quartiles(arm, pieces, _dim, "effective_rank") for arm, pieces in found.items()
                ],
                levels=[Mark(label=f"teacher's states d̂ = {len(POLES)}", at=len(POLES))],
            ),
        )


def _dim(piece: Evidence) -> float:
    return piece.spec.student.dim


def _spread_of_ranks(pieces: Sequence[Evidence]) -> float:
    ranks = [piece.median("effective_rank") for piece in pieces]
    return max(abs(rank / ranks[0] - 1) for rank in ranks)
