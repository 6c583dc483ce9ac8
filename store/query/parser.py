"""The parser of the filter language: text in, typed tree out.

``docs/query.md`` teaches the language; ``grammar.lark`` is its grammar. Text from a filter reaches
the database only as bound values, and names only as entries of :data:`store.query.fields.FIELDS`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from core.errors import Problem
from store.query.analysis import Analysis
from store.query.ast import Aggregate, Count, Node, Statistic
from store.query.errors import BadQuery, find_field, syntax_error
from store.query.fields import FIELDS, Field
from store.query.syntax import column_of, sole_operand

Term = Field | Aggregate | Count
"""What an experiment has one value of, or one list of values."""

MAX_CHARACTERS = 8_000

MAX_DEPTH = 30
"""The deepest nesting of parentheses, calls and ``not``."""

_NAME = re.compile(r"[\w.]+")
_CALL = re.compile(r"(?P<name>[\w.]+)\(")
_NESTING_RULES = {"start", "negated"}
_SHOWN_CHARACTERS = 21

_TERMINAL_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "ATOM": "a field, number or word",
        "OP": "a comparison (=, !=, <, <=, >, >=, ~, in, between, is null)",
        "_AND": "'and'",
        "_OR": "'or'",
        "LPAR": "'('",
        "RPAR": "')'",
        "COMMA": "','",
        "NULL": "'null'",
    }
)
"""The terminals that messages mention, in this order."""


def parse(text: str) -> Node:
    """The tree of a filter.

    Raises:
        BadQuery: The filter is not valid.

    Example:
        >>> parse("tag:figure-1 and student.dim > 10")
        ... # doctest: +ELLIPSIS
        And(parts=(Exists(scope=<Scope.TAG: 'tag'>, ...), Comparison(left=..., ...)))
    """
    return Analysis().analyse(_tree(text))


def parse_term(text: str, column: int = 1, among: Iterable[str] = FIELDS) -> Term:
    """The term of an order or a list, such as ``name`` or ``median(fit_error)``.

    Args:
        text: The field, statistic or ``count(...)``. A metric alone means its median.
        column: Where it starts, for messages.
        among: The names of the allowed fields.

    Raises:
        BadQuery: It is none of them.
    """
    if _NAME.fullmatch(text):
        field = find_field(text, column, among)
        return Aggregate(Statistic.MEDIAN, field) if field.is_metric else field
    call = _CALL.match(text)
    if call is None:
        expected = "a field or statistic, such as -created or median(train_loss)"
        raise syntax_error(column, text, expected)
    functions = (*Statistic, "count", "final")
    if call["name"] not in functions:
        expected = f"one of {', '.join(functions)} before '('"
        raise syntax_error(column, call["name"], expected)
    operand = sole_operand(_tree(" " * (column - 1) + text))
    if not isinstance(operand, Tree) or operand.data != "call":
        raise syntax_error(column, text, "one field or statistic, and a comma before the next")
    term = Analysis().term(operand)
    return Aggregate(Statistic.MEDIAN, term) if isinstance(term, Field) else term


def _tree(text: str) -> Tree[Any]:
    """The parse tree of a filter."""
    _check_text(text)
    try:
        tree = grammar().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    if _depth(tree) > MAX_DEPTH:
        message = f"should nest at most {MAX_DEPTH} levels deep; split it"
        raise BadQuery(Problem("", "too_deep", message))
    return tree


@cache
def grammar() -> Lark:
    """The parser of ``grammar.lark``."""
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr")


def _check_text(text: str) -> None:
    if not text.strip():
        message = "should not be empty; leave it out to match all experiments"
        raise BadQuery(Problem("", "empty", message))
    if len(text) > MAX_CHARACTERS:
        message = f"should have at most {MAX_CHARACTERS} characters, and has {len(text)}"
        raise BadQuery(Problem("", "too_long", message))
    for column, character in enumerate(text, 1):
        is_control = character < " " and character not in "\t\n\r"
        is_surrogate = "\ud800" <= character <= "\udfff"
        if is_control or is_surrogate:
            message = f"column {column}: should have no control characters"
            raise BadQuery(Problem("", "control_character", message, column=column))


def _depth(tree: Tree[Any]) -> int:
    """The nesting depth, computed without recursion, which a hostile filter would exhaust."""
    deepest, stack = 0, [(tree, 0)]
    while stack:
        part, outer_depth = stack.pop()
        depth = outer_depth + (part.data in _NESTING_RULES)
        deepest = max(deepest, depth)
        stack += [(child, depth) for child in part.children if isinstance(child, Tree)]
    return deepest


def _explained(error: UnexpectedInput, text: str) -> BadQuery:
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        expected = _alternatives(error.accepts or error.expected)
        if token.type == "$END":
            return syntax_error(len(text.rstrip()) + 1, "the end", expected)
        return syntax_error(column_of(token), str(token), expected)
    start = int(error.pos_in_stream or 0)
    given = text[start : start + _SHOWN_CHARACTERS]
    if isinstance(error, UnexpectedCharacters) and given[:1] in {'"', "'"}:
        return syntax_error(start + 1, given, f"a closing {given[0]}")
    expected = "a field, value or comparison; put special characters in quotation marks"
    return syntax_error(start + 1, given, expected)


def _alternatives(terminals: set[str]) -> str:
    if "OP" in terminals:  # after a name; the other terminals would mislead
        terminals = {"OP"}
    names = [name for terminal, name in _TERMINAL_NAMES.items() if terminal in terminals]
    return " or ".join(names) or "the end"
