"""The start: its scale, and whether it is balanced.

Near zero the imbalance decays while the balanced part grows, so that a start of scale s leaves the
origin with an imbalance of the order s²: d(B - Cᵀ)/dt = S (B - Cᵀ), d(B + Cᵀ)/dt = -S (B + Cᵀ), and
|B|² - |C|² is conserved. Imbalance and extrapolation error at the end are then both proportional to
s². A large unbalanced start fits and fails.

Source: the statement on near-zero starts of Cohen-Karlik et al. (2023), remembered; exponents
measured by ourselves.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Panel, quartiles
from core.spec import SweepSpec
from core.studies.setting import ERROR, ERROR_AXIS, TEACHER, relative_of_fitted, slope, sweep, worst
from core.studies.study import Claim, Size, Study, judged

UNBALANCED, BALANCED = "unbalanced start", "balanced start"
SCALES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SMALL = SCALES[:5]
LENGTH = 6


class StartStudy(Study):
    """See the module."""

    name = "start"
    title = "The start: error and imbalance against its scale"
    question = "How small, and how balanced, must a start be?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Both kinds of start at every scale."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {
                        "kind": "linear",
                        "dim": 50 if full else 30,
                        "start": {"balanced": arm == BALANCED},
                    },
                    "training": {"length": LENGTH},
                    "optimizer": {"lr": 0.02, "steps": 200_000 if full else 40_000},
                    "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 5,
                },
                {"path": "student.start.scale", "values": SCALES},
            )
            for arm in (UNBALANCED, BALANCED)
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        small = self.arm(size, evidence, UNBALANCED, scale=SMALL)
        return (
            judged(
                "The imbalance at the end is proportional to the square of the scale",
                "|exponent of median imbalance in s, s from 0.0001 to 0.01, - 2| < 0.3",
                small,
                lambda pieces: abs(
                    slope(SMALL, [piece.median("imbalance") for piece in pieces]) - 2
                ),
                below=0.3,
            ),
            judged(
                "So is the extrapolation error",
                "|exponent of median extrapolation error in s, s from 0.0001 to 0.01, - 2| < 0.3",
                small,
                lambda pieces: abs(
                    slope(SMALL, [piece.median("extrapolation_error") for piece in pieces]) - 2
                ),
                below=0.3,
            ),
            judged(
                "A balanced start extrapolates at every scale",
                f"max over s of {ERROR} < 0.1",
                self.arm(size, evidence, BALANCED),
                worst,
                below=0.1,
            ),
            judged(
                "A large unbalanced start fits and does not extrapolate",
                f"{ERROR} at s = 1, over seeds that fit > 0.5",
                self.arm(size, evidence, UNBALANCED, scale=1.0),
                relative_of_fitted,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error and imbalance against scale."""
        found = {arm: self.arm(size, evidence, arm).found for arm in (UNBALANCED, BALANCED)}
        return (
            Panel(
                x="scale of the start s",
                y=ERROR_AXIS,
                x_scale="log",
                lines=[quartiles(arm, pieces, _scale) for arm, pieces in found.items()],
                levels=[ZERO_BASELINE],
            ),
            Panel(
                x="scale of the start s",
                y="imbalance |B - Cᵀ| at the end",
                x_scale="log",
                lines=[quartiles(UNBALANCED, found[UNBALANCED], _scale, "imbalance")],
            ),
        )


def _scale(piece: Evidence) -> float:
    return float(getattr(piece.spec.student.start, "scale", float("nan")))
