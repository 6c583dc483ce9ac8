"""Lines of seeds: a few with a name each, many as thin lines around their median."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from core.figures.drawing import style
from core.figures.info import MANY_SEEDS, Line, SeedLine

_DASHES = ("-", "--")
_MAX_LISTED = 6
"""Most diverged seeds that are listed; further ones are only counted."""


def plot_seeds(
    axes: Axes,
    lines: Sequence[SeedLine],
    *,
    diverged: Sequence[int],
    median: Line | None,
    logarithmic: bool = False,
    coloured: bool = False,
    label: bool = True,
    **options: Any,
) -> None:
    """Plots a line for each seed, and names those that diverged.

    Args:
        axes: The axes to plot on.
        lines: The seeds.
        diverged: The seeds among them that diverged.
        median: A line over the others, if given.
        logarithmic: Whether the y-axis will be logarithmic.
        coloured: Whether each seed has its own colour if they are few.
        label: Whether the lines have entries in the legend.
        options: Further options of matplotlib's ``plot``.
    """
    many = len(lines) > MANY_SEEDS
    lost = [line.seed for line in lines if line.seed in diverged]
    converged_label = f"{len(lines) - len(lost)} seeds" if many else "students, one line per seed"
    own_colours = coloured and not many
    labelled: set[str] = set()
    for i, line in enumerate(lines):
        text = f"seed {line.seed}" if own_colours else converged_label
        colour = style.COLOURS[i % len(style.COLOURS)] if own_colours else style.COLOURS[0]
        if line.seed in lost:
            text = f"seed {line.seed} (diverged)" if own_colours else f"diverged: {listed(lost)}"
            colour = colour if own_colours else style.DIVERGED
        hidden = not label or text in labelled
        labelled.add(text)
        line_style = {
            "lw": 0.5 if many else 1.0,
            "alpha": 0.4 if many else 0.8,
            "color": colour,
            "ls": _DASHES[i // len(style.COLOURS) % 2] if own_colours else "-",
            "label": None if hidden else text,
            **options,
        }
        axes.plot(line.x, style.plottable(line.y, logarithmic=logarithmic), **line_style)
    if median is not None:
        y = style.plottable(median.y, logarithmic=logarithmic)
        name = "median" if label else None
        axes.plot(median.x, y, color=style.TEACHER, lw=1.8, ls="-.", label=name)
    style.note_limits(axes, *(line.y for line in lines), logarithmic=logarithmic)


def listed(seeds: Sequence[int]) -> str:
    """The seeds in words, such as ``seeds 1, 4 and 7 more``."""
    shown = ", ".join(map(str, seeds[:_MAX_LISTED]))
    more = f" and {len(seeds) - _MAX_LISTED} more" if len(seeds) > _MAX_LISTED else ""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {shown}{more}"
