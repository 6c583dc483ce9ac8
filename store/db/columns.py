"""Types and defaults of columns that SQLAlchemy lacks."""

from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement


class LossyText(TypeDecorator[str]):
    """Text such as a log, with the characters that PostgreSQL can't store replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's hook
        """Replaces NUL and lone surrogates."""
        if value is None:
            return None
        without_nul = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return without_nul.encode(errors="replace").decode()


class OnPostgresql(ColumnElement[int]):
    """A default that PostgreSQL computes; 0 on SQLite."""

    inherit_cache = True

    def __init__(self, sql: str) -> None:
        self.sql = sql


@compiles(OnPostgresql)
def _compile(element: OnPostgresql, compiler: SQLCompiler, **_options: Any) -> str:
    return element.sql if compiler.dialect.name == "postgresql" else "0"
