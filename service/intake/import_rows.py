"""Rows of an imported file: CSV, JSON or NDJSON, read to values by their dotted paths.

A row is numbered as an editor shows it: by the line on which it starts, and in a JSON list by its
place, counted from 1.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.errors import Problem, SpecError
from core.spec.explain import shorten
from core.spec.paths import flatten
from core.spec.text import describe_syntax_error, parse_json
from service.http.cells import as_given
from service.schemas.imports import MAX_COLUMNS
from store.query.export_rows import SPEC

FORMATS = (".csv", ".json", ".ndjson")
MAX_ROWS = 250_000
"""Most rows of a file, each a run or a recorded point."""

_MAX_PARTS = 4 * MAX_ROWS
"""Most lists, objects and strings of a file in JSON."""

BYTE_ORDER_MARK = "\ufeff"
"""Excel writes it at the start of a file."""

TEXTS = frozenset({"name", "notes", "tags", "outcome", "experiment"})
"""Columns of text, which is no number even if it looks like one."""

Row = Mapping[str, Any]
NumberedRow = tuple[int, Row]
Meanings = Mapping[str, str | None]


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
"""A number in JSON; the group is empty for a whole one."""

_NO_OBJECTS = "it should be a list of objects, one for each run or point"


def read_rows(name: str, content: str, meanings: Meanings) -> list[NumberedRow]:
    """Reads the rows of a file, each with its number.

    Args:
        name: Name of the file; its extension gives the format.
        content: Content of the file.
        meanings: Names of columns that mean something else, or nothing (None).

    Raises:
        SpecError: The format is unknown, the content does not have it, or two columns have the
            same meaning.
    """
    extension = name[name.rfind(".") :].lower() if "." in name else ""
    content = content.removeprefix(BYTE_ORDER_MARK)
    try:
        match extension:
            case ".csv":
                return list(_csv_rows(content, meanings))
            case ".json":
                items = _items(parse_json(content, most=_MAX_PARTS))
                _refuse_too_many(len(items), MAX_ROWS, "rows")
                return list(_object_rows(enumerate(items, 1), meanings))
            case ".ndjson":
                _refuse_too_many(content.count("\n"), MAX_ROWS + 1, "lines")
                lines = enumerate(content.split("\n"), 1)
                objects = ((number, parse_json(line)) for number, line in lines if line.strip())
                return list(_object_rows(objects, meanings))
    except (ValueError, csv.Error, RecursionError) as error:
        message = f"is not valid {extension[1:].upper()}: {describe_syntax_error(error)}"
        raise SpecError([Problem("/content", "not_readable", message)]) from None
    message = "should end in the extension of a supported format"
    raise SpecError(
        [Problem("/file", "unknown_format", message, shorten(name), ", ".join(FORMATS))]
    )


def _csv_rows(content: str, meanings: Meanings) -> Iterator[NumberedRow]:
    _refuse_too_many(content.count("\n"), MAX_ROWS + 1, "lines")
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    header = [as_given(name.strip()) for name in next(reader, [])]
    _refuse_too_many(len(header), MAX_COLUMNS, "columns")
    if len(set(header)) < len(header):
        twice = next(name for place, name in enumerate(header) if name in header[:place])
        raise ValueError(f"the column {shorten(twice)} appears twice")
    columns = [
        (place, meaning, _text if meaning in TEXTS else _value)
        for place, meaning in _renamed(header, meanings)
    ]
    line = reader.line_num + 1
    for cells in reader:
        if cells:
            if len(cells) != len(header):
                raise ValueError(f"row {line} has {len(cells)} cells, and the header {len(header)}")
            yield line, {name: read(cells[place]) for place, name, read in columns}
        line = reader.line_num + 1


def _renamed(names: Sequence[str], meanings: Meanings) -> Iterator[tuple[int, str]]:
    """The place and meaning of each column that means something.

    Raises:
        SpecError: Two columns have the same meaning.
    """
    seen = set()
    for place, name in enumerate(names):
        meaning = meanings.get(name, name)
        if meaning in seen:
            message = f"two columns mean {meaning!r}; leave one out with null"
            raise SpecError([Problem("/columns", "twice", message, shorten(name))])
        if meaning is not None:
            seen.add(meaning)
            yield place, meaning


def _text(cell: str) -> str | None:
    return as_given(cell) or None


def _value(cell: str) -> Any:
    """A cell's value: JSON if it is (number, true, false, list), None if empty, else its text."""
    text = cell.strip()
    try:
        if number := _NUMBER.fullmatch(text):  # most cells are one, and a parser is slow
            return float(text) if number[1] else int(text)
        return parse_json(text) if text else None
    except (ValueError, RecursionError):
        return as_given(text)


def _refuse_too_many(count: int, most: int, what: str) -> None:
    if count > most:
        raise ValueError(f"it has more than {most} {what}; split it into several files")


def _items(content: Any) -> list[Any]:
    """The list of rows, or of whole experiments, in a JSON document."""
    items = content.get("rows", content.get("items")) if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise ValueError(_NO_OBJECTS)  # noqa: TRY004  # as json.loads does
    return items


def _object_rows(objects: Iterator[tuple[int, Any]], meanings: Meanings) -> Iterator[NumberedRow]:
    for number, content in objects:
        if not isinstance(content, dict):
            raise ValueError(_NO_OBJECTS)  # noqa: TRY004  # as json.loads does
        for given in _runs(content):
            spec = {SPEC: given[SPEC]} if SPEC in given else {}
            row = dict(flatten({name: given[name] for name in given if name != SPEC})) | spec
            names = list(row)
            yield (
                number,
                {meaning: row[names[place]] for place, meaning in _renamed(names, meanings)},
            )


def _runs(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The ended runs of a whole experiment as rows; anything else is a row itself."""
    spec, runs = content.get(SPEC), content.get("runs")
    if not isinstance(spec, dict) or not isinstance(runs, list):
        yield content
        return
    for run in runs:
        if isinstance(run, dict) and run.get("outcome") is not None:
            summary = run.get("summary") or {}
            ended = {name: run.get(name) for name in ("seed", "outcome", "steps")}
            yield {"experiment": content.get("id"), SPEC: spec, **ended, **summary}
