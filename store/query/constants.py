"""Constants of the filter language: numbers, times, text and flags, checked against their field."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from lark import Token

from store.query.ast import Ago, At, Constant
from store.query.errors import closest_names, syntax_error
from store.query.fields import Field, Kind
from store.query.syntax import column_of, unquote

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_AGO = re.compile(r"([+-]?)(\d+(?:\.\d+)?)([smhdw])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_INTEGER_BOUND = 2**63
_MAX_INTEGER_CHARACTERS = 25
_TIME_EXAMPLES = "-7d, -12h, -30m, 2026-11-25, 2026-11-25T12:00Z (UTC) or now"


def parse_constant(field: Field, token: Token) -> Constant:
    """The constant that a field is compared with.

    Raises:
        BadQuery: It is of another kind than the field, or not among its choices.
    """
    match field.kind:
        case Kind.REAL | Kind.WHOLE:
            return parse_number(token, f"a number to compare {field.name} with")
        case Kind.TIME:
            return _parse_time(field, token)
        case Kind.FLAG:
            return _parse_flag(field, token)
        case Kind.TEXT:
            return _parse_text(field, token)


def parse_number(token: Token, expected: str, *, or_name: Sequence[str] = ()) -> float | int:
    """A finite number; integers stay exact.

    Args:
        token: The number as written.
        expected: What error messages ask for.
        or_name: Names that may be meant if the token is not a number.

    Raises:
        BadQuery: The token is not a number, or not finite.
    """
    text = str(token)
    if text.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        expected = f"{expected}; for non-finite values use is_nan(...) or is_infinite(...)"
        raise syntax_error(column_of(token), text, expected)
    if not is_number(token):
        close = closest_names(text, or_name)
        raise syntax_error(column_of(token), text, expected, close=close)
    if _INTEGER.fullmatch(text) and len(text) < _MAX_INTEGER_CHARACTERS:
        integer = int(text)
        if -_INTEGER_BOUND <= integer < _INTEGER_BOUND:
            return integer
    value = float(text)
    if not math.isfinite(value):
        raise syntax_error(column_of(token), text, "a number below 1.8e308")
    return value


def is_number(token: Token) -> bool:
    """Whether the token is written as a number."""
    return token.type == "ATOM" and _NUMBER.fullmatch(str(token)) is not None


def _parse_time(field: Field, token: Token) -> Ago | At:
    text = unquote(token)
    if text == "now":
        return Ago(0.0)
    if ago := _AGO.fullmatch(text):
        sign, count, unit = ago.groups()
        if sign != "-":
            expected = f"a time in the past, such as -{text.lstrip('+')}"
            raise syntax_error(column_of(token), text, expected)
        return Ago(float(count) * _SECONDS[unit])
    if _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            expected = f"a valid date and time ({error})"
            raise syntax_error(column_of(token), text, expected) from None
        return At((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    expected = f"a time to compare {field.name} with: {_TIME_EXAMPLES}"
    raise syntax_error(column_of(token), text, expected)


def _parse_flag(field: Field, token: Token) -> bool:
    text = unquote(token).lower()
    if text not in {"true", "false"}:
        raise syntax_error(column_of(token), text, f"true or false for {field.name}")
    return text == "true"


def _parse_text(field: Field, token: Token) -> str:
    text = unquote(token)
    if field.choices and text not in field.choices:
        close = closest_names(text, field.choices)
        expected = f"one of {', '.join(field.choices)}"
        raise syntax_error(column_of(token), text, expected, close=close)
    return text
