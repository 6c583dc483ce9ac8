"""The filter language: text in, a typed tree out.

``docs/query.md`` teaches it, ``grammar.lark`` is its grammar.

Nothing of the text reaches the database but as a bound value: names are those of
:data:`store.query.fields.FIELDS`.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from core.errors import Problem
from store.query.analysis import Reader
from store.query.ast import Node
from store.query.constants import column as column_of
from store.query.errors import BadQuery, refuse

LONGEST = 8_000
"""Characters of a filter."""

DEEPEST = 30
"""Levels of parentheses, calls and ``not`` in one another."""

_EXPECTED: Mapping[str, str] = MappingProxyType(
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
"""What is said of terminals that may come next, in this order; of the others nothing."""


def parse(text: str) -> Node:
    """The tree of a filter.

    Raises:
        BadQuery: It isn't understood.

    Example:
        >>> parse("tag:figure-1 and student.dim > 10")
        ... # doctest: +ELLIPSIS
        And(parts=(Some(scope=<Scope.TAG: 'tag'>, ...), Comparison(left=Field(name='student.dim', ...), ...)))
    """
    _check(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    if _depth(tree) > DEEPEST:
        raise BadQuery(
            Problem("", "too_deep", f"should nest at most {DEEPEST} levels deep; split it")
        )
    return Reader().read(tree)


@cache
def _parser() -> "Lark":
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr")


def _check(text: str) -> None:
    if not text.strip():
        raise BadQuery(
            Problem(
                "", "empty", "should not be empty; leave it out, or ask for tag:... or state = ..."
            )
        )
    if len(text) > LONGEST:
        message = f"should be at most {LONGEST} characters long, and has {len(text)}"
        raise BadQuery(Problem("", "too_long", message))
    odd = next(
        (
            at
            for at, c in enumerate(text, 1)
            if (c < " " and c not in "\t\n\r") or "\ud800" <= c <= "\udfff"
        ),
        0,
    )
    if odd:
        raise BadQuery(
            Problem(
                "",
                "control_character",
                f"column {odd}: should hold no control characters",
                column=odd,
            )
        )


def _depth(tree: Tree[Any]) -> int:
    """How deep a tree is, without recursion, which a hostile text would break."""
    deepest, rest = 0, [(tree, 1)]
    while rest:
        part, depth = rest.pop()
        deepest = max(deepest, depth if part.data in {"start", "negated"} else 0)
        deeper = depth + (part.data in {"start", "negated"})
        rest += [(child, deeper) for child in part.children if isinstance(child, Tree)]
    return deepest


def _explained(error: UnexpectedInput, text: str) -> BadQuery:
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        at_the_end = token.type == "$END"
        column = len(text.rstrip()) + 1 if at_the_end else column_of(token)
        expected = _phrase(error.accepts or error.expected)
        return refuse(column, "the end" if at_the_end else str(token), expected)
    begin = int(error.pos_in_stream or 0)
    column, found = begin + 1, text[begin : begin + 21]
    if isinstance(error, UnexpectedCharacters) and found[:1] in {'"', "'"}:
        return refuse(column, found, f"a closing {found[0]} to this quotation")
    return refuse(
        column, found, "a field, a value or a comparison; put other characters into quotation marks"
    )


def _phrase(terminals: set[str]) -> str:
    if "OP" in terminals:  # behind a name, where a call or a quotation would be guesses
        terminals = {"OP"}
    words = [word for terminal, word in _EXPECTED.items() if terminal in terminals]
    return " or ".join(words) or "the end"
