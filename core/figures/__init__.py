"""Figures: ``info`` computes the data, which is also the figure's JSON, and ``render`` draws it.

Importing this package loads matplotlib, but neither pyplot nor torch.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure as MatplotlibFigure

from core.figures.comparisons import comparison, ratio
from core.figures.drawing.style import STYLE_VERSION, Format, encode
from core.figures.experiment import (
    eigenvalues,
    imbalance,
    response,
    spectrum,
    training,
    trajectory,
    weighted_spectrum,
)
from core.figures.info import Info, NotDrawable
from core.figures.recipes import panels, sweep
from core.figures.view import DEFAULT_VIEW, View
from core.spec.experiment import Trajectory

__all__ = [
    "COMPARISON_FIGURES",
    "DEFAULT_VIEW",
    "FIGURES",
    "STUDY_FIGURES",
    "STYLE_VERSION",
    "SWEEP_FIGURES",
    "Figure",
    "Format",
    "Info",
    "NotDrawable",
    "View",
]


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    Attributes:
        info: Computes the data: for an experiment from (spec, result, series), for a study from
            (title, panels, evidence), for a comparison from the compared experiments, for a sweep
            from (cells, recipe). Raises NotDrawable if there is nothing to show.
        render: Renders the data.
        early: Whether ``info`` accepts None for a result that isn't there yet.
        trajectory: The recorded trajectory that the series has to hold.
        choices: The choices of a View that it offers; with any, ``info`` takes a keyword ``view``.
    """

    info: Callable[..., Info]
    render: Callable[[Any], MatplotlibFigure]
    early: bool = False
    trajectory: Trajectory | None = None
    choices: Set[str] = frozenset()

    def data(self, *numbers: Any, view: View = DEFAULT_VIEW) -> Info:
        """The data of the figure from ``numbers``, as ``info`` takes them, in the given view."""
        return self.info(*numbers, view=view) if self.choices else self.info(*numbers)

    def file(self, info: Any, format: Format) -> bytes:  # noqa: A002  # matplotlib's own word
        """The rendered data as a file that also holds its caption and spec hashes."""
        return encode(self.render(info), info, format)


_AXIS = frozenset({"x"})

FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(response.info, response.render),
        "training": Figure(training.info, training.render, early=True, choices=_AXIS),
        "spectrum": Figure(spectrum.info, spectrum.render),
        "weighted_spectrum": Figure(weighted_spectrum.info, weighted_spectrum.render),
        "imbalance": Figure(imbalance.info, imbalance.render, early=True, choices=_AXIS),
        "eigenvalues": Figure(
            eigenvalues.info,
            eigenvalues.render,
            early=True,
            trajectory="eigenvalues",
            choices=_AXIS,
        ),
        "trajectory": Figure(trajectory.info, trajectory.render, early=True, trajectory="response"),
    }
)
"""Figures of one experiment, by name."""

STUDY_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {"extrapolation": Figure(panels.of_study, panels.render)}
)
"""Figures of a study, by name."""

COMPARISON_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(comparison.response, comparison.render_response),
        "training": Figure(
            comparison.training, comparison.render_training, early=True, choices=_AXIS
        ),
        "response_ratio": Figure(ratio.response, ratio.render),
        "training_ratio": Figure(ratio.training, ratio.render, early=True, choices=_AXIS),
    }
)
"""Figures of experiments side by side, by name."""

SWEEP_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "lines": Figure(sweep.lines, sweep.render_lines),
        "heatmap": Figure(sweep.heatmap, sweep.render_heatmap),
    }
)
"""Figures of a sweep, by name."""
