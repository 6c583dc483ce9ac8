"""The memoryless teacher, ĥ = (1, 0, 0, ...), and four ways to start.

Cohen-Karlik, Ben David, Cohen and Globerson (2022): even with infinite data there are recurrent
networks that fit and don't extrapolate, yet GD from balanced symmetric starts does; already from k
= 3 on, since |A B|² = h_2 = 0 forces the whole tail to be 0. The four starts are theirs in kind
(symmetric balanced, near zero, like the identity, default); the scales and digits are ours. The
zero baseline is 0 here, so that errors are absolute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import Panel, quartiles
from core.spec import SweepSpec
from core.studies.setting import sweep, together
from core.studies.study import Claim, Size, Study, judged

BALANCED, NEAR, IDENTITY, DEFAULT = "symmetric balanced", "near zero", "identity", "default"
ARMS: Mapping[str, Mapping[str, Any]] = {
    BALANCED: {"structure": "symmetric", "start": {"scale": 0.7, "balanced": True}},
    NEAR: {"structure": "general", "start": {"scale": 0.001}},
    IDENTITY: {"structure": "general", "start": {"kind": "identity", "scale": 1.0}},
    DEFAULT: {"structure": "general", "start": {"kind": "default"}},
}
LENGTHS = (2, 3, 4, 5, 8)


class MemorylessStudy(Study):
    """See the module."""

    name = "memoryless"
    title = "Memoryless teacher: error against training length, four starts"
    question = "From which starts does GD learn to forget everything past the newest input?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every training length."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": {"kind": "memoryless"},
                    "student": {"kind": "linear", "dim": 50 if full else 30, **student},
                    "optimizer": {"lr": 0.002, "steps": 500_000 if full else 50_000},
                    "evaluation": {"points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 3,
                },
                together([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""

        def error(arm: str, claim: str, lengths: Sequence[int], **bound: float) -> Claim:
            words = "max" if "below" in bound else "min"
            sign = f"< {bound['below']:g}" if "below" in bound else f"> {bound['above']:g}"
            return judged(
                claim,
                f"{words} over k in {{{', '.join(map(str, lengths))}}} of median extrapolation error {sign}",
                self.arm(size, evidence, arm, length=lengths),
                lambda pieces: (max if "below" in bound else min)(
                    p.median("extrapolation_error") for p in pieces
                ),
                **bound,
            )

        return (
            error(
                BALANCED,
                "A symmetric balanced start extrapolates from k = 3 on",
                (3, 4, 5, 8),
                below=0.01,
            ),
            error(BALANCED, "k = 3 is needed: at k = 2 it fits and does not", (2,), above=0.1),
            error(
                NEAR,
                "A near-zero start extrapolates from k = 2 on, without any structure",
                LENGTHS,
                below=0.01,
            ),
            error(IDENTITY, "A start like the identity fits and fails at k = 2", (2,), above=0.1),
            error(
                DEFAULT,
                "The default start keeps a memory that nobody asked for at k = 2",
                (2,),
                above=0.01,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Error against training length, one band per start."""
        lines = [
            quartiles(
                arm,
                self.arm(size, evidence, arm).found,
                lambda p: p.spec.training.length,
                "extrapolation_error",
            )
            for arm in ARMS
        ]
        return (
            Panel(
                x="training length k",
                y="extrapolation error\nmedian and quartiles over seeds",
                lines=lines,
            ),
        )
