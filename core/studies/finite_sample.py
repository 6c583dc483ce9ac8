"""Finite samples: N sequences in place of their expectation.

With N < k sequences the loss L = eᵀ M e has a singular M = Xᵀ X / N: it can be 0 while the first k
responses are wrong, so that fitting is not even generalising. The same bias that makes GD
extrapolate fills the gap: a near-zero start needs fewer sequences, often fewer than k; a large
start needs k of them to generalise, and then doesn't extrapolate. How few are enough depends on the
sample, so that several are drawn of each size.

Beyond the paper; sample sizes, seeds of the samples and bounds are ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartiles
from core.spec import FiniteSampleLoss, SweepSpec
from core.statistics import statistic
from core.studies.setting import ERROR, ERROR_AXIS, LARGE_GENERAL, NEAR_ZERO, TEACHER, sweep, worst
from core.studies.study import Claim, Size, Study, judged

NEAR, GENERAL = "near-zero start", "large general start"
ARMS: Mapping[str, Mapping[str, Any]] = {NEAR: NEAR_ZERO, GENERAL: LARGE_GENERAL}
LENGTH = 6
SIZES = (1, 2, 3, 4, 5, 6, 8, 16, 64, 256)
ENOUGH = tuple(N for N in SIZES if N > 2 * LENGTH)


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
                    "optimizer": {"lr": 0.003, "steps": 200_000 if full else 40_000},
                    "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
                    "seeds": 3 if full else 1,
                },
                {"path": "training.loss.sequences", "values": SIZES},
                {"path": "training.loss.seed", "values": list(range(20 if full else 6))},
            )
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text; medians are over samples and seeds."""
        few = self.arm(size, evidence, GENERAL, sequences=[2, 3, 4])
        enough = f"N in {{{', '.join(map(str, ENOUGH))}}}"
        return (
            judged(
                "With fewer sequences than their length a large start brings the loss to zero",
                "median training loss for N in {2, 3, 4} < 1e-10",
                few,
                lambda pieces: abs(_median(pieces, "train_loss")),
                below=1e-10,
            ),
            judged(
                "Yet it does not generalise: responses within the training length are wrong",
                "median fit error for N in {2, 3, 4} > 0.1",
                few,
                lambda pieces: _median(pieces, "fit_error"),
                above=0.1,
            ),
            judged(
                "From a near-zero start a sample of more than 2 k sequences is enough to extrapolate, whichever it is",
                f"max over samples of {enough} of {ERROR} < 0.001",
                self.arm(size, evidence, NEAR, sequences=ENOUGH),
                worst,
                below=0.001,
            ),
            judged(
                "Fewer sequences than k are often enough: of samples of k - 1, more than half",
                f"{ERROR} over samples of N = {LENGTH - 1} < 0.01",
                self.arm(size, evidence, NEAR, sequences=LENGTH - 1),
                lambda pieces: _median(pieces, "relative_extrapolation_error"),
                below=0.01,
            ),
            judged(
                "A large general start does not extrapolate however many there are",
                f"{ERROR} over samples of {enough} > 0.5",
                self.arm(size, evidence, GENERAL, sequences=ENOUGH),
                lambda pieces: _median(pieces, "relative_extrapolation_error"),
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
                y=ERROR_AXIS.replace("seeds", "samples"),
                x_scale="log",
                lines=[quartiles(arm, pieces, _sequences) for arm, pieces in found.items()],
                levels=[ZERO_BASELINE],
                limits=as_many,
            ),
            Panel(
                x="number of sequences N",
                y="fit error, max |e_j| over j < k",
                x_scale="log",
                lines=[
                    quartiles(arm, pieces, _sequences, "fit_error") for arm, pieces in found.items()
                ],
                limits=as_many,
            ),
        )


def _median(pieces: Sequence[Evidence], metric: str) -> float:
    return statistic("median", np.concatenate([piece.values(metric) for piece in pieces]))


def _sequences(piece: Evidence) -> float:
    loss = piece.spec.training.loss
    return float(loss.sequences or 0) if isinstance(loss, FiniteSampleLoss) else float("nan")
