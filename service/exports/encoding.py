"""Columns as files, piece by piece: CSV, JSON and NDJSON with exact numbers, Parquet and Arrow with real NaN and ±∞."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from pydantic_core import to_json

from core.errors import Problem
from service.http.errors import NotInstalled
from service.schemas.base import instant
from store.query.export_rows import Columns, Heading
from store.query.fields import Kind

FileFormat = Literal["csv", "json", "ndjson", "parquet", "arrow"]

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "text/csv",
        "json": "application/json",
        "ndjson": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
        "arrow": "application/vnd.apache.arrow.stream",
    }
)

_AS_IN_JSON = frozenset({Kind.REAL, Kind.WHOLE, Kind.FLAG})
"""What is the same in CSV as in JSON, but for what is missing, and the quotes around NaN and
infinities."""


def encode(
    form: FileFormat, headings: Sequence[Heading], pieces: Iterable[Columns]
) -> Iterator[bytes]:
    """The pieces of a file, one for each piece of the columns, and its ends.

    Raises:
        NotInstalled: Parquet or Arrow is wanted where pyarrow isn't installed.
    """
    writers: Mapping[str, Callable[[Sequence[Heading], Iterable[Columns]], Iterator[bytes]]] = {
        "csv": _csv,
        "json": _json,
        "ndjson": _ndjson,
        "parquet": _parquet,
        "arrow": _arrow,
    }
    if form in {"parquet", "arrow"}:
        pyarrow()
    return writers[form](headings, pieces)


def documents(form: Literal["json", "ndjson"], items: Iterable[bytes]) -> Iterator[bytes]:
    """JSON documents as one list, or a line each."""
    if form == "ndjson":
        yield from (item + b"\n" for item in items)
        return
    yield b'{"items":['
    for number, item in enumerate(items):
        yield b"," + item if number else item
    yield b'],"next":null}'


def pyarrow() -> Any:
    """The library that writes Parquet and Arrow; raises NotInstalled."""
    try:
        import pyarrow  # noqa: PLC0415  # of an extra, and heavy
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        message = "Parquet and Arrow need pyarrow on the server: pip install 'extrapolab[export]'; or take csv"
        raise NotInstalled(Problem("/query/format", "not_installed", message)) from None
    return pyarrow


def _csv(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    yield ",".join(_quoted(heading.name) for heading in headings).encode() + b"\r\n"
    for piece in pieces:
        blocks = [
            _block(list(some), piece)
            for _, some in itertools.groupby(headings, lambda h: h.kind in _AS_IN_JSON)
        ]
        yield b"".join([b",".join(row) + b"\r\n" for row in zip(*blocks, strict=True)])


def _block(headings: Sequence[Heading], piece: Columns) -> Sequence[bytes]:
    """The cells of adjoining columns that are all as in JSON, or not, joined by row; nothing where there is nothing."""
    columns = [_listed(piece[heading.name]) for heading in headings]
    if headings[0].kind in _AS_IN_JSON:
        rows = to_json(list(zip(*columns, strict=True)), inf_nan_mode="strings")[2:-2]
        return rows.translate(None, b'"').replace(b"null", b"").split(b"],[") if columns[0] else []
    cells = [
        _known(column, partial(_cell, heading.kind))
        for heading, column in zip(headings, columns, strict=True)
    ]
    return [b",".join(row) for row in zip(*cells, strict=True)]


def _cell(kind: Kind, value: Any) -> bytes:
    if value is None:
        return b""
    return _quoted(value if kind is Kind.TEXT else instant(value).isoformat()).encode()


def _known(column: Sequence[Any], write: Callable[[Any], bytes]) -> list[bytes]:
    """What a column's values are written as; each of them is written once."""
    known = {value: write(value) for value in set(column)}
    return [known[value] for value in column]


def _listed(column: Sequence[Any] | np.ndarray) -> Sequence[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else column


def _quoted(text: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()


def _rows(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[Iterator[bytes]]:
    """The rows of each piece as JSON."""
    names = (to_json(heading.name).replace(b"%", b"%%") for heading in headings)
    row = b"{" + b",".join(name + b":%b" for name in names) + b"}"
    for piece in pieces:
        columns = [_tokens(heading.kind, _listed(piece[heading.name])) for heading in headings]
        yield map(row.__mod__, zip(*columns, strict=True))


def _tokens(kind: Kind, column: Sequence[Any]) -> list[bytes]:
    """A column's values as JSON."""
    if kind in _AS_IN_JSON:
        return to_json(column, inf_nan_mode="strings")[1:-1].split(b",") if column else []
    return _known(
        column,
        lambda value: to_json(value if kind is Kind.TEXT or value is None else instant(value)),
    )


def _ndjson(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    for rows in _rows(headings, pieces):
        yield b"".join([row + b"\n" for row in rows])


def _json(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    yield b'{"items":['
    first = True
    for rows in _rows(headings, pieces):
        content = b",".join(rows)
        if content:
            yield content if first else b"," + content
            first = False
    yield b'],"next":null}'


class Sink(io.RawIOBase):
    """A file that is only written, and hands out what was."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keeps it until it is taken."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def _parquet(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    pa, schema, sink = pyarrow(), _schema(headings), Sink()
    words = [
        heading.name for heading in headings if heading.kind is Kind.TEXT
    ]  # numbers hardly recur
    with pa.parquet.ParquetWriter(
        pa.PythonFile(sink, mode="w"), schema, use_dictionary=words
    ) as writer:
        for piece in pieces:
            writer.write_batch(_batch(schema, headings, piece))
            yield sink.take()
    yield sink.take()


def _arrow(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    pa, schema, sink = pyarrow(), _schema(headings), Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
        for piece in pieces:
            writer.write_batch(_batch(schema, headings, piece))
            yield sink.take()
    yield sink.take()


def _schema(headings: Sequence[Heading]) -> Any:
    pa = pyarrow()
    types = {
        Kind.REAL: pa.float64(),
        Kind.WHOLE: pa.int64(),
        Kind.TEXT: pa.string(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    return pa.schema([(heading.name, types[heading.kind]) for heading in headings])


def _batch(schema: Any, headings: Sequence[Heading], piece: Columns) -> Any:
    pa = pyarrow()
    arrays = [
        pa.array(_timed(heading.kind, piece[heading.name]), type=field.type, from_pandas=False)
        for heading, field in zip(headings, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _timed(kind: Kind, column: Sequence[Any] | np.ndarray) -> Sequence[Any] | np.ndarray:
    return [None if at is None else instant(at) for at in column] if kind is Kind.TIME else column
