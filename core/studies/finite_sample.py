"""Finite samples: N sequences instead of the expectation over all.

With N < k sequences, the loss L = eᵀ M e has a singular M = Xᵀ X / N: it can be 0 while the first k
responses are wrong, so a student that fits need not even generalise. The bias that makes GD
extrapolate fills this gap: a near-zero start needs fewer sequences, often fewer than k, whereas a
large start needs k of them to generalise, and then doesn't extrapolate. How few are enough depends
on the sample, so several samples of each size are drawn.

Noise on the labels moves the minimum of the loss off the teacher, by an error of order 1/√N in each
of the first k responses. A student that extrapolates passes this error on without magnifying it.

Beyond the paper; the sample sizes, the samples' seeds, the noise and the bounds are ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Mark, Panel, quartile_line
from core.spec import SweepSpec
from core.statistics import statistic
from core.studies.setting import (
    ERROR,
    ERROR_AXIS,
    GENERAL,
    LARGE_GENERAL,
    NEAR,
    NEAR_ZERO,
    TEACHER,
    pooled_median,
    sample_size,
    slope_distance,
    sweep,
    worst_error,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

ARMS: Mapping[str, Mapping[str, Any]] = {NEAR: NEAR_ZERO, GENERAL: LARGE_GENERAL}
LENGTH = 6
SAMPLE_SIZES = (1, 2, 3, 4, 5, 6, 8, 16, 64, 256)
ZERO_LOSS = 1e-10
NOISE = 0.1
NOISY_SIZES = (32, 128, 512, 2048, 8192)
ENOUGH = tuple(N for N in SAMPLE_SIZES if N > 2 * LENGTH)


class FiniteSampleStudy(Study):
    """The study that this module describes."""

    name = "finite-sample"
    headline = "Finite samples: how few sequences are enough"
    title = "Finite samples: error against the number of sequences"
    question = "How many training sequences does it take to extrapolate?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Both starts at every sample size, without noise and with it."""
        is_full = size == "full"
        return {
            _arm(arm, noise): sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **student},
                    "training": {
                        "length": LENGTH,
                        "loss": {"kind": "finite_sample", "seed": 0, "noise": noise},
                    },
                    "optimizer": {"lr": 0.003, "steps": 200_000 if is_full else 40_000},
                    "evaluation": {
                        "horizon": LENGTH + 20,
                        "points": 60,
                        **(
                            {"fit_tolerance": 0.1, "metrics": []}
                            if noise
                            else {"fit_tolerance": 0.01}
                        ),
                    },
                    "seeds": 3 if is_full else 1,
                },
                {"path": "training.loss.sequences", "values": sizes},
                {"path": "training.loss.seed", "values": list(range(samples if is_full else 6))},
            )
            for noise, sizes, samples in ((0.0, SAMPLE_SIZES, 20), (NOISE, NOISY_SIZES, 10))
            for arm, student in ARMS.items()
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text, on medians over samples."""
        noisy_near = self.arm(size, evidence, _arm(NEAR, NOISE))
        too_few = self.arm(size, evidence, GENERAL, sequences=[2, 3, 4])
        enough_words = f"N in {{{', '.join(map(str, ENOUGH))}}}"
        return (
            judge_hypothesis(
                "With fewer sequences than their length, a large start brings the loss to zero",
                f"median training loss for N in {{2, 3, 4}} < {ZERO_LOSS:g}",
                too_few,
                lambda experiments: abs(pooled_median(experiments, "train_loss")),
                kind=ClaimKind.FITS,
                below=ZERO_LOSS,
            ),
            judge_hypothesis(
                "But it does not generalise: with its loss at zero, responses within the training "
                "length are wrong",
                "median fit error for N in {2, 3, 4}, over runs with a training loss < "
                f"{ZERO_LOSS:g}, > 0.1",
                too_few,
                _fit_error_at_zero_loss,
                kind=ClaimKind.DOES_NOT,
                above=0.1,
                of_all_seeds=True,
            ),
            judge_hypothesis(
                "From a near-zero start, any sample of more than 2 k sequences is enough to "
                "extrapolate",
                f"max over samples of {enough_words} of {ERROR} < 0.001",
                self.arm(size, evidence, NEAR, sequences=ENOUGH),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "Fewer sequences than k are often enough: more than half of the samples of k - 1 "
                "are",
                f"{ERROR} over samples of N = {LENGTH - 1}, < 0.01",
                self.arm(size, evidence, NEAR, sequences=LENGTH - 1),
                lambda experiments: pooled_median(experiments, "relative_extrapolation_error"),
                kind=ClaimKind.EXTRAPOLATES,
                below=0.01,
                of_all_seeds=True,
            ),
            judge_hypothesis(
                "A large general start does not extrapolate, however many sequences there are",
                f"{ERROR} over samples of {enough_words} > 0.5",
                self.arm(size, evidence, GENERAL, sequences=ENOUGH),
                lambda experiments: pooled_median(experiments, "relative_extrapolation_error"),
                kind=ClaimKind.DOES_NOT,
                above=0.5,
            ),
            judge_hypothesis(
                "With noise on the labels, the error past k from a near-zero start falls as 1/√N",
                f"|exponent in N of the error past k over samples, noise {NOISE:g}, + 1/2| + 2 "
                "standard errors < 0.25",
                noisy_near,
                _distance_from_root,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.25,
            ),
            judge_hypothesis(
                "A large general start fits the same labels and errs far more past k",
                "min over N of the median over samples of the error past k, large general over "
                "near-zero start > 10",
                noisy_near + self.arm(size, evidence, _arm(GENERAL, NOISE)),
                _least_ratio_by_size,
                kind=ClaimKind.CONTRAST,
                above=10,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The extrapolation error against the number of sequences, the fit error, and noise."""
        experiments_by_arm = {arm: self.arm(size, evidence, arm).experiments for arm in ARMS}
        threshold = [Mark(label=f"N = k = {LENGTH}", at=LENGTH)]
        return (
            Panel(
                x=axis_label("training.loss.sequences"),
                y=ERROR_AXIS.replace("seeds", "samples"),
                x_scale="log",
                lines=[
                    quartile_line(arm, experiments, sample_size)
                    for arm, experiments in experiments_by_arm.items()
                ],
                levels=[ZERO_BASELINE],
                limits=threshold,
            ),
            Panel(
                x=axis_label("training.loss.sequences"),
                y=axis_label("fit_error"),
                x_scale="log",
                lines=[
                    quartile_line(arm, experiments, sample_size, "fit_error")
                    for arm, experiments in experiments_by_arm.items()
                ],
                limits=threshold,
            ),
            Panel(
                title=f"noise {NOISE:g} on the labels",
                x=axis_label("training.loss.sequences"),
                y=ERROR_AXIS.replace("seeds", "samples"),
                x_scale="log",
                lines=[
                    quartile_line(
                        arm, self.arm(size, evidence, _arm(arm, NOISE)).experiments, sample_size
                    )
                    for arm in ARMS
                ],
                levels=[ZERO_BASELINE],
            ),
        )


def _arm(arm: str, noise: float) -> str:
    return f"{arm}, noise" if noise else arm


def _fit_error_at_zero_loss(experiments: Sequence[Evidence]) -> float:
    """The median fit error of runs whose training loss is zero; NaN if fewer than half are."""
    loss, fit = (
        np.concatenate([experiment.values(metric) for experiment in experiments])
        for metric in ("train_loss", "fit_error")
    )
    at_zero = np.abs(loss) < ZERO_LOSS
    return statistic("median", fit[at_zero]) if 2 * at_zero.sum() >= len(loss) else math.nan


def _distance_from_root(experiments: Sequence[Evidence]) -> float:
    """|slope of log error in log N + 1/2| + 2 standard errors, over samples and seeds."""
    points = [
        (np.log(sample_size(experiment)), np.log(error))
        for experiment in experiments
        for error in experiment.values("relative_extrapolation_error")
    ]
    return slope_distance(points, -0.5)


def _least_ratio_by_size(experiments: Sequence[Evidence]) -> float:
    """The least ratio of pooled medians over N: the second half of the experiments to the first."""
    half, metric = len(experiments) // 2, "relative_extrapolation_error"
    below, above = (
        [
            pooled_median([one for one in arm if sample_size(one) == size], metric)
            for size in NOISY_SIZES
        ]
        for arm in (experiments[:half], experiments[half:])
    )
    return float(np.min(np.divide(above, below)))
