"""Columns as files, piece by piece: CSV, JSON and NDJSON with exact numbers, Parquet and Arrow with real NaN and ±∞."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic_core import to_json

from core.errors import Problem
from service.errors import NotInstalled
from service.wire.answer import instant
from store.query.extracts import Columns, Heading
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
NUMBERS_AS_WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def encode(form: FileFormat, headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
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
        columns = [_texts(heading.kind, piece[heading.name]) for heading in headings]
        yield "".join([",".join(row) + "\r\n" for row in zip(*columns, strict=True)]).encode()


def _texts(kind: Kind, column: Sequence[Any]) -> list[str]:
    """The cells of a column; nothing where there is nothing."""
    if kind is Kind.REAL:
        texts = ["" if value is None else repr(value) for value in column]
        return [NUMBERS_AS_WORDS.get(text, text) for text in texts]
    known = {value: _text(kind, value) for value in set(column)}
    return [known[value] for value in column]


def _text(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    match kind:
        case Kind.TEXT:
            return _quoted(value)
        case Kind.TIME:
            return instant(value).isoformat()
        case Kind.FLAG:
            return "true" if value else "false"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()


def _rows(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[Iterator[bytes]]:
    """The rows of each piece as JSON."""
    names = [heading.name for heading in headings]
    for piece in pieces:
        columns = [_valued(heading.kind, piece[heading.name]) for heading in headings]
        rows = zip(*columns, strict=True)
        yield (to_json(dict(zip(names, row, strict=True)), inf_nan_mode="strings") for row in rows)


def _valued(kind: Kind, column: Sequence[Any]) -> Sequence[Any]:
    return [None if at is None else instant(at) for at in column] if kind is Kind.TIME else column


def _ndjson(headings: Sequence[Heading], pieces: Iterable[Columns]) -> Iterator[bytes]:
    for rows in _rows(headings, pieces):
        yield b"".join(row + b"\n" for row in rows)


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
    with pa.parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
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
        pa.array(_valued(heading.kind, piece[heading.name]), type=field.type, from_pandas=False)
        for heading, field in zip(headings, schema, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)
