"""Text compared byte by byte on both databases, whatever the collation of PostgreSQL's."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class plain(FunctionElement[str]):  # noqa: N801  # reads as a function of SQL
    """Its argument, in the order of its bytes (of UTF-8, so of code points); ASCII's letters have two cases."""

    inherit_cache = True
    type = String()

    def __init__(self, text: ColumnElement[Any]) -> None:
        super().__init__(text)


@compiles(plain)
def _as_it_is(element: plain, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(plain, "postgresql")
def _collated(element: plain, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'
