"""Tools that draw figures as images, with their captions."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import Field

from extrapolab.client.handles.study import Size
from extrapolab.client.lab import Lab
from extrapolab.mcp.tool import ExperimentId, Filter, Picture, Tool


class DrawExperiment(Tool):
    """Draw a figure of one experiment, as an image.

    response: what each seed's student answers to an impulse, over the teacher's, at lags up to the
    horizon; training length marked. training: loss and errors along the training. spectrum,
    weighted_spectrum: eigenvalues of A beside the teacher's poles. imbalance: |B - Cᵀ| along the
    training. eigenvalues, trajectory: if the spec's evaluation.record asked for them. training and
    imbalance are also drawn while it runs.
    """

    tool = "draw_experiment"

    id: ExperimentId
    figure: Literal[
        "response",
        "training",
        "spectrum",
        "weighted_spectrum",
        "imbalance",
        "eigenvalues",
        "trajectory",
    ] = Field("response", description="What to draw.")

    def run(self, lab: Lab) -> Picture:
        """Returns the image."""
        experiment = lab.experiment(self.id)
        return _picture(lambda path: experiment.figure(self.figure, path))


class DrawQuery(Tool):
    """Draw what a filter finds, as an image: completed experiments, seeds as median and band.

    x is a field such as training.length (y: a final metric); step or time for curves along the
    training (y: a metric); lag for responses (y: error or response); rank for spectra (y:
    hankel_singular_values or eigenvalues); or a metric, for a point per run. Such as x =
    training.length, y = relative_extrapolation_error, series = student.start.scale.
    """

    tool = "draw_query"

    filter: Filter = ""
    x: str = Field(description="What the horizontal axis shows.")
    y: str = Field("", description="What is drawn over x. Default: the lab's choice for this x.")
    series: str = Field("", description="A field; one line for each of its values.")
    facets: list[str] = Field(
        [], max_length=2, description="Fields; one panel for each of their values."
    )
    kind: Literal["lines", "heatmap"] = Field(
        "lines", description="heatmap: series is the vertical axis, y the colour."
    )
    statistic: Literal["median", "mean", "q1", "q3", "min", "max"] = Field(
        "median", description="Over the runs at the same x."
    )

    def run(self, lab: Lab) -> Picture:
        """Returns the image."""
        parts = self.model_dump(exclude={"filter", "x"}, exclude_defaults=True)
        figure = lab.figure(self.filter, x=self.x, **parts)
        return _picture(figure.draw)


class DrawStudy(Tool):
    """Draw the figure of a study, as an image; see list_studies."""

    tool = "draw_study"

    name: str = Field(description="The study's name, such as balanced.")
    size: Size = Field("quick", description="quick takes minutes to run; full is the paper's.")

    def run(self, lab: Lab) -> Picture:
        """Returns the image."""
        study = lab.study(self.name, self.size)
        return _picture(lambda path: study.figure("extrapolation", path))


def _picture(draw: Callable[[Path], object]) -> Picture:
    """Has the figure drawn into files, whose extensions choose the formats."""
    with TemporaryDirectory() as folder:
        png, caption = Path(folder, "figure.png"), Path(folder, "figure.txt")
        draw(png)
        draw(caption)
        return Picture(png.read_bytes(), caption.read_text(encoding="utf-8").strip())
