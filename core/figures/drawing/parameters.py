"""A look as parameters of matplotlib."""

from typing import Any

from core.figures.drawing import style
from core.figures.drawing.characters import FAMILIES
from core.look import Look


def rc_params(look: Look) -> Any:  # matplotlib types each key as a literal
    """Matplotlib's parameters for a look."""
    points, weight = look.points, style.weight(look)
    return {
        "axes.grid": True,
        "axes.labelsize": points,
        "axes.linewidth": 0.55 * weight,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": points,
        "figure.titlesize": style.TITLE * points,
        "font.family": FAMILIES,
        "font.size": points,
        "grid.alpha": 0.25,
        "legend.fontsize": 0.9 * points,
        "legend.frameon": False,
        "lines.linewidth": weight,
        "pdf.fonttype": 42,  # TrueType: many venues refuse Type 3
        "svg.fonttype": "none" if look.style == "paper" else "path",
        "svg.hashsalt": "extrapolab",
        "xtick.labelsize": style.TICKS * points,
        "ytick.labelsize": style.TICKS * points,
    }
