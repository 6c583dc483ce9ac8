"""Characters: the fonts that have them, symbols as mathematics, and the direction of writing."""

import re
import unicodedata
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

_LAST_RESORT = "Last Resort High-Efficiency"
"""Matplotlib's own font of boxes, one for each script."""

_PREFERRED = (
    *("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "IPAexGothic", "Droid Sans Fallback"),
    *("PingFang SC", "Hiragino Sans", "Microsoft YaHei", "Malgun Gothic"),
    *("Noto Sans Devanagari", "Noto Sans Thai"),
    *("Noto Emoji", "Symbola", "Segoe UI Emoji"),
)

FONTS = [name for name in _PREFERRED if name in set(fontManager.get_font_names())]
"""The installed ones of the fonts that figures use; each character has the first that has it."""

FAMILIES = [*FONTS, _LAST_RESORT, "sans-serif"]
"""Matplotlib's ``font.family``; a file whose text is text falls back to any sans-serif."""

BOXES = "Boxes stand for characters that no font here has."

LAST_USUAL = 0x24F
USUAL_SYMBOLS = frozenset("βγδεητθλμρσφω\u0302ᵀ≤≥×−–—…∝²³⁻⁰¹⁴⁵⁶⁷⁸⁹")
"""With the letters up to :data:`LAST_USUAL`, what every DejaVu has: no font is read for these."""

_LETTERS = {"h": "h", "ĥ": r"\hat{h}", "e": "e", "w": "w", "λ": r"\lambda"}
_SYMBOL = re.compile(rf"(?<!\w)({'|'.join(_LETTERS)})_(\w)(?!\w)")
_SUBSCRIPTS = str.maketrans("0123456789ijkt", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₜ")
_TO_THE_LEFT, _TO_THE_RIGHT = "\u200f", "\u200e"
_JOINERS = "\u200c\u200d"


def typeset(text: str) -> str:
    r"""Escapes text for matplotlib, with its symbols as mathematics.

    Matplotlib sets mathematics in one font and from left to right: in a text of other letters,
    symbols are Unicode's. Characters that control the writing of what follows them are left out.

    Example:
        >>> print(typeset("|h_j - ĥ_j| of cheap_$ runs"))
        |$h_{j}$ - $\hat{h}_{j}$| of cheap_\$ runs
        >>> print(typeset("实验 h_j"))
        实验 hⱼ
    """
    written = "".join(c for c in text if c.isprintable() or c in _JOINERS).replace("$", r"\$")
    unusual = (c for c in written if ord(c) > LAST_USUAL and c not in USUAL_SYMBOLS)
    if all(ord(c) in _characters(FONTS[0]) and not _is_leftward(c) for c in unusual):
        return _SYMBOL.sub(lambda m: f"${_LETTERS[m[1]]}_{{{m[2]}}}$", written)
    return _SYMBOL.sub(lambda m: m[1] + m[2].translate(_SUBSCRIPTS), written)


def direction(text: str) -> str:
    """A mark that gives a part of ``text`` the direction of all of it; "" if it needs none."""
    if not any(map(_is_leftward, text)):
        return ""
    strong = next(c for c in text if unicodedata.bidirectional(c) in {"L", "R", "AL"})
    return _TO_THE_LEFT if _is_leftward(strong) else _TO_THE_RIGHT


def has_boxes(text: str) -> bool:
    """Whether a character of a typeset text is drawn as a box."""
    written = (c for c in text if c.isprintable())
    unusual = (c for c in written if ord(c) > LAST_USUAL and c not in USUAL_SYMBOLS)
    return not all(any(ord(c) in _characters(font) for font in FONTS) for c in unusual)


def _is_leftward(character: str) -> bool:
    return unicodedata.bidirectional(character) in {"R", "AL"}


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(FT2Font(findfont(FontProperties(family=[font]))).get_charmap())
