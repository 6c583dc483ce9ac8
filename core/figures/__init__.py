"""Figures: ``info`` computes the data, which is also the JSON, and ``drawing`` says how to draw it.

Importing this package loads neither matplotlib nor torch; drawing loads matplotlib, without pyplot.
"""

# ruff: noqa: PLC0415  # the service imports this package and draws elsewhere

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core.figures.comparisons import comparison, ratio
from core.figures.drawing import marks
from core.figures.drawing.plot import Drawing
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
from core.figures.recipes import heatmap, panels, sweep
from core.figures.view import DEFAULT_VIEW, View
from core.look import SCREEN, Format, Look
from core.recipe import Kind
from core.spec.experiment import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = [
    "COMPARISON_FIGURES",
    "DEFAULT_VIEW",
    "FIGURES",
    "RECIPE_FIGURES",
    "STUDY_FIGURES",
    "SWEEP_FIGURES",
    "Figure",
    "Format",
    "Info",
    "NotDrawable",
    "View",
    "style_version",
]


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    Attributes:
        info: Computes the data: for an experiment from (spec, result, series), for a study from
            (title, panels, evidence), for a comparison from the compared experiments, for a sweep
            from (heading, cells, recipe), for a recipe from (heading, panels) or, if it is a heat
            map, from (heading, cells, recipe). Raises NotDrawable if there is nothing to show.
        drawing: Turns the data into what is drawn.
        early: Whether ``info`` accepts None for a result that isn't there yet.
        trajectory: The recorded trajectory that the series has to hold.
        metrics: The recorded metrics that it shows.
        choices: The choices of a View that it offers; with any, ``info`` takes a keyword ``view``.
    """

    info: Callable[..., Info]
    drawing: Callable[[Any], Drawing]
    early: bool = False
    trajectory: Trajectory | None = None
    metrics: tuple[str, ...] = ()
    choices: Set[str] = frozenset()

    def data(self, *numbers: Any, view: View = DEFAULT_VIEW) -> Info:
        """The data of the figure from ``numbers``, as ``info`` takes them, in the given view.

        The caption also explains the marks that are drawn.
        """
        info = self.info(*numbers, view=view) if self.choices else self.info(*numbers)
        caption = " ".join([info.caption, *marks.sentences(self.drawing(info))])
        return info.model_copy(update={"caption": caption})

    def draw(self, info: Any, look: Look = SCREEN) -> "MatplotlibFigure":
        """The data drawn."""
        from core.figures.drawing.figure import draw

        return draw(self.drawing(info), info, look)

    def file(
        self,
        info: Any,
        format: Format,  # noqa: A002  # matplotlib's own word
        look: Look = SCREEN,
    ) -> bytes:
        """The data drawn, as a file that also holds its caption and spec hashes."""
        from core.figures.drawing.files import encode

        return encode(self.draw(info, look), info, format, look)


def style_version() -> str:
    """Identifies the code that draws and its fonts, as they are in this process.

    In one version, the same numbers and look give the same file.
    """
    from core.figures.drawing.files import STYLE_VERSION

    return STYLE_VERSION


_AXIS = frozenset({"x"})
_CHANNELS = frozenset({"output", "input"})

FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(response.info, response.drawing, choices=_CHANNELS),
        "training": Figure(
            training.info,
            training.drawing,
            early=True,
            metrics=("train_loss", "extrapolation_error"),
            choices=_AXIS,
        ),
        "spectrum": Figure(spectrum.info, spectrum.drawing),
        "weighted_spectrum": Figure(
            weighted_spectrum.info, weighted_spectrum.drawing, choices=_CHANNELS
        ),
        "imbalance": Figure(
            imbalance.info,
            imbalance.drawing,
            early=True,
            metrics=("imbalance", "invariant_drift"),
            choices=_AXIS,
        ),
        "eigenvalues": Figure(
            eigenvalues.info,
            eigenvalues.drawing,
            early=True,
            trajectory="eigenvalues",
            choices=_AXIS,
        ),
        "trajectory": Figure(
            trajectory.info,
            trajectory.drawing,
            early=True,
            trajectory="response",
            choices=_CHANNELS,
        ),
    }
)
"""Figures of one experiment, by name."""

STUDY_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {"extrapolation": Figure(panels.of_study, panels.drawing)}
)
"""Figures of a study, by name."""

COMPARISON_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "response": Figure(comparison.response, comparison.drawing_of_responses, choices=_CHANNELS),
        "training": Figure(
            comparison.training, comparison.drawing_of_training, early=True, choices=_AXIS
        ),
        "response_ratio": Figure(ratio.response, ratio.drawing, choices=_CHANNELS),
        "training_ratio": Figure(ratio.training, ratio.drawing, early=True, choices=_AXIS),
    }
)
"""Figures of experiments side by side, by name."""

SWEEP_FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "lines": Figure(sweep.lines, sweep.drawing_of_lines),
        "heatmap": Figure(sweep.heatmap, sweep.drawing_of_heatmap),
    }
)
"""Figures of a sweep, by name."""

RECIPE_FIGURES: Mapping[Kind, Figure] = MappingProxyType(
    {
        "lines": Figure(panels.of_runs, panels.drawing),
        "heatmap": Figure(heatmap.of_cells, heatmap.drawing),
    }
)
"""The figure for each kind of recipe."""
