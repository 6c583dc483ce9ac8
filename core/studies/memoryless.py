"""The memoryless teacher, ĥ = (1, 0, 0, ...), and four ways to start.

Cohen-Karlik, Ben David, Cohen and Globerson (2022): even with infinite data there are recurrent
networks that fit but don't extrapolate, yet GD from balanced symmetric starts does, and already
from k = 3 on, since |A B|² = h_2 = 0 forces the whole tail to be 0. The four kinds of start are
theirs (symmetric balanced, near zero, identity, default); the scales and numbers are ours.
The zero baseline is 0 here, so errors are absolute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import Panel, quartile_line
from core.references import COHEN_KARLIK_2022
from core.spec import SweepSpec
from core.studies.setting import sweep, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

BALANCED, NEAR, IDENTITY, DEFAULT = "symmetric balanced", "near zero", "identity", "default"
ARMS: Mapping[str, Mapping[str, Any]] = {
    BALANCED: {"structure": "symmetric", "start": {"scale": 0.7, "balanced": True}},
    NEAR: {"structure": "general", "start": {"scale": 0.001}},
    IDENTITY: {"structure": "general", "start": {"kind": "identity", "scale": 1.0}},
    DEFAULT: {"structure": "general", "start": {"kind": "default"}},
}
LENGTHS = (2, 3, 4, 5, 8)


class MemorylessStudy(Study):
    """The study that this module describes."""

    name = "memoryless"
    headline = "Memoryless teacher: which starts learn to forget"
    title = "Memoryless teacher: error against training length, four starts"
    question = "From which starts does GD learn to forget everything but the newest input?"
    works = (COHEN_KARLIK_2022,)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every start at every training length."""
        is_full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": {"kind": "memoryless"},
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **student},
                    "optimizer": {"lr": 0.002, "steps": 500_000 if is_full else 50_000},
                    "evaluation": {"points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if is_full else 3,
                },
                zip_axis([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""

        def judge_error(arm: str, claim: str, lengths: Sequence[int], **bound: float) -> Hypothesis:
            extreme = "max" if "below" in bound else "min"
            sign = f"< {bound['below']:g}" if "below" in bound else f"> {bound['above']:g}"
            allowed = f"{{{', '.join(map(str, lengths))}}}"
            return judge_hypothesis(
                claim,
                f"{extreme} over k in {allowed} of median extrapolation error {sign}",
                self.arm(size, evidence, arm, length=lengths),
                lambda experiments: (max if "below" in bound else min)(
                    experiment.median("extrapolation_error") for experiment in experiments
                ),
                kind=ClaimKind.EXTRAPOLATES if "below" in bound else ClaimKind.DOES_NOT,
                **bound,
            )

        return (
            judge_error(
                BALANCED,
                "A symmetric balanced start extrapolates from k = 3 on",
                (3, 4, 5, 8),
                below=0.01,
            ),
            judge_error(
                BALANCED,
                "k = 3 is needed: at k = 2 it fits but does not extrapolate",
                (2,),
                above=0.1,
            ),
            judge_error(
                NEAR,
                "A near-zero start extrapolates from k = 2 on, without any structure",
                LENGTHS,
                below=0.01,
            ),
            judge_error(
                IDENTITY,
                "At k = 2, an identity start fits but does not extrapolate",
                (2,),
                above=0.1,
            ),
            judge_error(
                DEFAULT,
                "At k = 2, the default start keeps a memory that the teacher does not have",
                (2,),
                above=0.01,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, one line and band per start."""
        lines = [
            quartile_line(
                arm,
                self.arm(size, evidence, arm).experiments,
                lambda experiment: experiment.spec.training.length,
                "extrapolation_error",
            )
            for arm in ARMS
        ]
        return (
            Panel(
                x=axis_label("training.length"),
                y=f"{axis_label('extrapolation_error')}\nmedian and quartiles over seeds",
                lines=lines,
            ),
        )
