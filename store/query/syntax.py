"""The parts of a filter's parse tree: tokens and calls, with their columns and text."""

import re
from typing import Any, TypeAlias

from lark import Token, Tree

from store.query.errors import syntax_error

Part: TypeAlias = Tree[Any] | Token
"""An operand as parsed: a token, or a call of a function."""

_WRAPPERS = {"start", "conjunction", "alone"}
"""Rules around a lone operand between parentheses."""


def column_of(part: Part) -> int:
    """The 1-based column at which a part starts."""
    token = call_parts(part)[0] if isinstance(part, Tree) else part
    return (token.start_pos or 0) + 1


def shown(part: Part) -> str:
    """The part as messages show it."""
    return f"{call_parts(part)[0]}(...)" if isinstance(part, Tree) else str(part)


def unquote(token: Token) -> str:
    """The text of a token; in quotation marks, a backslash escapes the next character."""
    if token.type == "STRING":
        return re.sub(r"\\(.)", r"\1", str(token)[1:-1], flags=re.DOTALL)
    return str(token)


def require_token(part: Part, expected: str) -> Token:
    """The part if it is a token; raises BadQuery for a call."""
    if isinstance(part, Tree):
        raise syntax_error(column_of(part), shown(part), expected)
    return part


def call_parts(call: Tree[Any]) -> tuple[Token, Tree[Any] | None]:
    """The name of a called function, and the filter between its parentheses if it has one."""
    name, *arguments = call.children
    assert isinstance(name, Token)  # noqa: S101  # by the grammar
    return name, arguments[0] if arguments else None


def sole_operand(argument: Tree[Any] | None) -> Part | None:
    """A call's argument if it is a single operand; otherwise None or a larger tree."""
    part: Part | None = argument
    while isinstance(part, Tree) and part.data in _WRAPPERS and len(part.children) == 1:
        part = part.children[0]
    return part
