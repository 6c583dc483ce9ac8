"""Finite samples: N sequences in place of their expectation.

With N < k sequences the loss L = eᵀ M e has a singular M = Xᵀ X / N: it can be 0 while the first k responses are wrong,
so that fitting is not even generalising. The same bias that makes GD extrapolate fills the gap: a near-zero start needs
few sequences, of the order of the teacher's parameters, where a large one needs k of them, and then doesn't extrapolate.

Beyond the paper; sample sizes, seeds of the samples and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartiles
from core.spec import FiniteSampleLoss, SweepSpec
from core.studies.setting import ERROR, ERROR_AXIS, LARGE_GENERAL, NEAR_ZERO, TEACHER, sweep, worst
from core.studies.study import Claim, Size, Study, judged

NEAR, GENERAL = "near-zero start", "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = {NEAR: NEAR_ZERO, GENERAL: LARGE_GENERAL}
LENGTH = 6
SAMPLES = (1, 2, 3, 4, 5, 6, 8, 16, 64, 256)


class FiniteSampleStudy(Study):
    """See the module."""

    name = "finite-sample"
    title = "Finite samples: error against the number of sequences"
    question = "How many training sequences does it take to extrapolate?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Both starts at every sample size."""
        full = size == "full"
        return {
            arm: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 50 if full else 30, **student},
                    "training": {"length": LENGTH, "loss": {"kind": "finite_sample", "seed": 0}},
                    "optimizer": {"lr": 0.003, "steps": 300_000 if full else 60_000},
                    "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
                    "seeds": 10 if full else 3,
                },
                {"path": "training.loss.sequences", "values": SAMPLES},
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        few = self.arm(size, evidence, GENERAL, sequences=[2, 3, 4])
        return (
            judged(
                "With fewer sequences than their length a large start brings the loss to zero",
                "max over N in {2, 3, 4} of median training loss < 1e-10",
                few,
                lambda pieces: max(abs(piece.median("train_loss")) for piece in pieces),
                below=1e-10,
            ),
            judged(
                "Yet it does not generalise: responses within the training length are wrong",
                "min over N in {2, 3, 4} of median fit error > 0.1",
                few,
                lambda pieces: min(piece.median("fit_error") for piece in pieces),
                above=0.1,
            ),
            judged(
                "From a near-zero start as many sequences as k are enough to extrapolate",
                f"max over N >= k of {ERROR} < 0.001",
                self.arm(size, evidence, NEAR, sequences=[N for N in SAMPLES if N >= LENGTH]),
                worst,
                below=0.001,
            ),
            judged(
                "So are fewer: 2 d̂ = 4 of them, where the loss determines 4 of 6 responses",
                f"{ERROR} at N = 4 < 0.001",
                self.arm(size, evidence, NEAR, sequences=4),
                worst,
                below=0.001,
            ),
            judged(
                "A large general start does not extrapolate however many there are",
                f"min over N >= k of {ERROR} > 0.5",
                self.arm(size, evidence, GENERAL, sequences=[N for N in SAMPLES if N >= LENGTH]),
                lambda pieces: min(piece.median("relative_extrapolation_error") for piece in pieces),
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Extrapolation and fit error against the number of sequences."""
        found = {arm: self.arm(size, evidence, arm).found for arm in ARMS}
        as_many = [Mark(label=f"N = k = {LENGTH}", at=LENGTH)]
        return (
            Panel(
                x="number of sequences N",
                y=ERROR_AXIS,
                x_scale="log",
                lines=[quartiles(arm, pieces, _sequences) for arm, pieces in found.items()],
                levels=[ZERO_BASELINE],
                limits=as_many,
            ),
            Panel(
                x="number of sequences N",
                y="fit error, max |e_j| over j < k",
                x_scale="log",
                lines=[quartiles(arm, pieces, _sequences, "fit_error") for arm, pieces in found.items()],
                limits=as_many,
            ),
        )


def _sequences(piece: Evidence) -> float:
    loss = piece.spec.training.loss
    return float(loss.sequences or 0) if isinstance(loss, FiniteSampleLoss) else float("nan")
