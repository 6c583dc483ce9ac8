"""Constants of the filter language: numbers, times, words and truth, each of the kind that its field is of."""

import math
import re
from datetime import UTC, datetime

from lark import Token

from store.query.ast import Ago, At, Constant
from store.query.errors import nearest, refuse
from store.query.fields import Field, Kind

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_AGO = re.compile(r"([+-]?)(\d+(?:\.\d+)?)([smhdw])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LARGEST = 2**63


def of(field: Field, token: Token) -> Constant:
    """The constant that a field is compared with.

    Raises:
        BadQuery: It isn't of the field's kind, or not among its choices.
    """
    match field.kind:
        case Kind.REAL | Kind.WHOLE:
            return number(token, f"a number to compare {field.name} with")
        case Kind.TIME:
            return _time(field, token)
        case Kind.FLAG:
            return _flag(field, token)
        case Kind.TEXT:
            return _word(field, token)


def number(token: Token, expected: str) -> float | int:
    """A finite number; whole ones stay exact."""
    text = str(token)
    if text.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise refuse(
            column(token), text, f"{expected}; is_nan(...) and is_infinite(...) find the others"
        )
    if not is_number(token):
        raise refuse(column(token), text, expected)
    if _INTEGER.fullmatch(text) and len(text) < 25 and -_LARGEST <= int(text) < _LARGEST:
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        raise refuse(column(token), text, f"{expected}, below 1.8e308")
    return value


def is_number(token: Token) -> bool:
    """Whether it is written as one."""
    return token.type == "ATOM" and _NUMBER.fullmatch(str(token)) is not None


def text(token: Token) -> str:
    """A word as it is, or what stands between quotation marks, in which a backslash makes the next letter itself."""
    return (
        re.sub(r"\\(.)", r"\1", str(token)[1:-1], flags=re.DOTALL)
        if token.type == "STRING"
        else str(token)
    )


def column(token: Token) -> int:
    """Where it begins, from 1 on."""
    return (token.start_pos or 0) + 1


def _time(field: Field, token: Token) -> Ago | At:
    word = text(token)
    if word == "now":
        return Ago(0.0)
    if ago := _AGO.fullmatch(word):
        sign, count, unit = ago.groups()
        if sign != "-":
            raise refuse(column(token), word, f"a time in the past, such as -{word.lstrip('+')}")
        return Ago(float(count) * _SECONDS[unit])
    if _DATE.fullmatch(word):
        try:
            moment = datetime.fromisoformat(word)
        except ValueError as error:
            raise refuse(column(token), word, f"a day and time that there are ({error})") from None
        return At((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    expected = f"a time to compare {field.name} with: -7d, -12h, -30m, 2026-11-25, 2026-11-25T12:00Z (UTC), or now"
    raise refuse(column(token), word, expected)


def _flag(field: Field, token: Token) -> bool:
    word = text(token).lower()
    if word not in {"true", "false"}:
        raise refuse(column(token), word, f"true or false, which {field.name} is")
    return word == "true"


def _word(field: Field, token: Token) -> str:
    word = text(token)
    if field.choices and word not in field.choices:
        close = nearest(word, field.choices)
        raise refuse(column(token), word, f"one of {', '.join(field.choices)}", close=close)
    return word
