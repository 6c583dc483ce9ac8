"""Caveats about the numbers of a run: what its step size forbids, and what is undefined."""

from collections.abc import Mapping

import numpy as np

from core.result import Outcome
from core.spec import (
    CosineSchedule,
    ExperimentSpec,
    ExponentialSchedule,
    GradientDescent,
    WarmupSchedule,
)
from core.systems import ZERO_TOLERANCE

NO_BASELINE = (
    "relative_extrapolation_error is undefined: the teacher's response is 0 for k <= j < q, so "
    "there is no baseline to compare with."
)
NO_FINITE_BASELINE = (
    "relative_extrapolation_error and sequence_extrapolation_error are undefined: the teacher's "
    "response exceeds the range of float64 before the horizon."
)
NO_VARIANCE = (
    "sequence_fit_error and sequence_extrapolation_error are undefined: the teacher's outputs are "
    "constant, so there is no variance to compare with."
)


def caveats(
    spec: ExperimentSpec, summary: Mapping[str, float], outcome: Outcome = Outcome.FITTED
) -> list[str]:
    """Returns caveats about one run's numbers; few are left to say of a run that diverged.

    Args:
        spec: The spec of the run.
        summary: The run's final metrics.
        outcome: How it ended. The step size is judged where the run fits, or at least does better
            than a student that outputs zero; elsewhere the curvature says nothing about it.

    Example:
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "balanced"},
        ...     "student": {"kind": "linear", "dim": 9},
        ...     "training": {"length": 4},
        ...     "optimizer": {"lr": 0.1},
        ... })
        >>> caveats(spec, {"sharpness": 50.0, "spectral_radius": 0.9})
        ['lr = 0.1 is above 2 / sharpness = 0.04 at the end of the run: GD cannot settle there.']
    """
    if outcome is Outcome.DIVERGED:
        return undefined(summary)
    sentences, optimizer = [], spec.optimizer
    is_near = outcome is Outcome.FITTED or summary.get("sequence_fit_error", np.nan) < 1
    curvature, radius = summary.get("sharpness", np.nan), summary.get("spectral_radius", np.nan)
    if isinstance(optimizer, GradientDescent) and is_near and 0 < curvature < np.inf:
        lr = _last_lr(optimizer)
        if lr > 2 / curvature:
            sentences.append(
                f"lr = {lr:g} is above 2 / sharpness = {2 / curvature:.3g} at the end of the run: "
                "GD cannot settle there."
            )
    if radius > 1 + ZERO_TOLERANCE:
        sentences.append(
            f"The spectral radius of A is above 1 by {radius - 1:.2g}: the response can grow past "
            "the horizon."
        )
    return [*sentences, *undefined(summary)]


def undefined(summary: Mapping[str, float]) -> list[str]:
    """Returns why relative errors among a run's metrics are undefined: one sentence per reason.

    Example:
        >>> undefined({"extrapolation_error": 0.5, "zero_baseline": 0.25})
        []
    """
    if summary.get("zero_baseline") == np.inf:
        return [NO_FINITE_BASELINE]
    if summary.get("zero_baseline") != 0:
        return []
    sentences = [NO_BASELINE]
    fit, on_sequences = (summary.get(name, np.inf) for name in ("fit_error", "sequence_fit_error"))
    if np.isfinite(fit) and np.isnan(on_sequences):
        sentences.append(NO_VARIANCE)
    return sentences


def _last_lr(optimizer: GradientDescent) -> float:
    """The step size at the last step."""
    steps = optimizer.steps
    match optimizer.schedule:
        case CosineSchedule(floor=floor):
            factor = floor + (1 - floor) * (1 + np.cos(np.pi * (steps - 1) / steps)) / 2
        case ExponentialSchedule(decay=decay, every=every):
            factor = decay ** ((steps - 1) / every)
        case WarmupSchedule(steps=warmup_steps):
            factor = min(1.0, steps / warmup_steps)
        case _:
            factor = 1.0
    return float(optimizer.lr * factor)
