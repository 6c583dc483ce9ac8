"""Lines of seeds: named where they are few, thin around their median where they are many."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from core.figures import style
from core.figures.info import MANY, Line, SeedLine

_DASHES = ("-", "--")
_NAMED = 6
"""Of more diverged seeds than these the rest is only counted."""


def draw(
    axes: Axes,
    lines: Sequence[SeedLine],
    *,
    diverged: Sequence[int],
    median: Line | None,
    logarithmic: bool = False,
    coloured: bool = False,
    label: bool = True,
    **look: Any,
) -> None:
    """One line a seed, and those that diverged by name.

    Args:
        axes: Where to.
        lines: The seeds.
        diverged: Those among them that diverged.
        median: Drawn over them, where there is one.
        logarithmic: Whether the y axis will be.
        coloured: Each seed in a colour of its own, as long as they are few; else all in one.
        label: Whether the legend is to name them.
        look: What else matplotlib is to know.
    """
    many = len(lines) > MANY
    lost = [line.seed for line in lines if line.seed in diverged]
    students = f"{len(lines) - len(lost)} seeds" if many else "students, one line a seed"
    own = coloured and not many
    named: set[str] = set()
    for i, line in enumerate(lines):
        text = f"seed {line.seed}" if own else students
        colour = style.COLOURS[i % len(style.COLOURS)] if own else style.COLOURS[0]
        if line.seed in lost:
            text = f"seed {line.seed} (diverged)" if own else f"diverged: {listed(lost)}"
            colour = colour if own else style.LOST
        known = not label or text in named
        named.add(text)
        dash = _DASHES[i // len(style.COLOURS) % 2] if own else "-"
        drawn = {
            "lw": 0.5 if many else 1.0,
            "alpha": 0.4 if many else 0.8,
            "color": colour,
            "ls": dash,
            **look,
        }
        axes.plot(
            line.x,
            style.drawable(line.y, logarithmic=logarithmic),
            label=None if known else text,
            **drawn,
        )
    if median is not None:
        y = style.drawable(median.y, logarithmic=logarithmic)
        axes.plot(
            median.x, y, color=style.TEACHER, lw=1.8, ls="-.", label="median" if label else None
        )
    style.note_limits(axes, *(line.y for line in lines), logarithmic=logarithmic)


def listed(seeds: Sequence[int]) -> str:
    """The seeds in words."""
    shown = ", ".join(map(str, seeds[:_NAMED])) + (
        f" and {len(seeds) - _NAMED} more" if len(seeds) > _NAMED else ""
    )
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {shown}"
