"""The memoryless teacher, ĥ = (1, 0, 0, ...), and five ways to start.

Cohen-Karlik, Ben David, Cohen and Globerson (2022) study the extrapolation of GD on this teacher
from different starts. Balanced symmetric students that fit k = 3 must extrapolate: |A B|² = h_2 = 0
forces the whole tail to be 0, whatever the scale of the start.

An identity start is a large start in name only. GD changes A = I in the span of the first B and C
alone, so A - I keeps rank 2: in effect this student has two states. The large start has a spectral
radius of 1 too, but in all its dimensions. The default start, uniform as in PyTorch, has a spectral
radius of about 1/√3.

The choice of starts, their scales and the numbers are ours. The zero baseline is 0 here, so errors
are absolute. A student with a short memory is right here, so the claims compare starts or training
lengths.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import Panel, quartile_line
from core.references import COHEN_KARLIK_2022
from core.spec import SweepSpec
from core.studies.setting import least_ratio, sweep, zip_axis
from core.studies.study import ClaimKind, EvidenceSlice, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

BALANCED, NEAR, IDENTITY = "symmetric balanced", "near zero", "identity (two states)"
DEFAULT, LARGE = "default", "large"
ARMS: Mapping[str, Mapping[str, Any]] = {
    BALANCED: {"structure": "symmetric", "start": {"scale": 0.7, "balanced": True}},
    NEAR: {"structure": "general", "start": {"scale": 0.001}},
    IDENTITY: {"structure": "general", "start": {"kind": "identity", "scale": 1.0}},
    DEFAULT: {"structure": "general", "start": {"kind": "default"}},
    LARGE: {"structure": "general", "start": {"scale": 1.0}},
}
LENGTHS = (2, 3, 4, 5, 8)
ENOUGH = LENGTHS[1:]
"""The lengths of at least 3."""

ERROR = "median extrapolation error"


class MemorylessStudy(Study):
    """The study that this module describes."""

    name = "memoryless"
    headline = "Memoryless teacher: which starts learn to forget"
    title = "Memoryless teacher: error against training length, five starts"
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
                    "evaluation": {
                        "points": 60,
                        "fit_tolerance": 0.01,
                        "metrics": ["effective_rank", "spectral_radius"],
                    },
                    "seeds": 10 if is_full else 5,
                },
                zip_axis([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""

        def of(arm: str, lengths: Sequence[int]) -> EvidenceSlice:
            return self.arm(size, evidence, arm, length=lengths)

        everything = EvidenceSlice((), ())
        for arm in ARMS:
            everything += of(arm, LENGTHS)
        return (
            judge_hypothesis(
                "Every start fits at every training length",
                "max over starts and k of median fit error < 0.01",
                everything,
                lambda experiments: max(one.median("fit_error") for one in experiments),
                kind=ClaimKind.FITS,
                below=0.01,
            ),
            judge_hypothesis(
                "A symmetric balanced start fits at k = 2 without extrapolating",
                f"{ERROR} at k = 2, > 0.1",
                of(BALANCED, [2]),
                _least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.1,
            ),
            judge_hypothesis(
                "From k = 3 on it extrapolates",
                f"{ERROR} at k = 2 over the largest of k >= 3, > 100",
                of(BALANCED, ENOUGH) + of(BALANCED, [2]),
                _last_over_others,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
            judge_hypothesis(
                "A near-zero start comes closer than a large one at every k, without any structure",
                f"min over k of {ERROR}, large start over near-zero start > 1000",
                of(NEAR, LENGTHS) + of(LARGE, LENGTHS),
                lambda experiments: least_ratio(experiments, _error),
                kind=ClaimKind.CONTRAST,
                above=1000,
            ),
            judge_hypothesis(
                "A large start fits without extrapolating at every k",
                f"min over k of {ERROR} > 0.05",
                of(LARGE, LENGTHS),
                _least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.05,
            ),
            judge_hypothesis(
                "An identity start, with two states in effect, fits at k = 2 without extrapolating",
                f"{ERROR} at k = 2, > 0.1",
                of(IDENTITY, [2]),
                _least_error,
                kind=ClaimKind.DOES_NOT,
                above=0.1,
            ),
            judge_hypothesis(
                "It extrapolates from k = 3 on, as a balanced one does",
                f"{ERROR} at k = 2 over the largest of k >= 3, > 100",
                of(IDENTITY, ENOUGH) + of(IDENTITY, [2]),
                _last_over_others,
                kind=ClaimKind.CONTRAST,
                above=100,
            ),
            judge_hypothesis(
                "From the default start the error falls with k, faster than the powers of the "
                "start's spectral radius 1/√3",
                f"factor on {ERROR} per step of k, least squares of the logarithm < 1/√3",
                of(DEFAULT, LENGTHS),
                _factor_per_step,
                kind=ClaimKind.CONTRAST,
                below=1 / math.sqrt(3),
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
                y_limits=(1e-12, 10.0),
            ),
        )


def _error(experiment: Evidence) -> float:
    return experiment.median("extrapolation_error")


def _least_error(experiments: Sequence[Evidence]) -> float:
    return min(map(_error, experiments))


def _last_over_others(experiments: Sequence[Evidence]) -> float:
    """The error of the last experiment over the largest of the others."""
    *others, last = map(_error, experiments)
    return float(np.divide(last, max(others)))


def _factor_per_step(experiments: Sequence[Evidence]) -> float:
    """The factor on the error per step of k: exp of the slope of its logarithm."""
    lengths = [experiment.spec.training.length for experiment in experiments]
    with np.errstate(divide="ignore"):
        logarithms = np.log([_error(experiment) for experiment in experiments])
    if not np.isfinite(logarithms).all():
        return math.nan
    return float(np.exp(np.polyfit(lengths, logarithms, 1)[0]))
