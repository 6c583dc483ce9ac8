"""Traces of seeds: a few with a colour each, many as thin lines around their median."""

from collections.abc import Sequence
from typing import Any

from core.figures.drawing import style
from core.figures.drawing.plot import Trace
from core.figures.info import MANY_SEEDS, Line, SeedLine

_MAX_LISTED = 6
"""Most diverged seeds that are listed; further ones are only counted."""


def seed_traces(
    lines: Sequence[SeedLine],
    *,
    diverged: Sequence[int],
    not_fitted: Sequence[int],
    median: Line | None,
    coloured: bool = False,
    label: bool = True,
    **options: Any,
) -> list[Trace]:
    """A trace for each seed; the legend names those that diverged.

    Args:
        lines: The seeds.
        diverged: The seeds among them that diverged.
        not_fitted: The seeds among them that don't fit; they are hollow if seeds are few.
        median: A line over the others, if given.
        coloured: Whether each seed has its own colour if they are few.
        label: Whether the lines have entries in the legend.
        options: Further attributes of each trace.
    """
    many = len(lines) > MANY_SEEDS
    lost = [line.seed for line in lines if line.seed in diverged]
    own_colours = coloured and not many
    traces = []
    for i, line in enumerate(lines):
        is_lost = line.seed in lost
        if own_colours:
            text = f"seed {line.seed} (diverged)" if is_lost else f"seed {line.seed}"
            colour = style.COLOURS[i % len(style.COLOURS)]
        elif is_lost:
            text, colour = f"diverged: {listed(lost)}", style.DIVERGED
        else:
            text, colour = _of_all(len(lines) - len(lost), many=many), style.COLOURS[0]
        attributes: dict[str, Any] = {
            "label": text if label else "",
            "colour": colour,
            "dash": style.dash(i) if own_colours else "-",
            "weight": 0.36 if many else 0.75,
            "opacity": 0.4 if many else 0.85,
            "hollow": not many and line.seed in not_fitted,
        }
        traces.append(Trace(x=line.x, y=line.y, **attributes | options))
    if median is not None:
        traces.append(
            Trace(
                x=median.x,
                y=median.y,
                label="median" if label else "",
                colour=style.TEACHER,
                dash="-.",
                weight=1.3,
            )
        )
    return traces


def _of_all(count: int, *, many: bool) -> str:
    if many:
        return f"{count} seeds"
    return "student" if count == 1 else "students, one line per seed"


def seed_title(seed: int, not_fitted: Sequence[int]) -> str:
    """The title of one seed's plot."""
    return f"seed {seed} (does not fit)" if seed in not_fitted else f"seed {seed}"


def listed(seeds: Sequence[int]) -> str:
    """The seeds in words, such as ``seeds 1, 4 and 7 more``."""
    shown = ", ".join(map(str, seeds[:_MAX_LISTED]))
    more = f" and {len(seeds) - _MAX_LISTED} more" if len(seeds) > _MAX_LISTED else ""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {shown}{more}"
