"""Sparklines: a loss over its training, both logarithmic, as the path of an SVG."""

import numpy as np

WIDTH, HEIGHT, MARGIN = 110, 26, 2
MAX_POINTS = 60


def path(steps: np.ndarray, losses: np.ndarray, of: int) -> str:
    """The path of a curve; steps go from 0 to ``of``. Empty with fewer than two points.

    Example:
        >>> path(np.array([0, 9, 99]), np.array([1.0, 0.1, 0.01]), 99)
        'M0 2L55 13L110 24'
    """
    known = np.isfinite(losses) & (losses > 0)
    x, y = np.log10(steps[known] + 1.0), np.log10(losses[known])
    if len(x) < 2:
        return ""
    chosen = np.unique(np.linspace(0, len(x) - 1, MAX_POINTS).round().astype(int))
    x = x[chosen] / max(np.log10(of + 1.0), 1e-9) * WIDTH
    span = max(float(np.ptp(y)), 1e-9)
    y = MARGIN + (y.max() - y[chosen]) / span * (HEIGHT - 2 * MARGIN)
    return "M" + "L".join(f"{a:.4g} {b:.4g}" for a, b in zip(x, y, strict=True))
