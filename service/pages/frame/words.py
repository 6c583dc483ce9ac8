"""Numbers, times and states as the pages write them."""

import math
import re
from datetime import UTC, datetime

from core import labels
from store.states import State

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_WITH_EXPONENT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([-+]?\d+)\b")
_PLAIN_FROM, _PLAIN_BELOW = 0.01, 1e5
"""Numbers within these are written without an exponent."""

ABSENT = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A measured number to three digits, with an exponent where it is very small or large.

    Example:
        >>> number(0.054321), number(1.93e-7), number(-2.0), number(12345.6), number(None)
        ('0.0543', '1.9×10⁻⁷', '−2', '12346', '–')
        >>> number(math.inf), number(math.nan), number(0.0), number(1e12)
        ('∞', 'undefined', '0', '10¹²')
    """
    if value is None:
        return ABSENT
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    size = abs(value)
    sign = "−" if value < 0 else ""
    if _PLAIN_FROM <= size < _PLAIN_BELOW:
        places = max(digits - 1 - math.floor(math.log10(size)), 0)
        text = f"{size:.{places}f}"
        return sign + (text.rstrip("0").rstrip(".") if "." in text else text)
    mantissa, _, exponent = f"{size:.{digits - 2}e}".partition("e")
    mantissa = mantissa.removesuffix(".0")
    return sign + ("" if mantissa == "1" else f"{mantissa}×") + power(int(exponent))


def power(exponent: int) -> str:
    """A power of ten.

    Example:
        >>> power(-3), power(0)
        ('10⁻³', '10⁰')
    """
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def with_powers(text: str) -> str:
    """The text with numbers such as 2e-05 as the pages write them.

    Example:
        >>> with_powers("k = 8, η = 1e-10, s = 2.5e-05, run 1e5x")
        'k = 8, η = 10⁻¹⁰, s = 2.5×10⁻⁵, run 1e5x'
    """
    return _WITH_EXPONENT.sub(
        lambda found: ("" if found[1] == "1" else f"{found[1]}×") + power(int(found[2])), text
    )


def whole(value: float | None) -> str:
    """A count, in groups of three digits.

    Example:
        >>> whole(950), whole(1234567).split()
        ('950', ['1', '234', '567'])
    """
    return (
        ABSENT if value is None else f"{round(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    )


def rate(value: float | None) -> str:
    """A count a second, with a prefix.

    Example:
        >>> rate(532.1), rate(12_345), rate(1_900_000)
        ('532', '12 k', '1.9 M')
    """
    if value is None:
        return ABSENT
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.{0 if value >= 10 * size else 1}f} {prefix}"
    return f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """A time span, in its largest sensible unit.

    Example:
        >>> duration(1020), duration(None)
        ('17 min', '–')
    """
    return ABSENT if seconds is None else labels.duration(seconds)


def moment(seconds: float | None, now: float) -> str:
    """A time of day in UTC; with the date if ``now`` is another day.

    Example:
        >>> moment(1_764_447_660.0, 1_764_450_000.0), moment(1_764_447_660.0, 1_764_600_000.0)
        ('20:21', '11-29 20:21')
    """
    if seconds is None:
        return ABSENT
    then, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"


def iso(seconds: float) -> str:
    """A time for the machine, as ``<time datetime>`` has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def state_class(state: State, *, fitted: bool = True, diverged: bool = False) -> str:
    """The class of a state's mark; a completed experiment's also says how its seeds ended."""
    if state is State.COMPLETED and diverged:
        return "completed diverged"
    if state is State.COMPLETED and not fitted:
        return "completed not-fitted"
    return str(state)
