"""The marks of a drawing in sentences, for the figure's caption."""

from collections.abc import Iterator, Sequence

import numpy as np

from core.figures.drawing.plot import DIVERGED, Colours, Drawing, Map, Plot
from core.labels import capitalised


def sentences(drawing: Drawing) -> list[str]:
    """A sentence on each kind of mark that the drawing has."""
    plots = [plot for plot in drawing.plots if isinstance(plot, Plot)]
    maps = [plot for plot in drawing.plots if isinstance(plot, Map)]
    marked = any(plot.has_hollow for plot in drawing.plots)
    hollow = [f"{capitalised(drawing.hollow)}."] if marked else []
    return [*hollow, *_outlined(maps, drawing.colours), *_dashed(plots), *_infinite(plots)]


def _outlined(maps: Sequence[Map], colours: Colours | None) -> Iterator[str]:
    if colours is None or colours.threshold is None:
        return
    at = colours.threshold
    if any(np.any(edges) for one_map in maps for edges in one_map.edges_at(at)):
        yield f"Outlined: where the value passes {at:g}."


def _dashed(plots: Sequence[Plot]) -> Iterator[str]:
    labels = [mark.label for plot in plots if not plot.is_empty for mark in plot.levels]
    if any(labels):
        yield f"Dashed: {', '.join(filter(None, dict.fromkeys(labels)))}."


def _infinite(plots: Sequence[Plot]) -> Iterator[str]:
    """Where triangles come from; divergence only if all of them come from it."""
    reasons = {t.infinite for plot in plots for t in plot.traces if t.is_marked_infinite.any()}
    if reasons:
        why = ", as too many seeds diverged" if reasons == {DIVERGED} else ""
        yield f"A triangle at the upper edge: infinite{why}."
