"""What a half-typed filter expects at the cursor: a field, operator, value or connective."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from core.result import METRICS
from store.query.analysis import PREFIXES
from store.query.ast import NonFinite, Statistic
from store.query.errors import BadQuery
from store.query.fields import FIELDS, NAMES, Field, Kind, Scope
from store.query.operands import FUNCTIONS, NUMERIC_FIELDS
from store.query.parser import grammar, parse

_ATOM = r"[\w.:+*/%@#-]+"
_PIECE = re.compile(
    rf'(?P<quoted>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<open>["\'].*)|{_ATOM}|\S', re.DOTALL
)
_OVER_RUNS = {"any", "all", "count"}
_OF_METRICS = {"final", *Statistic, *NonFinite}
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "between", "in", "is null", "is not null")
_VALUE_OPERATORS = {"OP", "CONTAINS", "IN", "BETWEEN"}


@dataclass(frozen=True)
class Mistake:
    """The first mistake in a filter; ``length`` is 0 if something is missing at the end."""

    message: str
    offset: int
    length: int


@dataclass(frozen=True)
class Expectation:
    """The possible replacements of the piece of a filter from ``start`` to ``end``.

    Attributes:
        start: The offset of the piece under the cursor; the cursor's own if there is none.
        end: The offset of its end.
        typed: The piece up to the cursor, without quotation marks.
        fields: Names of fields.
        functions: Functions, which parentheses follow.
        labels: Prefixes that take a value: ``tag:`` and ``sweep:``.
        operators: Operators.
        keywords: Words between conditions, and ``not``.
        values_of: The field one of whose values is expected; None if none is.
    """

    start: int
    end: int
    typed: str
    fields: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    values_of: Field | None = None


def mistake_in(text: str) -> Mistake | None:
    """The first mistake in a filter; None if it is valid or empty."""
    if not text.strip():
        return None
    try:
        parse(text)
    except BadQuery as error:
        (problem,) = error.problems
        if problem.column is None:  # it is about the whole filter
            return Mistake(problem.message, 0, len(text))
        offset = problem.column - 1
        piece = _PIECE.match(text, offset)
        message = problem.message.removeprefix(f"column {problem.column}: ")
        return Mistake(message, offset, piece.end() - offset if piece else 0)
    return None


def expected_at(text: str, cursor: int) -> Expectation:
    """The pieces that a filter expects at a cursor; none after a mistake.

    Args:
        text: The filter; no longer than :data:`~store.query.parser.MAX_CHARACTERS`.
        cursor: An offset into it, which may be its length.
    """
    start, end = _piece_at(text, cursor)
    if "\0" in text:  # which no database stores
        return Expectation(start, end, "")
    piece = text[start:cursor]
    for label in PREFIXES.values():
        if piece.startswith(label):
            typed = piece[len(label) :]
            return Expectation(start + len(label), end, typed, values_of=_field_of(label))
    typed = re.sub(r"\\(.)", r"\1", piece[1:]) if piece[:1] in {'"', "'"} else piece
    here, before = Expectation(start, end, typed), text[:start]
    reader = grammar().parse_interactive(before)
    try:
        reader.exhaust_lexer()
    except UnexpectedInput:
        return here
    accepted: set[str] = reader.accepts()  # type: ignore[no-untyped-call]  # untyped in Lark
    return _expected(here, accepted, reader.parser_state.value_stack, before)


def written(value: str) -> str:
    """A text value as a filter writes it: in quotation marks if it needs them."""
    if re.fullmatch(_ATOM, value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _piece_at(text: str, cursor: int) -> tuple[int, int]:
    """The word or quotation that the cursor is in or right after; empty if there is none."""
    for match in _PIECE.finditer(text):
        start, end = match.span()
        if match["open"] and start < cursor:
            return start, cursor
        is_word = match["quoted"] is None and re.fullmatch(_ATOM, match[0]) is not None
        if start < cursor < end or (is_word and start < cursor == end):
            return start, end
        if start >= cursor:
            break
    return cursor, cursor


def _expected(
    here: Expectation, accepted: set[str], stack: Sequence[Any], before: str
) -> Expectation:
    top = _operand(stack[-1]) if stack else None
    if "OP" in accepted:
        if top in PREFIXES.values() and before.endswith(str(top)):  # tag: and a quotation mark
            return replace(here, values_of=_field_of(str(top)))
        return _after_operand(here, _called(stack) or str(top), is_call=_called(stack) is not None)
    if {"ATOM", "NOT"} <= accepted:
        return _at_condition(here, _enclosing(stack))
    if "ATOM" in accepted:
        return _at_value(here, stack)
    if "NULL" in accepted:
        return replace(here, keywords=("null", "not null") if "NOT" in accepted else ("null",))
    words = {"_AND": "and", "_OR": "or"}
    keywords = tuple(word for terminal, word in words.items() if terminal in accepted)
    return replace(here, keywords=keywords)


def _after_operand(here: Expectation, name: str, *, is_call: bool) -> Expectation:
    """After a field or call: its operators, and the next condition if it is one by itself."""
    next_condition = ("and", "or")
    if is_call:
        if name in {"any", "all", *NonFinite}:
            return replace(here, keywords=next_condition)
        if name == "count":
            return replace(here, operators=_COMPARISONS[:-2])
        return replace(here, operators=_COMPARISONS)
    if name.startswith(tuple(PREFIXES.values())):
        return replace(here, keywords=next_condition)
    if name not in NAMES:
        return here
    field = NAMES[name]
    keywords = next_condition if field.kind is Kind.FLAG else ()
    return replace(here, operators=field.operators, keywords=keywords)


def _at_condition(here: Expectation, enclosing: Sequence[str]) -> Expectation:
    """At the start of a condition, inside the calls of these functions, innermost first."""
    if enclosing and enclosing[0] in _OF_METRICS:
        return replace(here, fields=tuple(METRICS))
    if any(name in _OVER_RUNS for name in enclosing):
        of_runs = _names(field for field in FIELDS.values() if field.scope is Scope.RUN)
        return replace(here, fields=of_runs, functions=tuple(NonFinite), keywords=("not",))
    functions = tuple(name for name in FUNCTIONS if name != "final")
    labels = tuple(PREFIXES.values())
    return replace(
        here, fields=tuple(FIELDS), functions=functions, labels=labels, keywords=("not",)
    )


def _at_value(here: Expectation, stack: Sequence[Any]) -> Expectation:
    """After an operator: a value of the field before it; once a letter is typed, also a field."""
    place = max(i for i, part in enumerate(stack) if _type_of(part) in _VALUE_OPERATORS)
    left, takes_names = _operand(stack[place - 1]), _type_of(stack[place]) in {"OP", "BETWEEN"}
    if isinstance(left, Tree):
        of_one = [f for f in map(FIELDS.__getitem__, NUMERIC_FIELDS) if f.scope is Scope.EXPERIMENT]
        is_metric = left.children[0] == "final"
        names = (*METRICS,) if is_metric else _names(of_one)
        return replace(here, fields=names if here.typed and takes_names else ())
    field = NAMES.get(str(left))
    if field is None:
        return here
    is_compared = here.typed and takes_names and field.kind.is_number
    fields = NUMERIC_FIELDS if is_compared else ()
    others = tuple(name for name in fields if name != field.name)
    return replace(here, values_of=field, fields=others)


def _names(fields: Iterable[Field]) -> tuple[str, ...]:
    return tuple(field.name for field in fields)


def _field_of(label: str) -> Field:
    return FIELDS[label.removesuffix(":")]


def _type_of(part: Any) -> str | None:
    return part.type if isinstance(part, Token) else None


def _operand(part: Any) -> Any:
    """The token or call of an operand, which the parser may have wrapped already."""
    while isinstance(part, Tree) and part.data == "_operand":
        part = part.children[0]
    return part


def _called(stack: Sequence[Any]) -> str | None:
    """The function of the call that ends the stack, None if another operand does."""
    if stack and isinstance(call := _operand(stack[-1]), Tree):
        return str(call.children[0]) if call.data == "call" else None
    if not stack or _type_of(stack[-1]) != "RPAR":
        return None
    opening = max(i for i, part in enumerate(stack) if _type_of(part) == "LPAR")
    return str(stack[opening - 1])


def _enclosing(stack: Sequence[Any]) -> list[str]:
    """The functions whose parentheses are open, innermost first."""
    openings = [i for i, part in enumerate(stack) if i and _type_of(part) == "LPAR"]
    return [str(stack[i - 1]) for i in reversed(openings) if _type_of(stack[i - 1]) == "ATOM"]
