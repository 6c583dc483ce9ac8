"""Formulas in sentences, such as ``h_j = Σ_i w_i λ_i^j``, set as mathematics."""

import re

from markupsafe import Markup, escape

_INDEXED = re.compile(
    r"(?<![\w&’])(?!A [a-z]{2})"  # not the article
    r"([^\W\d_]\u0302?)(ᵀ?)"  # a letter, perhaps with a hat, perhaps transposed
    r"(?:_(\{[^}]*\}|\w{1,2}))?(?:\^(\{[^}]*\}|\w))?(?![\w\u0302(])"
)
_WORDS = frozenset("aIN")
"""Letters that are words or names of their own where they stand alone."""

_SIGNS = (("&gt;=", "≥"), ("&lt;=", "≤"), (" - ", " − "))


def formulas(sentence: str) -> Markup:
    """The sentence with symbols in italics, and indices and powers where they belong.

    Example:
        >>> print(formulas("h_j = w λ_i^j >= 0, a teacher"))
        <i>h</i><sub>j</sub> = <i>w</i> <i>λ</i><sub>i</sub><sup>j</sup> ≥ 0, a teacher
    """
    text = str(escape(sentence)).replace("&#39;", "’")
    for given, sign in _SIGNS:
        text = text.replace(given, sign)
    return Markup(_INDEXED.sub(_set, text))  # noqa: S704  # escaped first


def _set(found: re.Match[str]) -> str:
    letter, transposed, index, power = found.groups()
    is_alone = not (index or power or transposed)
    if is_alone and (letter in _WORDS or not letter[0].isascii()):
        return found[0]
    symbol = letter if letter == "Σ" else f"<i>{letter}</i>{transposed}"
    below = f"<sub>{index.strip('{}')}</sub>" if index else ""
    above = f"<sup>{power.strip('{}')}</sup>" if power else ""
    return f"{symbol}{below}{above}"
