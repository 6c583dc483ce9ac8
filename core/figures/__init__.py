"""Figures: data, then ink.

``info`` is a pure function to numbers, the figure's JSON; ``draw`` inks them.

Importing this package loads matplotlib, but neither pyplot nor torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure as Ink

from core.figures import (
    comparison,
    eigenvalues,
    imbalance,
    panels,
    ratio,
    response,
    spectrum,
    sweep,
    training,
    trajectory,
    weighted_spectrum,
)
from core.figures.info import Info, NotDrawable
from core.figures.style import EDITION, Format, render
from core.spec.experiment import Trajectory

__all__ = [
    "COMPARISON_FIGURES",
    "EDITION",
    "FIGURES",
    "STUDY_FIGURES",
    "SWEEP_FIGURES",
    "Figure",
    "Format",
    "Info",
    "NotDrawable",
]


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    Attributes:
        info: The numbers. For one experiment of (spec, result, series); for a study of (title,
            panels, evidence); for a comparison of what is compared; for a sweep of (cells, recipe).
            Raises NotDrawable where there is nothing to show.
        draw: The numbers inked.
        early: Whether ``info`` takes None for a result that isn't there yet.
        trajectory: The recorded trajectory that the series has to hold.
    """

    info: Callable[..., Info]
    draw: Callable[[Any], Ink]
    early: bool = False
    trajectory: Trajectory | None = None

    def file(self, info: Any, format: Format) -> bytes:  # noqa: A002  # matplotlib's own word
        """The numbers inked, as a file that also bears their caption and spec hashes."""
        return render(self.draw(info), info, format)


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(response.info, response.draw),
        "training": Figure(training.info, training.draw, early=True),
        "spectrum": Figure(spectrum.info, spectrum.draw),
        "weighted_spectrum": Figure(weighted_spectrum.info, weighted_spectrum.draw),
        "imbalance": Figure(imbalance.info, imbalance.draw, early=True),
        "eigenvalues": Figure(
            eigenvalues.info, eigenvalues.draw, early=True, trajectory="eigenvalues"
        ),
        "trajectory": Figure(trajectory.info, trajectory.draw, early=True, trajectory="response"),
    }
)
"""Figures of one experiment, by name."""

STUDY_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {"extrapolation": Figure(panels.of_study, panels.draw)}
)
"""The figure of a study, by name."""

COMPARISON_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(comparison.response, comparison.draw_response),
        "training": Figure(comparison.training, comparison.draw_training, early=True),
        "response_ratio": Figure(ratio.response, ratio.draw),
        "training_ratio": Figure(ratio.training, ratio.draw, early=True),
    }
)
"""Figures of experiments side by side, by name."""

SWEEP_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "lines": Figure(sweep.lines, sweep.draw_lines),
        "heatmap": Figure(sweep.heatmap, sweep.draw_heatmap),
    }
)
"""Figures of a sweep, by name."""
