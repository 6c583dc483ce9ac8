"""The most queried fields of the spec, stored in columns that one index covers.

The index has state, owner, kind of failure and device, too. Filters, orders and counts by these
fields scan it. By any other field, they read the spec of every experiment.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Double, Text
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeEngine

from core.spec.paths import value_at

INDEXED_FIELDS: Mapping[str, type[TypeEngine[Any]]] = MappingProxyType(
    {
        "teacher.kind": Text,
        "teacher.dim": BigInteger,
        "student.kind": Text,
        "student.dim": BigInteger,
        "student.structure": Text,
        "student.start.kind": Text,
        "student.start.scale": Double,
        "training.length": BigInteger,
        "optimizer.kind": Text,
        "optimizer.lr": Double,
        "optimizer.steps": BigInteger,
    }
)
"""The column type of each field."""


def column_name(field: str) -> str:
    """The name of a field's column."""
    return f"spec_{field.replace('.', '_')}"


def columns() -> list[Column[Any]]:
    """New columns, filled from the spec at INSERT; NULL if the spec lacks the field."""
    return [
        Column(column_name(field), type_, default=_reader(field))
        for field, type_ in INDEXED_FIELDS.items()
    ]


def _reader(field: str) -> Callable[[Any], Any]:
    def read(context: Any) -> Any:  # SQLAlchemy's DefaultExecutionContext
        return value_at(context.get_current_parameters()["spec"], field)

    return read
