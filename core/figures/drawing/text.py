"""Text that fits: measured by the renderer, wrapped to a width, and cut only as a last resort."""

from collections.abc import Callable

from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

from core.figures.drawing.characters import direction, typeset

ELLIPSIS = "…"
NO_BREAK = "\N{NO-BREAK SPACE}"


def width(text: Text, raw: str, renderer: RendererBase) -> float:
    """The width in pixels of one line set like ``text``."""
    text.set_text(typeset(raw))
    return float(text.get_window_extent(renderer).width)


def wrap(text: Text, raw: str, pixels: float, renderer: RendererBase, *, lines: int = 4) -> None:
    """Sets ``raw`` in at most so many lines, none wider than ``pixels``.

    A rotated text is measured as if it were horizontal. What doesn't fit ends in an ellipsis.
    """
    rotation = text.get_rotation()
    text.set_rotation(0)
    fits = _fitting(text, pixels, renderer)
    wrapped = [
        (direction(paragraph), line)
        for paragraph in raw.split("\n")
        for line in _lines(paragraph, fits)
    ]
    if len(wrapped) > lines:
        mark, rest = wrapped[lines - 1][0], " ".join(line for _, line in wrapped[lines - 1 :])
        wrapped = [*wrapped[: lines - 1], (mark, cut(rest, fits))]
    text.set_text("\n".join(mark + typeset(line) for mark, line in wrapped))
    text.set_rotation(rotation)


def shorten(text: Text, raw: str, pixels: float, renderer: RendererBase) -> bool:
    """Sets ``raw`` in one line, cut if it is wider than ``pixels``; whether all of it fits."""
    fits = _fitting(text, pixels, renderer)
    shortened = cut(raw, fits)
    text.set_text(direction(raw) + typeset(shortened))
    return shortened == raw


def cut(raw: str, fits: Callable[[str], bool]) -> str:
    """The longest start of ``raw`` that fits with an ellipsis behind it; all of it if that fits."""
    if fits(raw):
        return raw
    end = _longest(len(raw), lambda end: fits(raw[:end].rstrip() + ELLIPSIS))
    return raw[:end].rstrip() + ELLIPSIS


def _fitting(text: Text, pixels: float, renderer: RendererBase) -> Callable[[str], bool]:
    return lambda raw: width(text, raw, renderer) <= pixels


def _lines(paragraph: str, fits: Callable[[str], bool]) -> list[str]:
    """Breaks at spaces, and within a word only if it is too long for a line."""
    if fits(paragraph):
        return [paragraph]
    lines, line = [], ""
    for word in paragraph.replace(" = ", f"{NO_BREAK}={NO_BREAK}").split(" "):
        longer = f"{line} {word}" if line else word
        if fits(longer):
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while not fits(line) and len(line) > 1:
            lines.append(_start(line, fits))
            line = line.removeprefix(lines[-1])
    return [*lines, line]


def _start(word: str, fits: Callable[[str], bool]) -> str:
    """The longest start of a word that fits, but at least one character."""
    return word[: max(_longest(len(word) - 1, lambda end: fits(word[:end])), 1)]


def _longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest length up to ``most`` that fits; 0 if none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
