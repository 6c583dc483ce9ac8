"""Labels of values: what people read in legends, titles of panels, captions and along axes."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.symbols import quantity, short_name

_DIGITS = 3
"""Fewest significant digits of a rounded number."""

_EXACT = 1e-9
"""A number that differs by less than this fraction is shown as exact: the rest is rounding."""

_PLAIN_BELOW = 1e6
"""Larger numbers are written with an exponent if this loses no digit."""

_LISTED = 4
"""Most entries of a list that are written out."""

_MOST_DIGITS = 17
"""As many significant digits tell any two floats apart."""

_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
"""A word of the spec, such as ``gradient_flow``."""

_NAMES = {
    "adam": "Adam",
    "adaptive_gd": "adaptive GD",
    "ar1": "AR(1)",
    "gaussian": "Gaussian",
    "gd": "GD",
    "gru": "GRU",
    "lstm": "LSTM",
    "rademacher": "Rademacher",
    "tanh_rnn": "tanh RNN",
}


def brief(value: Any, digits: int = _MOST_DIGITS) -> str:
    """Formats a coordinate in a few characters; an object is shown by its values.

    Example:
        >>> brief(0.001), brief({"kind": "gaussian", "scale": 1.0}), brief("last"), brief(None)
        ('0.001', 'gaussian 1', 'last', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return " ".join(brief(part, digits) for part in value.values())
    if isinstance(value, list | tuple):
        return value_text(value, digits)
    return number(value, digits) if isinstance(value, float) else str(value)


def briefs(values: Sequence[Any]) -> list[str]:
    """The values of one axis as :func:`brief` has them: different for different values.

    Example:
        >>> briefs([0.1 + 0.2, 0.3, None]), briefs([0.0316227766, 2000.0])
        (['0.30000000000000004', '0.3', '-'], ['0.0316', '2000'])
    """
    return _apart(values, brief)


def located(message: str, first: Mapping[str, Any], experiments: int) -> str:
    """A message about experiments of a sweep, with the coordinates of the first of them.

    Example:
        >>> located("The start is zero.", {"training.length": 4}, 3)
        'The start is zero. (at training.length = 4 and 2 more)'
    """
    where = ", ".join(f"{path} = {brief(value)}" for path, value in first.items())
    others = f" and {experiments - 1} more" if experiments > 1 else ""
    return f"{message} (at {where}{others})" if where else message


def value_words(value: str) -> str:
    """A word of the spec as people write it; any other text as it is.

    Example:
        >>> value_words("gradient_flow"), value_words("gru"), value_words("$x_1$ of run_A")
        ('gradient flow', 'GRU', '$x_1$ of run_A')
    """
    return _NAMES.get(value, value.replace("_", " ") if _WORD.fullmatch(value) else value)


def with_article(words: str) -> str:
    """Words after "a" or "an", as they are spoken.

    Example:
        >>> with_article("GRU student"), with_article("LSTM student"), with_article("uniform start")
        ('a GRU student', 'an LSTM student', 'a uniform start')
    """
    takes_an = words.lower().startswith(("a", "e", "i", "o", "un", "lstm"))
    return f"{'an' if takes_an and not words.startswith('uni') else 'a'} {words}"


def capitalised(sentence: str) -> str:
    """The sentence with a capital letter at its start, unless it starts with a symbol.

    Example:
        >>> capitalised("largest error"), capitalised("h_j by lag"), capitalised("|h_j| by lag")
        ('Largest error', 'h_j by lag', '|h_j| by lag')
    """
    return sentence if sentence[1:2] == "_" else sentence[:1].upper() + sentence[1:]


def how_many(number: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> how_many(1, "run"), how_many(2, "run"), how_many(1000, "run")
        ('1 run', '2 runs', '1,000 runs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """A time span, in its largest sensible unit.

    Example:
        >>> [duration(seconds) for seconds in (0.25, 75, 1020, 9000, 3 * 86400)]
        ['0.2 s', '75 s', '17 min', '2.5 h', '3 days']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
    return f"{seconds / 86400:.0f} days"


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    Example:
        >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
        ('a', 'a and b', 'a, b and c')
    """
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def number(value: float, digits: int = _DIGITS) -> str:
    """A number to at least ``digits`` significant digits, never rounded to one that looks exact.

    Example:
        >>> number(0.03162277660168379), number(0.1 + 0.2), number(0.99996), number(2000)
        ('0.0316', '0.3', '0.99996', '2000')
        >>> number(1e-12), number(1_000_000), number(123_456.7)
        ('1e-12', '1e6', '123457')
    """
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) < _PLAIN_BELOW):
        return str(value)
    if isinstance(value, int):
        shorter = _without_padding(f"{value:g}")
        return shorter if "e" in shorter and int(float(shorter)) == value else str(value)
    if digits >= _MOST_DIGITS:
        return _without_padding(repr(value).removesuffix(".0"))
    before_point = len(str(int(abs(value)))) if abs(value) < _PLAIN_BELOW else 0
    text = ""
    for places in range(max(digits, before_point), _MOST_DIGITS + 1):
        text = f"{value:.{places}g}"
        is_exact = abs(float(text) - value) <= _EXACT * abs(value)
        if is_exact or _significant_digits(text) == places:
            break
    return _without_padding(text)


def _significant_digits(text: str) -> int:
    return len(text.partition("e")[0].replace(".", "").strip("-0"))


def _without_padding(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def value_label(path: str, value: Any, digits: int = _DIGITS) -> str:
    """A value with the name of its field: a symbol, or as much of the path as tells it apart.

    Example:
        >>> value_label("training.length", 8), value_label("teacher.seed", 1)
        ('k = 8', 'teacher.seed = 1')
        >>> value_label("optimizer.kind", "gradient_flow"), value_label("student.tied", False)
        ('gradient flow', 'not tied')
        >>> value_label("student.start", {"kind": "gaussian", "scale": 0.001})
        'Gaussian start, s = 0.001'
        >>> value_label("optimizer.stop", None), value_label("optimizer.lr", None)
        ('no early stop', 'no learning rate')
    """
    known = quantity(path)
    if value is None:
        return known.absent or f"no {known.words}"
    if isinstance(value, Mapping) and value:
        parts = [(name, part) for name, part in value.items() if part is not None]
        parts.sort(key=lambda part: part[0] != "kind")
        return ", ".join(value_label(f"{path}.{name}", part, digits) for name, part in parts)
    if known.phrase and isinstance(value, bool):
        return known.phrase if value else f"not {known.phrase}"
    if known.phrase and isinstance(value, str):
        return known.phrase.format(value_words(value))
    return f"{short_name(path)} = {value_text(value, digits)}"


def value_text(value: Any, digits: int = _DIGITS) -> str:
    """A value alone, in few characters; of a long list, the first entries and their number.

    Example:
        >>> value_text([0.9, -0.5]), value_text([0, 1, 2, 3, 4]), value_text([])
        ('[0.9, -0.5]', '0..4', 'none')
        >>> value_text([[1.0, 0.0], [0.0, 1.0]]), value_text([0.5, 1, 2, 4, 8, 16])
        ('[[1, 0], [0, 1]]', '[0.5, 1, 2, 4, ...] of 6')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value, digits)
    if isinstance(value, str):
        return value_words(value)
    if isinstance(value, list | tuple) and value:
        if len(value) > 2 and list(value) == [*range(len(value))]:
            return f"0..{len(value) - 1}"
        listed = ", ".join(value_text(entry, digits) for entry in value[:_LISTED])
        return f"[{listed}]" if len(value) <= _LISTED else f"[{listed}, ...] of {len(value)}"
    if isinstance(value, Mapping) and value:
        return ", ".join(value_text(part, digits) for part in value.values())
    return "default" if value == {} else "none"


def value_labels(path: str | None, values: Sequence[Any], fewest: int = _DIGITS) -> list[str]:
    """Labels of the values on one axis: different for different values; "" without a path.

    ``fewest`` is the least number of significant digits.

    Example:
        >>> value_labels("optimizer.lr", [0.01, 0.0316227766])
        ['η = 0.01', 'η = 0.0316']
        >>> value_labels("optimizer.lr", [0.0316227766, 0.0316])
        ['η = 0.03162', 'η = 0.0316']
    """
    if path is None:
        return [""] * len(values)
    return _apart(values, lambda value, digits: value_label(path, value, digits), fewest)


def value_texts(values: Sequence[Any]) -> list[str]:
    """The values alone, as along an axis: different for different values.

    Example:
        >>> value_texts([1, 2.5, "gru"])
        ['1', '2.5', 'GRU']
    """
    return _apart(values, value_text)


def _apart(
    values: Sequence[Any], text: Callable[[Any, int], str], fewest: int = _DIGITS
) -> list[str]:
    """Texts with as few digits as tell different values apart; those still equal are numbered."""
    keys = [repr(value) if isinstance(value, Mapping | list) else value for value in values]
    unique = dict(zip(reversed(keys), reversed(values), strict=True))
    texts: list[str] = []
    for digits in range(fewest, _MOST_DIGITS + 1):
        texts = [text(value, digits) for value in unique.values()]
        if len(set(texts)) == len(texts):
            break
    else:
        count = Counter(texts)
        texts = [
            f"{same} ({texts[: n + 1].count(same)})" if count[same] > 1 else same
            for n, same in enumerate(texts)
        ]
    text_of = dict(zip(unique, texts, strict=True))
    return [text_of[key] for key in keys]
