"""Comma-separated values (RFC 4180) with exact numbers.

Non-finite numbers are words, missing values empty. ``safe`` text is not computed by a spreadsheet
(:mod:`service.http.cells`).
"""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from service.http.cells import as_text
from service.schemas.base import instant, to_json
from store.arrays import packed
from store.query.fields import Kind

JSON_KINDS = frozenset({Kind.REAL, Kind.WHOLE, Kind.FLAG})
"""Kinds whose values are serialised as JSON, a whole column at once.

CSV differs only in missing values and in the quotes around non-finite numbers.
"""


class CsvColumn(NamedTuple):
    """A column of a table: its name, the kind of its values, and the values by row."""

    name: str
    kind: Kind
    values: Sequence[Any] | np.ndarray


def table(columns: Sequence[CsvColumn], *, safe: bool = False) -> bytes:
    """A whole table: the header, then a line for each row."""
    return header((column.name for column in columns), safe=safe) + lines(columns, safe=safe)


def header(names: Iterable[str], *, safe: bool = False) -> bytes:
    """The first line: the names of the columns."""
    return ",".join(quote(name, safe=safe) for name in names).encode() + b"\r\n"


def lines(columns: Sequence[CsvColumn], *, safe: bool = False) -> bytes:
    """A line for each row, without the header."""
    blocks = [
        _joined_cells(list(block), written_as_json=written_as_json, safe=safe)
        for written_as_json, block in itertools.groupby(
            columns, lambda column: column.kind in JSON_KINDS
        )
    ]
    return b"".join([b",".join(cells) + b"\r\n" for cells in zip(*blocks, strict=True)])


def quote(text: str, *, safe: bool = False) -> str:
    """Text as one cell, quoted if it has to be."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow([as_text(text) if safe else text])
    return line.getvalue()


def any_value(value: Any) -> str:
    """The text of a value of any JSON type: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else to_json(value).decode().strip('"')


def encode_distinct(values: Sequence[Any], encode: Callable[[Any], bytes]) -> list[bytes]:
    """The encoded values; equal values are encoded once."""
    encoded = {value: encode(value) for value in set(values)}
    return [encoded[value] for value in values]


def listed(values: Sequence[Any] | np.ndarray) -> Sequence[Any]:
    """The values as Python's own types, None where they are missing."""
    return packed.listed(values) if isinstance(values, np.ndarray) else values


def _joined_cells(
    columns: Sequence[CsvColumn], *, written_as_json: bool, safe: bool
) -> Sequence[bytes]:
    """The cells of adjoining columns, joined by row; serialising whole blocks is much faster."""
    values = [listed(column.values) for column in columns]
    if written_as_json:
        rows = to_json(list(zip(*values, strict=True)))[2:-2]
        return rows.translate(None, b'"').replace(b"null", b"").split(b"],[") if values[0] else []
    cells = [
        encode_distinct(column_values, partial(_text_cell, column.kind, safe=safe))
        for column, column_values in zip(columns, values, strict=True)
    ]
    return [b",".join(row) for row in zip(*cells, strict=True)]


def _text_cell(kind: Kind, value: Any, *, safe: bool) -> bytes:
    if value is None:
        return b""
    return quote(value if kind is Kind.TEXT else instant(value).isoformat(), safe=safe).encode()
