"""Fields of the spec that stand in columns of their own, and in one index from the newest on: those mostly asked about.

Whoever filters or orders by one of them looks through that index; by another field, at the spec of
every experiment.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Double, Text
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeEngine

INDEXED_FIELDS: Mapping[str, type[TypeEngine[Any]]] = MappingProxyType({
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
})  # fmt: skip
"""Their types, by name."""


def column_name(field: str) -> str:
    """What the column of a field is called."""
    return f"spec_{field.replace('.', '_')}"


def columns() -> list[Column[Any]]:
    """The columns, which fill themselves from the spec when a row is inserted; null where it has no such field."""
    return [
        Column(column_name(field), kind, default=_read_from(field.split(".")))
        for field, kind in INDEXED_FIELDS.items()
    ]


def _read_from(path: list[str]) -> Any:
    def value(context: Any) -> Any:  # SQLAlchemy's DefaultExecutionContext
        part = context.get_current_parameters()["spec"]
        for name in path:
            part = part.get(name) if isinstance(part, Mapping) else None
        return part

    return value
