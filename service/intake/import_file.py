"""A file of runs that were computed elsewhere, read to experiments: a row for each run, or for each recorded point.

Columns are named as everywhere: the spec's fields by their paths, ``seed``, ``outcome``, ``steps``,
metrics; where there is a ``step``, rows are points, and the last of a run says how it ended.
Nothing is guessed: what a run did not record is missing, and what says how it ended has to be
there.
"""

import contextlib
import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.errors import Problem, SpecError
from core.result import METRICS, SERIES, Outcome
from core.spec import METADATA, ExperimentSpec, explain
from core.spec.explain import shorten
from store.arrays.packed import COLUMNS
from store.experiments.draft import Draft
from store.experiments.imports import ImportedRuns
from store.query.errors import nearest
from store.query.fields import FIELDS
from store.records import RunRecord

FORMATS = (".csv", ".json", ".ndjson")

OF_A_RUN = ("seed", "outcome", "steps", "step")
MOST_EXPERIMENTS = 2_000
MOST_PROBLEMS = 20

Row = Mapping[str, Any]
_PARTS = frozenset(ExperimentSpec.model_fields) - METADATA - {"seeds"}
_NAMES = (
    *OF_A_RUN,
    *METRICS,
    *sorted(METADATA),
    *(name for name, field in FIELDS.items() if field.path),
)
_OF_A_LAB = {"experiment", *(name for name, field in FIELDS.items() if not field.path)} - {*_NAMES}
"""What an export says of experiments in the lab that it comes from, which is nothing to this one.
"""

_ALLOWED = f"{', '.join(OF_A_RUN)}, metrics, and fields of the spec by their paths (GET /v1/fields lists all)"
_CONTENT = "/content"


class _Problems(list[Problem]):
    """What is wrong with a file, told all at once."""

    def note(
        self, row: int | None, column: str, code: str, message: str, given: object = None
    ) -> None:
        """One thing, with its place."""
        where = _CONTENT if row is None else f"{_CONTENT}/{row}/{column}"
        self.append(Problem(where, code, message, None if given is None else shorten(given)))

    def settle(self) -> None:
        """Raises SpecError if there are any."""
        if self:
            rest = len(self) - MOST_PROBLEMS
            more = [Problem(_CONTENT, "more", f"and {rest} more like these")] if rest > 0 else []
            raise SpecError([*self[:MOST_PROBLEMS], *more])


def read(
    name: str,
    content: str,
    base: Mapping[str, Any],
    columns: Mapping[str, str | None],
    tags: Sequence[str],
) -> list[ImportedRuns]:
    """The experiments in a file, in the order in which they come.

    Args:
        name: The file's; its ending says how it is written.
        content: What it holds.
        base: What all rows have in common, a spec in parts or by paths; a row's own values go
            before.
        columns: What columns of other names mean; None for those that mean nothing context.
        tags: Of all experiments, behind those of a row.

    Raises:
        SpecError: The file isn't understood; every problem is named with its row, the first one
            being 0.
    """
    problems = _Problems()
    meanings = {**dict.fromkeys(_OF_A_LAB), **columns}
    rows = [
        _renamed(row, meanings) for row in _rows(name, content.removeprefix("\ufeff"))
    ]  # as Excel begins a file
    shared = {name: value for name, value in _flat(base) if value is not None}
    if not rows:
        problems.note(None, "", "empty", "holds no run")
    problems.settle()
    _check_names([*dict.fromkeys(column for row in rows for column in row)], shared, problems)
    problems.settle()
    groups: dict[str, list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows):
        whole = {**shared, **{column: value for column, value in row.items() if value is not None}}
        setup = {
            column: value for column, value in whole.items() if column.partition(".")[0] in _PARTS
        }
        groups.setdefault(json.dumps(setup, sort_keys=True), []).append((number, whole))
    if len(groups) > MOST_EXPERIMENTS:
        problems.note(
            None,
            "",
            "too_many",
            f"holds {len(groups)} experiments, and should at most {MOST_EXPERIMENTS}",
        )
    problems.settle()
    found = [
        _experiment(json.loads(setup), members, tags, problems) for setup, members in groups.items()
    ]
    problems.settle()
    return [one for one in found if one is not None]


def _rows(name: str, content: str) -> list[Row]:
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    try:
        match ending:
            case ".csv":
                return _csv(content)
            case ".json":
                return _objects(json.loads(content))
            case ".ndjson":
                return _objects([json.loads(line) for line in content.splitlines() if line.strip()])
    except (ValueError, csv.Error, RecursionError) as error:
        raise SpecError(
            [Problem(_CONTENT, "not_readable", f"is no {ending[1:].upper()}: {error}")]
        ) from None
    message = "should end in what says how the file is written"
    raise SpecError(
        [Problem("/file", "unknown_format", message, shorten(name), ", ".join(FORMATS))]
    )


def _csv(content: str) -> list[Row]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    head = [name.strip() for name in next(reader, [])]
    if twice := [name for name in head if head.count(name) > 1]:
        raise ValueError(f"the column {twice[0]!r} is there twice")
    rows: list[Row] = []
    for number, cells in enumerate(line for line in reader if line):
        if len(cells) != len(head):
            raise ValueError(f"row {number} has {len(cells)} cells, and the head {len(head)}")
        rows.append({name: _value(cell) for name, cell in zip(head, cells, strict=True)})
    return rows


def _value(cell: str) -> Any:
    """A cell as JSON has it: numbers, true, false, lists; nothing is nothing, and all else text."""
    text = cell.strip()
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _objects(content: Any) -> list[Row]:
    rows = content.get("rows") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it should be a list of objects, one for each run or point")
    return [dict(_flat(row)) for row in rows]


def _flat(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Values by their paths."""
    for name, value in part.items():
        inner = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping):
            yield from _flat(value, inner)
        else:
            yield inner, value


def _renamed(row: Row, columns: Mapping[str, str | None]) -> Row:
    renamed: dict[str, Any] = {}
    for name, value in row.items():
        meaning = columns.get(name, name)
        if meaning in renamed:
            message = f"two columns mean {meaning!r}; leave one out with null"
            raise SpecError([Problem("/columns", "twice", message, shorten(name))])
        if meaning is not None:
            renamed[meaning] = value
    return renamed


def _check_names(columns: Sequence[str], shared: Row, problems: _Problems) -> None:
    for name in ("outcome", "steps"):
        if (
            name not in columns
            and name not in shared
            and not (name == "steps" and "step" in columns)
        ):
            message = f"has no column {name!r}, which says how a run ended; if all ended alike, give it in base"
            problems.note(None, "", "missing", message)
    for name in dict.fromkeys((*columns, *shared)):
        if name not in _NAMES and name.partition(".")[0] not in _PARTS:
            where, close = "/base" if name in shared else "/columns", nearest(name, _NAMES)
            message = "unknown column" + (f"; did you mean {' or '.join(close)}?" if close else "")
            problems.append(Problem(where, "unknown_column", message, shorten(name), _ALLOWED))


def _experiment(
    setup: Row, members: Sequence[tuple[int, Row]], tags: Sequence[str], problems: _Problems
) -> ImportedRuns | None:
    by_seed: dict[int, list[tuple[int, Row]]] = {}
    for place, (number, row) in enumerate(members):
        seed = row.get("seed", 0 if "step" in row else place)
        by_seed.setdefault(_whole(seed, number, "seed", problems), []).append((number, row))
    runs = [_run(seed, rows, problems) for seed, rows in by_seed.items()]
    recorded = [
        (seed, number, row)
        for seed, rows in by_seed.items()
        for number, row in rows
        if "step" in row
    ]
    points = _points(recorded, problems)
    first, own = members[0]
    described = {name: own[name] for name in METADATA if name in own}
    given = described.get("tags", [])
    described["tags"] = [*(given if isinstance(given, list) else str(given).split(",")), *tags]
    try:
        spec = ExperimentSpec.model_validate({**_nested(setup), **described, "seeds": [*by_seed]})
    except ValidationError as error:
        for problem in explain(error, ExperimentSpec):
            column = problem.pointer[1:].replace("/", ".")
            problems.append(
                Problem(
                    f"{_CONTENT}/{first}/{column}",
                    problem.code,
                    problem.message,
                    problem.given,
                    problem.allowed,
                )
            )
        return None
    return ImportedRuns(Draft.of(spec), runs, points)


def _run(seed: int, rows: Sequence[tuple[int, Row]], problems: _Problems) -> RunRecord:
    """How a run ended: its only row, or that of its last step."""
    if any("step" in row for _, row in rows):
        number, row = max(
            rows, key=lambda pair: _whole(pair[1].get("step", -1), pair[0], "step", problems)
        )
    else:
        number, row = rows[0]
        if len(rows) > 1:
            message = f"there is a run of this spec and seed in row {number}, too; tell them apart by a seed"
            problems.note(rows[1][0], "seed", "twice", message, seed)
    outcome, steps = row.get("outcome"), row.get("steps", row.get("step"))
    if outcome not in tuple(Outcome):
        message = f"should be one of {', '.join(Outcome)}"
        problems.note(number, "outcome", "unknown_outcome", message, outcome)
        outcome = Outcome.CANCELLED
    summary = {name: _number(row[name], number, name, problems) for name in METRICS if name in row}
    return RunRecord(seed, Outcome(outcome), _whole(steps, number, "steps", problems), summary)


def _points(rows: Sequence[tuple[int, int, Row]], problems: _Problems) -> Mapping[str, np.ndarray]:
    if not rows:
        return {}
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    seen: set[tuple[int, int]] = set()
    for seed, number, row in rows:
        step = _whole(row["step"], number, "step", problems)
        if (seed, step) in seen:
            problems.note(
                number, "step", "twice", "there is a point of this run and step already", step
            )
        seen.add((seed, step))
        columns["seed"].append(seed)
        columns["step"].append(step)
        for name in SERIES:
            columns[name].append(
                _number(row[name], number, name, problems) if name in row else math.nan
            )
    return {
        name: np.array(column, np.int64 if name in OF_A_RUN else np.float64)
        for name, column in columns.items()
    }


def _whole(value: Any, row: int, column: str, problems: _Problems) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= value < 2**63 and value == int(value):
        return int(value)
    problems.note(row, column, "not_whole", "should be a whole number from 0 on", value)
    return 0


def _number(value: Any, row: int, column: str, problems: _Problems) -> float:
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(value, bool):
            return float(value)  # also of "NaN", "inf", "-Infinity"
    problems.note(
        row, column, "not_a_number", "should be a number, NaN, Infinity or -Infinity", value
    )
    return math.nan


def _nested(flat: Row) -> dict[str, Any]:
    """Parts of a spec from values by their paths; a value where other paths have a part stays, and is refused."""
    whole: dict[str, Any] = {}
    for path, value in sorted(flat.items()):  # a part before what is in it
        *parts, last = path.split(".")
        place: Any = whole
        for part in parts:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place
        if isinstance(place, dict):
            place[last] = value
    return whole
