"""Text compared byte by byte on both databases, whatever PostgreSQL's default collation."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class bytewise(FunctionElement[str]):  # noqa: N801  # reads as a SQL function
    """Its argument, ordered by UTF-8 bytes; only ASCII letters have case."""

    inherit_cache = True
    type = String()

    def __init__(self, text: ColumnElement[Any]) -> None:
        super().__init__(text)


@compiles(bytewise)
def _compile(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(bytewise, "postgresql")
def _compile_for_postgresql(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'
