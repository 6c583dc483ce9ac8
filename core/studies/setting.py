"""What several studies have in common: a teacher, the ways to start, and numbers made of evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.evidence import Evidence
from core.spec import SweepSpec

POLES = (0.9, -0.5)
TEACHER: Mapping[str, Any] = {
    "kind": "balanced",
    "eigenvalues": {"kind": "list", "values": POLES},
    "weights": (0.7, 0.5),
}
"""ĥ_j = 0.7 · 0.9^j + 0.5 · (-0.5)^j: a slow and an alternating pole, far apart, so that GD
converges in time."""

THRESHOLD = 2 * len(POLES)
"""2 d̂: the theorem needs k above it."""

NEAR_ZERO: Mapping[str, Any] = {"structure": "symmetric", "start": {"scale": 0.001}}
LARGE_BALANCED: Mapping[str, Any] = {
    "structure": "symmetric",
    "start": {"scale": 0.7, "balanced": True},
}
LARGE_GENERAL: Mapping[str, Any] = {"structure": "general", "start": {"scale": 1.0}}
"""Large starts have the scale that makes the spectral radius of A about 1."""

ERROR = "median (extrapolation error / zero baseline)"
ERROR_AXIS = "extrapolation error / zero baseline\nmedian and quartiles over seeds"


def sweep(base: Mapping[str, Any], *axes: Mapping[str, Any]) -> SweepSpec:
    """A sweep of this base over these axes."""
    return SweepSpec.model_validate({"base": base, "axes": list(axes)})


def together(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A ``zip`` axis through these points, each of which sets the same paths."""
    return {
        "kind": "zip",
        "axes": [{"path": path, "values": [point[path] for point in points]} for path in points[0]],
    }


def relative(piece: Evidence) -> float:
    """The median over seeds of the error over the zero baseline."""
    return piece.median("relative_extrapolation_error")


def relative_of_fitted(pieces: Sequence[Evidence]) -> float:
    """The same of one experiment, over the seeds that fit: what a student that fits makes of longer sequences."""
    return pieces[0].median_of_fitted("relative_extrapolation_error")


def worst(pieces: Sequence[Evidence]) -> float:
    """The largest of the relative errors."""
    return max(map(relative, pieces))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p of y ∝ x^p: the least-squares slope of log y against log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
