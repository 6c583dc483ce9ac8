"""Formulas in plain text, such as ``d > k > 2 d̂``, marked as LaTeX between dollar signs.

Docstrings and claims are plain text, since terminals and JSON show them, too. A formula is a run of
symbols, numbers and operators that has a symbol which can't be a word.
"""

import re

_HATS = {"\u0302": r"\hat", "\u0303": r"\tilde"}
_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau "
    "varphi chi psi omega Delta Theta Lambda sum Phi Psi Omega"
)
_GREEK = dict(zip("αβγδεζηθκλμνξπρστφχψωΔΘΛΣΦΨΩ", _GREEK_NAMES.split(), strict=True))
_OPERATORS = {
    "<=": r"\le",
    ">=": r"\ge",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "×": r"\times",
    "x": r"\times",
    "·": r"\cdot",
    "∞": r"\infty",
    "|": r"\vert ",
    "²": "^{2}",
    "←": r"\leftarrow",
    "√": r"\surd ",
    "∇": r"\nabla ",
    "~": r"\sim",
    "½": r"\tfrac{1}{2}",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "−": "-",
    "...": r"\dots",
}
_FUNCTIONS = "max|min|exp|log|cos|sin"
_WORDS = "lr|beta|rho|eps|soft|decay|scale|radius|angle|gain|floor|diag|relu|steps|momentum"
"""Functions, and fields of the spec that stand in formulas."""
_INNER_WORDS = rf"{_WORDS}|every"
"""Those that stand in an index or a power, where no word of a sentence can be."""
_LETTER = rf"(?:d[tθ]|[A-Za-z{''.join(_GREEK)}][{''.join(_HATS)}]?)"
_INDEX = r"[A-Za-z0-9]|\{[^{}]+\}"
_DIGITS = "₀₁₂₃₄₅₆₇₈₉"
_POWER = r"-?\d+|-?½|[A-Za-zᵀ]|\{[^{}]+\}|\([^()]+\)"
_SYMBOL = rf"{_LETTER}(?:_(?:{_INDEX})|[{_DIGITS}])?(?:\^(?:{_POWER})|[ᵀ²³])?"
_DERIVATIVE = rf"d(?:{_LETTER}(?:_(?:{_INDEX}))?|\([^()]+\))/d[tτ](?!\w)"
_PART = re.compile(
    rf"""(?P<skip>`+[^`]*`+|\]\([^)]*\)|https?://\S+|\$[^$]*\$)
    |(?P<name>(?<![\w.'])(?:{_FUNCTIONS}|{_WORDS})(?:_(?:{_INDEX}))?(?:\^(?:{_POWER}))?(?![\w.-]*\w))
    |(?P<symbol>(?<![\w.'@])(?<!\w-)(?<!--)(?:{_DERIVATIVE}|{_SYMBOL}(?![\w'’]|[-.:]\w|/[A-Za-z_])))
    |(?P<power>(?<=\))\^(?:{_POWER})(?!\w))
    |(?P<number>(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?:\^(?:{_POWER}))?(?![\w%]|[.,]\d))
    |(?P<operator><=|>=|\.\.\.|[=<>+\-−·×≤≥≈/|()∞,²←√∇~½⌊⌋])
    |(?P<space>[ \n])
    |(?P<word>\w+|.)""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLES = frozenset("dhjkqtwLN")
"""Letters that are symbols wherever they stand alone."""
_ENDS = frozenset("=<>+-−·×/,") | {"<=", ">=", "≤", "≥", "≈", "...", "x"}


def mark(text: str) -> str:
    r"""The text with its formulas between dollar signs.

    Example:
        >>> print(mark("a balanced teacher and d > k > 2 d̂, from A near 0"))
        a balanced teacher and $d > k > 2\,\hat{d}$, from A near 0
        >>> print(mark("**Fit error**: max |h_j - ĥ_j| over j < k of `h_j`, at x-axis 2"))
        **Fit error**: $\max \vert h_{j} - \hat{h}_{j}\vert$ over $j < k$ of `h_j`, at x-axis 2
    """
    marked: list[str] = []
    run: list[tuple[str, str]] = []
    for match in _PART.finditer(text.replace("ĥ", "h\u0302")):
        part = (match.lastgroup or "", match[0])
        if part[0] in {"skip", "word"}:
            marked += [_run(run), match[0]]
            run = []
        else:
            run.append(part)
    return "".join([*marked, _run(run)])


def _run(parts: list[tuple[str, str]]) -> str:
    """A run of parts, with the formula in it."""
    depth = 0
    for at, (kind, part) in enumerate(parts):
        depth += (part == "(") - (part == ")")
        if (part == "," and depth <= 0) or (kind == "symbol" and _is_article(parts, at)):
            return _run(parts[:at]) + part + _run(parts[at + 1 :])
    start, end = 0, len(parts)
    while start < end and (parts[start][0] == "space" or parts[start][1] in {*_ENDS, ")"}):
        start += 1
    while end > start and (parts[end - 1][0] == "space" or parts[end - 1][1] in {*_ENDS, "("}):
        end -= 1
    while end - start > 2 and _is_loose(parts[end - 3 : end]):
        end -= 2
    if end - start == 3 and _is_apposition(parts[start:end]):
        start += 2
    formula = parts[start:end]
    text = [part for _, part in formula]
    plain = "".join(part for _, part in parts)
    is_balanced = text.count("(") == text.count(")") and text.count("|") % 2 == 0
    if not is_balanced:
        at = _unmatched(parts)
        return _run(parts[:at]) + parts[at][1] + _run(parts[at + 1 :])
    if not any(_is_sure(kind, part) for kind, part in formula):
        return plain
    before = "".join(part for _, part in parts[:start])
    after = "".join(part for _, part in parts[end:])
    return f"{before}${_latex(formula)}${after}"


def _unmatched(parts: list[tuple[str, str]]) -> int:
    """The place of the first bracket or bar without a partner; a bar opens at the start of a word.

    Raises:
        ValueError: Each has one.
    """
    opened: dict[str, list[int]] = {"(": [], "|": []}
    alone: list[int] = []
    for at, (_, part) in enumerate(parts):
        if part not in {"(", ")", "|"}:
            continue
        pending = opened["|" if part == "|" else "("]
        if part == "(" or (part == "|" and _opens(parts, at)):
            pending.append(at)
        elif pending:
            pending.pop()
        else:
            alone.append(at)
    return min(alone + opened["("] + opened["|"])


def _opens(parts: list[tuple[str, str]], at: int) -> bool:
    """Whether a bar is the first of its two: nothing or a space is before it, but not after it."""
    is_after_space = at == 0 or parts[at - 1][0] == "space"
    return is_after_space and at + 1 < len(parts) and parts[at + 1][0] != "space"


def _is_loose(last: list[tuple[str, str]]) -> bool:
    """Whether the last part is a word after a formula."""
    (before, _), (between, _), (kind, part) = last
    return between == "space" and kind == "name" and part.isalpha() and before != "operator"


def _is_apposition(formula: list[tuple[str, str]]) -> bool:
    """Whether a word names a symbol, as in "steps t", and is no factor."""
    (kind, part), (between, _), _ = formula
    is_function = re.fullmatch(_FUNCTIONS, part) is not None
    return kind == "name" and part.isalpha() and between == "space" and not is_function


def _is_article(parts: list[tuple[str, str]], at: int) -> bool:
    """Whether a letter is a word: it stands between two, or between a formula and a word."""
    letter = parts[at][1]
    if letter not in {"A", "a"}:
        return False
    before = [part for part in parts[:at] if part[0] != "space"]
    if letter == "a" and before and before[-1][0] != "operator" and _ends_at(parts, at):
        return True
    beside = [parts[at + by] for by in (-2, -1, 1, 2) if 0 <= at + by < len(parts)]
    return not any(
        kind == "operator" or (kind == "symbol" and len(part) > 1) for kind, part in beside
    )


def _ends_at(parts: list[tuple[str, str]], at: int) -> bool:
    """Whether only a space follows, and then a word."""
    return [kind for kind, _ in parts[at + 1 :]] == ["space"]


def _is_sure(kind: str, part: str) -> bool:
    """Whether a part is mathematics and no word of a language."""
    is_symbol = part in _VARIABLES or len(part) > 1 or part in _GREEK
    return (
        (kind == "symbol" and is_symbol) or (kind == "name" and not part.isalpha()) or part == "²"
    )


def _latex(formula: list[tuple[str, str]]) -> str:
    parts: list[str] = []
    for at, (kind, part) in enumerate(formula):
        if kind == "space":
            is_product = _is_factor(formula[at - 1]) and _is_factor(formula[at + 1])
            is_function = bool(re.match(_FUNCTIONS, formula[at - 1][1]))
            parts.append(r"\," if is_product and not is_function else " ")
        elif part == "√" and formula[at + 1 :] and formula[at + 1][0] == "symbol":
            parts.append(r"\sqrt")
        elif at and formula[at - 1][1] == "√" and kind == "symbol":
            parts.append(f"{{{_symbol(part)}}}")
        elif part in _OPERATORS:
            parts.append(_OPERATORS[part])
        elif kind == "operator":
            parts.append(part)
        else:
            parts.append(_symbol(part))
    return re.sub(r" +", " ", "".join(parts)).strip()


def _is_factor(part: tuple[str, str]) -> bool:
    return part[0] in {"symbol", "number", "name"} and part[1] != "x"


def _symbol(part: str) -> str:
    part = part.replace("ᵀ", r"^{\top}" if "^" not in part else r"\top")
    part = part.replace("²", "^{2}").replace("³", "^{3}")
    part = re.sub(f"[{_DIGITS}]", lambda digit: f"_{_DIGITS.index(digit[0])}", part)
    if number := re.fullmatch(r"([\d.]+)e(-?\d+)", part):
        factor = "" if number[1] == "1" else rf"{number[1]} \cdot "
        return f"{factor}10^{{{int(number[2])}}}"
    part = re.sub(rf"([A-Za-z{''.join(_GREEK)}])([{''.join(_HATS)}])", _hatted, part)
    part = re.sub(r"\^\(([^()]+)\)", r"^{\1}", part)
    part = re.sub(r"([_^])(-?\w+)(?!\{)", r"\1{\2}", part).replace("½", "1/2")
    part = re.sub(rf"(?<=[ {{])({_INNER_WORDS})(?=[ }}])", r"\\mathrm{\1}", part)
    part = re.sub(rf"^({_FUNCTIONS})", r"\\\1", part)
    part = re.sub(rf"^({_WORDS})", r"\\mathrm{\1}", part)
    return re.sub(f"[{''.join(_GREEK)}]", lambda letter: rf"\{_GREEK[letter[0]]}", part)


def _hatted(match: re.Match[str]) -> str:
    return f"{_HATS[match[2]]}{{{match[1]}}}"
