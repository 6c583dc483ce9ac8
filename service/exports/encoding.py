"""Encodes columns as files, batch by batch: CSV, JSON, NDJSON, Parquet and Arrow.

CSV, JSON and NDJSON have exact numbers, and words for NaN and ±∞; Parquet and Arrow have the real
ones. A missing value is an empty cell in CSV, and null elsewhere. ``arrow`` is the Arrow file
format, and ``arrows`` the Arrow stream. Parquet and Arrow files end with a footer that says where
their parts are, so a reader refuses a truncated one.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from core.errors import Problem
from service.exports import csv_lines
from service.exports.csv_lines import CsvColumn
from service.http.errors import NotInstalled
from service.schemas.base import instant, to_json
from store.arrays.packed import is_missing
from store.query.export_rows import Column, RecordBatch
from store.query.fields import Kind

FileFormat = Literal["csv", "json", "ndjson", "parquet", "arrow", "arrows"]

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "text/csv",
        "json": "application/json",
        "ndjson": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
        "arrow": "application/vnd.apache.arrow.file",
        "arrows": "application/vnd.apache.arrow.stream",
    }
)


def encode(
    form: FileFormat,
    columns: Sequence[Column],
    batches: Iterable[RecordBatch],
    *,
    safe: bool = False,
) -> Iterator[bytes]:
    """The parts of a file: one for each batch, and its start and end.

    ``safe`` CSV has no text that a spreadsheet computes.

    Raises:
        NotInstalled: The format needs pyarrow, which isn't installed.
    """
    encoders: Mapping[str, Callable[[Sequence[Column], Iterable[RecordBatch]], Iterator[bytes]]] = {
        "csv": partial(_csv, safe=safe),
        "json": _json,
        "ndjson": _ndjson,
        "parquet": _parquet,
        "arrow": _arrow_file,
        "arrows": _arrow_stream,
    }
    if form in {"parquet", "arrow", "arrows"}:
        pyarrow()
    return encoders[form](columns, batches)


def documents(form: Literal["json", "ndjson"], items: Iterable[bytes]) -> Iterator[bytes]:
    """JSON documents as one list, or as one line each."""
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
        message = (
            "Parquet and Arrow need pyarrow on the server (pip install 'extrapolab[export]'); "
            "CSV does not"
        )
        raise NotInstalled(Problem("/query/format", "not_installed", message)) from None
    return pyarrow


class WriteBuffer(io.RawIOBase):
    """A write-only file whose content is taken out while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0
        """Bytes written since they were last taken."""

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, data: Any) -> int:
        """Keeps a copy of ``data`` until it is taken."""
        self._parts.append(bytes(data))
        self.size += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Everything written since the last call."""
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken


def _csv(
    columns: Sequence[Column], batches: Iterable[RecordBatch], *, safe: bool
) -> Iterator[bytes]:
    yield csv_lines.header((column.name for column in columns), safe=safe)
    for batch in batches:
        cells = [CsvColumn(column.name, column.kind, batch[column.name]) for column in columns]
        yield csv_lines.lines(cells, safe=safe)


def _json(columns: Sequence[Column], batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    yield b'{"items":['
    is_first = True
    for rows in _json_rows(columns, batches):
        content = b",".join(rows)
        if content:
            yield content if is_first else b"," + content
            is_first = False
    yield b'],"next":null}'


def _ndjson(columns: Sequence[Column], batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    for rows in _json_rows(columns, batches):
        yield b"".join([row + b"\n" for row in rows])


def _json_rows(
    columns: Sequence[Column], batches: Iterable[RecordBatch]
) -> Iterator[Iterator[bytes]]:
    """The rows of each batch as JSON objects."""
    names = (to_json(column.name).replace(b"%", b"%%") for column in columns)
    template = b"{" + b",".join(name + b":%b" for name in names) + b"}"
    for batch in batches:
        cells = [_json_values(column.kind, batch[column.name]) for column in columns]
        yield map(template.__mod__, zip(*cells, strict=True))


def _json_values(kind: Kind, column: Sequence[Any] | np.ndarray) -> list[bytes]:
    values = csv_lines.listed(column)
    if kind in csv_lines.JSON_KINDS:
        return to_json(values)[1:-1].split(b",") if values else []
    return csv_lines.encode_distinct(
        values,
        lambda value: to_json(value if kind is Kind.TEXT or value is None else instant(value)),
    )


def _parquet(columns: Sequence[Column], batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    pa, schema, buffer = pyarrow(), _schema(columns), WriteBuffer()
    # a dictionary pays for words only: numbers hardly recur
    words = [column.name for column in columns if column.kind is Kind.TEXT]
    with pa.parquet.ParquetWriter(
        pa.PythonFile(buffer, mode="w"), schema, use_dictionary=words
    ) as writer:
        for batch in batches:
            writer.write_batch(_record_batch(schema, columns, batch))
            yield buffer.take()
    yield buffer.take()


def _arrow_file(columns: Sequence[Column], batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    return _arrow(pyarrow().ipc.new_file, columns, batches)


def _arrow_stream(columns: Sequence[Column], batches: Iterable[RecordBatch]) -> Iterator[bytes]:
    return _arrow(pyarrow().ipc.new_stream, columns, batches)


def _arrow(
    open_writer: Callable[..., Any], columns: Sequence[Column], batches: Iterable[RecordBatch]
) -> Iterator[bytes]:
    pa, schema, buffer = pyarrow(), _schema(columns), WriteBuffer()
    with open_writer(pa.PythonFile(buffer, mode="w"), schema) as writer:
        for batch in batches:
            writer.write_batch(_record_batch(schema, columns, batch))
            yield buffer.take()
    yield buffer.take()


def _schema(columns: Sequence[Column]) -> Any:
    pa = pyarrow()
    types = {
        Kind.REAL: pa.float64(),
        Kind.WHOLE: pa.int64(),
        Kind.TEXT: pa.string(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.FLAG: pa.bool_(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in columns])


def _record_batch(schema: Any, columns: Sequence[Column], batch: RecordBatch) -> Any:
    pa = pyarrow()
    arrays = [
        _arrow_array(column.kind, batch[column.name], field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _arrow_array(kind: Kind, column: Sequence[Any] | np.ndarray, arrow_type: Any) -> Any:
    missing = is_missing(column) if isinstance(column, np.ndarray) else None
    values = _with_instants(kind, column)
    return pyarrow().array(values, type=arrow_type, mask=missing, from_pandas=False)


def _with_instants(kind: Kind, column: Sequence[Any] | np.ndarray) -> Sequence[Any] | np.ndarray:
    if kind is not Kind.TIME:
        return column
    return [None if seconds is None else instant(seconds) for seconds in column]
