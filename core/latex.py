r"""Text and numbers as LaTeX that any engine and any document class can typeset.

The output is ASCII and needs no package. The field's symbols become mathematics.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "$": r"\mathdollar",
        "§": r"\mathsection",
        "<": "<",
        ">": ">",
        "|": "|",
        "−": "-",
        "±": r"\pm",
        "×": r"\times",
        "·": r"\cdot",
        "÷": r"\div",
        "≤": r"\le",
        "≥": r"\ge",
        "≠": r"\ne",
        "≈": r"\approx",
        "≡": r"\equiv",
        "∝": r"\propto",
        "∼": r"\sim",
        "≪": r"\ll",
        "≫": r"\gg",
        "∞": r"\infty",
        "∂": r"\partial",
        "∇": r"\nabla",
        "∑": r"\sum",
        "∏": r"\prod",
        "∫": r"\int",
        "√": r"\surd",
        "∘": r"\circ",
        "⊗": r"\otimes",
        "∈": r"\in",
        "⌊": r"\lfloor",
        "⌋": r"\rfloor",
        "⌈": r"\lceil",
        "⌉": r"\rceil",
        "←": r"\leftarrow",
        "→": r"\rightarrow",
        "↔": r"\leftrightarrow",
        "⇒": r"\Rightarrow",
        "½": r"\frac{1}{2}",
        "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}",
        "°": r"^{\circ}",
        "µ": r"\mu",
        "ℓ": r"\ell",
        "•": r"\bullet",
    }
)
"""Characters that are mathematics, without its dollar signs."""

_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho varsigma "
    "sigma tau upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi "
    "Omega"
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK_NAMES.split(), strict=True))
_LATIN_LOOKALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))
_MATHEMATICS = {
    **_SYMBOLS,
    **{letter: rf"\{name}" for letter, name in _GREEK.items()},
    **{letter: rf"\mathrm{{{latin}}}" for letter, latin in _LATIN_LOOKALIKES.items()},
}
_RELATIONS = {"<=": r"\le", ">=": r"\ge"}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ", [*"0123456789+-n", r"\top"], strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₖₙ", "0123456789+-kn", strict=True))
_TEXT = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "`": r"\`{}",
    '"': "''",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "©": "(c)",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "\u00a0": "~",
    "\u200b": r"\allowbreak{}",
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0323": "d",
    "\u0327": "c",
}
_HATS = {"\u0302": r"\hat", "\u0303": r"\tilde"}
_HATTED = f"dhywABCM{''.join(_GREEK)}"
"""Letters that are symbols if they have a hat or a tilde, and no letters of a language."""

_LETTER = rf"(?:[{_HATTED}][\u0302\u0303]|[A-Za-z{''.join(_GREEK)}])"
_PATTERNS = {
    "indexed": rf"(?<!\w)(?:max|min|{_LETTER})_[A-Za-z0-9](?!\w)",
    "hatted": rf"[{_HATTED}][\u0302\u0303]",
    "variable": r"(?<![\w.'/-])(?:(?<!\d )[hw]|[dejkqN])(?![\w.'/-]\S|[\w'/-]|[\u0300-\u036f])",
    "power": r"(?<=\w)\^(?:\([A-Za-z0-9+\-*/., ]*\)|-?[A-Za-z0-9.]*[A-Za-z0-9])",
    "product": rf"(?<=\d) (?=(?:[{_HATTED}][\u0302\u0303]|[dkqN])(?!\w))",
    "superscript": rf"[{''.join(_SUPERSCRIPTS)}]+",
    "subscript": rf"[{''.join(_SUBSCRIPTS)}]+",
    "symbol": rf"[<>]=|[{''.join(map(re.escape, _MATHEMATICS))}]",
    "minus": r"(?<= )-(?= )|(?<![\w-])-(?=\d)",
    "dashes": r"-{2,}",
    "accent": rf"[A-Za-z][{''.join(_ACCENTS)}]",
    "plain": r"[ -~]",
    "space": r"[\s\x00-\x1f\x7f]+",
    "escaped": rf"[{''.join(map(re.escape, _TEXT))}]",
    "foreign": rf"[^\x00-\x7f{''.join(map(re.escape, [*_TEXT, *_MATHEMATICS]))}]+",
}
_LONG_WORD = re.compile(r"\S{30,}")
"""A word in which a line may end, after every ten characters."""

_TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()))


def latex(text: str) -> str:
    r"""Text as LaTeX, with the field's symbols as mathematics.

    A character that pdfLaTeX's standard fonts lack, such as one of Chinese or Arabic, is given by
    its code point.

    Example:
        >>> print(latex("100 % of cheap_$ runs at k > 2 d̂"))
        100 \% of cheap\_$\mathdollar$ runs at $k$ $>$ 2\,$\hat{d}$
        >>> print(latex("max_j |h_j - ĥ_j| ≤ 1e-3"))
        $\max_{j}$ $| h_{j}$ $-$ $\hat{h}_{j} |$ $\le$ 1e-3
        >>> print(latex("Gülçehre's λ², Cᵀ, 0.9^j and -0.5"))
        G\"{u}l\c{c}ehre's $\lambda ^{2}$, C$^{\top}$, 0.9$^{j}$ and $-$0.5
        >>> print(latex("长 run"))
        [U+957F] run
    """
    breakable = _LONG_WORD.sub(lambda word: re.sub(".{10}", "\\g<0>\u200b", word[0]), text)
    parts = [
        c if c in _MATHEMATICS else unicodedata.normalize("NFD", c)
        for c in unicodedata.normalize("NFC", breakable)
    ]
    typeset = "".join(map(_typeset, _TOKEN.finditer("".join(parts))))
    return typeset.replace("$$", " ")


def _typeset(match: re.Match[str]) -> str:
    kind, token = match.lastgroup, match[0]
    match kind:
        case "indexed":
            base, _, index = token.partition("_")
            named = rf"\{base}" if base in {"max", "min"} else _symbol(base)
            return f"${named}_{{{index}}}$"
        case "hatted" | "variable" | "symbol":
            return f"${_symbol(token)}$"
        case "product":
            return r"\,"
        case "power":
            return f"$^{{{token[1:].strip('()')}}}$"
        case "superscript":
            return f"$^{{{''.join(_SUPERSCRIPTS[c] for c in token)}}}$"
        case "subscript":
            return f"$_{{{''.join(_SUBSCRIPTS[c] for c in token)}}}$"
        case "minus":
            return "$-$"
        case "dashes":
            return "{}".join(token)
        case "accent":
            return rf"\{_ACCENTS[token[1]]}{{{token[0]}}}"
        case "space":
            return " "
        case "foreign":
            return f"[{' '.join(f'U+{ord(c):04X}' for c in unicodedata.normalize('NFC', token))}]"
        case _:
            return _TEXT.get(token, token)


def _symbol(token: str) -> str:
    if len(token) == 1 or token in _RELATIONS:
        return _RELATIONS.get(token) or _MATHEMATICS.get(token, token)
    return rf"{_HATS[token[1]]}{{{_symbol(token[0])}}}"


def number(value: float | None, digits: int = 3) -> str:
    r"""A number to a few significant digits as LaTeX; None is a dash.

    Example:
        >>> print(number(1234.5), number(0.02), number(-1.5e-7), number(float("inf")), number(None))
        1230 0.02 $-1.5\times10^{-7}$ $\infty$ --
    """
    if value is None:
        return "--"
    if value != value:  # noqa: PLR0124  # NaN
        return "undefined"
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    if mantissa.endswith("inf"):
        return rf"${mantissa.removesuffix('inf')}\infty$"
    if exponent and abs(int(exponent)) <= digits:
        mantissa, exponent = f"{float(f'{value:.{digits}g}'):.0f}", ""
    power = rf"\times10^{{{int(exponent)}}}" if exponent else ""
    return f"${mantissa}{power}$" if power or mantissa.startswith("-") else mantissa
