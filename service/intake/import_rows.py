"""Rows of an imported file: CSV, JSON or NDJSON, read to values by their dotted paths."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from core.errors import Problem, SpecError
from core.spec.explain import shorten
from core.spec.paths import flatten

FORMATS = (".csv", ".json", ".ndjson")
BYTE_ORDER_MARK = "\ufeff"
"""Excel writes it at the start of a file."""

Row = Mapping[str, Any]


def read_rows(name: str, content: str) -> list[Row]:
    """Reads the rows of a file; the extension of its ``name`` gives its format.

    Raises:
        SpecError: The format is unknown, or the content does not have it.
    """
    extension = name[name.rfind(".") :].lower() if "." in name else ""
    content = content.removeprefix(BYTE_ORDER_MARK)
    try:
        match extension:
            case ".csv":
                return _csv_rows(content)
            case ".json":
                return _object_rows(json.loads(content))
            case ".ndjson":
                lines = (line for line in content.splitlines() if line.strip())
                return _object_rows([json.loads(line) for line in lines])
    except (ValueError, csv.Error, RecursionError) as error:
        message = f"is not valid {extension[1:].upper()}: {error}"
        raise SpecError([Problem("/content", "not_readable", message)]) from None
    message = "should end in the extension of a supported format"
    raise SpecError(
        [Problem("/file", "unknown_format", message, shorten(name), ", ".join(FORMATS))]
    )


def rename_columns(row: Row, meanings: Mapping[str, str | None]) -> Row:
    """Renames columns to their meanings; drops those whose meaning is None.

    Raises:
        SpecError: Two columns have the same meaning.
    """
    renamed: dict[str, Any] = {}
    for name, value in row.items():
        meaning = meanings.get(name, name)
        if meaning in renamed:
            message = f"two columns mean {meaning!r}; leave one out with null"
            raise SpecError([Problem("/columns", "twice", message, shorten(name))])
        if meaning is not None:
            renamed[meaning] = value
    return renamed


def _csv_rows(content: str) -> list[Row]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header = [name.strip() for name in next(reader, [])]
    for name in header:
        if header.count(name) > 1:
            raise ValueError(f"the column {name!r} appears twice")
    rows: list[Row] = []
    for number, cells in enumerate(line for line in reader if line):
        if len(cells) != len(header):
            raise ValueError(f"row {number} has {len(cells)} cells, and the header {len(header)}")
        rows.append({name: _cell_value(cell) for name, cell in zip(header, cells, strict=True)})
    return rows


def _cell_value(cell: str) -> Any:
    """A cell's value: JSON if it is (number, true, false, list), None if empty, else its text."""
    text = cell.strip()
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _object_rows(content: Any) -> list[Row]:
    rows = content.get("rows") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it should be a list of objects, one for each run or point")
    return [dict(flatten(row)) for row in rows]
