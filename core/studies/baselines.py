"""Baselines: what methods without gradient descent make of the same k responses.

Ho-Kalman realisation (ERA), balanced truncation of the known teacher, subspace identification from
sequences, and least squares for the first k responses (FIR), set beside GD from a near-zero start.
Realisation theory needs 2 d̂ responses and is exact from there on (Antoulas 2005); the theorem on
GD needs one more, since GD doesn't know the order.

The setting and the bounds are ours.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Mark, Panel, quartiles
from core.spec import SweepSpec
from core.studies.setting import ERROR, NEAR_ZERO, TEACHER, THRESHOLD, sweep, together, worst
from core.studies.study import Claim, Size, Study, judged

GD = "GD from a near-zero start"
METHODS: Mapping[str, str] = {
    "era": "Ho-Kalman (ERA)",
    "balanced_truncation": "balanced truncation",
    "subspace": "subspace identification",
    "least_squares": "least squares (FIR)",
}
LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)
METRIC = "relative_extrapolation_error"


class BaselinesStudy(Study):
    """See the module."""

    name = "baselines"
    title = "GD beside methods of system identification"
    question = "Is GD as good as methods that look for a small system on purpose?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """GD from near zero at every training length, each with all baselines."""
        full = size == "full"
        return {
            GD: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 50 if full else 30, **NEAR_ZERO},
                    "optimizer": {
                        "lr": 0.003 if full else 0.01,
                        "steps": 200_000 if full else 10_000,
                    },
                    "evaluation": {"points": 60, "fit_tolerance": 0.01, "baselines": list(METHODS)},
                    "seeds": 10 if full else 5,
                },
                together([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        enough = self.arm(size, evidence, GD, length=[k for k in LENGTHS if k >= THRESHOLD])
        return (
            judged(
                "ERA is exact from k = 2 d̂ on",
                "max over k >= 2 d̂ of its error / zero baseline < 1e-8",
                enough,
                lambda pieces: max(_of(piece, "era") for piece in pieces),
                below=1e-8,
            ),
            judged(
                "Below 2 d̂ it fails like everything else",
                "its error / zero baseline at k = 2 d̂ - 2 > 0.1",
                self.arm(size, evidence, GD, length=THRESHOLD - 2),
                lambda pieces: _of(pieces[0], "era"),
                above=0.1,
            ),
            judged(
                "GD from a near-zero start comes close to it, without being told the order",
                f"max over k > 2 d̂ of {ERROR} < 0.001",
                self.arm(size, evidence, GD, length=[k for k in LENGTHS if k > THRESHOLD]),
                worst,
                below=0.001,
            ),
            judged(
                "Least squares for the first k responses never extrapolates: it is the zero baseline",
                "min over k of its error / zero baseline > 0.99",
                self.arm(size, evidence, GD),
                lambda pieces: min(_of(piece, "least_squares") for piece in pieces),
                above=0.99,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error against training length, one line per method."""
        found = sorted(self.arm(size, evidence, GD).found, key=_length)
        lines = [quartiles(GD, found, _length)]
        for method, words in METHODS.items():
            lines.append(
                Line(label=words, x=[_length(p) for p in found], y=[_of(p, method) for p in found])
            )
        return (
            Panel(
                x="training length k",
                y="extrapolation error / zero baseline",
                lines=lines,
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
        )


def _length(piece: Evidence) -> float:
    return float(piece.spec.training.length)


def _of(piece: Evidence, method: str) -> float:
    return next(
        (found.summary[METRIC] for found in piece.baselines if found.name == method), float("nan")
    )
