"""An imported file of runs, read to experiments: one row per run, or per recorded point.

Columns have the usual names: the spec's fields by their paths, ``seed``, ``outcome``, ``steps``,
metrics. With a column ``step``, rows are points, and a run's last point says how it ended. Nothing
is guessed: what a run did not record is missing unless it follows from the spec, and how it ended
is required. A column ``spec`` has whole specs, as a lab's export does: each is the spec of all rows
with the same ``experiment``, and the other columns of a row override it.
"""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.errors import Problem, SpecError
from core.result import METRICS, SERIES, Outcome
from core.spec import METADATA, ExperimentSpec, explain
from core.spec.explain import shorten
from core.spec.paths import flatten, nest
from core.spec.text import parse_json
from service.http.cells import as_given
from service.intake import derived_metrics
from service.intake.import_rows import NumberedRow, Row, read_rows
from store.arrays.packed import COLUMNS, MISSING
from store.experiments.draft import Draft
from store.experiments.imports import ImportedRuns
from store.query.errors import closest_names
from store.query.export_rows import SPEC, TAG_SEPARATOR
from store.query.fields import FIELDS
from store.records import RunRecord

MAX_EXPERIMENTS = 2_000
MAX_PROBLEMS = 20
MAX_NAME = 100
"""Most characters of an unknown column that are compared with known ones."""

RUN_COLUMNS = ("seed", "outcome", "steps", "step")
EXPERIMENT = "experiment"
"""The column that tells which rows of an export share a spec; it has no other meaning."""

_SPEC_PARTS = frozenset(ExperimentSpec.model_fields) - METADATA - {"seeds"}
_COLUMN_NAMES = (
    *RUN_COLUMNS,
    *METRICS,
    *sorted(METADATA),
    *(name for name, field in FIELDS.items() if field.path),
)
_EXPORT_ONLY = {name for name, field in FIELDS.items() if not field.path} - {*_COLUMN_NAMES}
"""Columns of a lab's export that mean nothing in another lab."""

_ALLOWED = f"{', '.join(RUN_COLUMNS)}, metrics, and the spec's fields (GET /v1/fields lists all)"
_CONTENT = "/content"


class _Problems(list[Problem]):
    """The problems of a file, reported all at once.

    Attributes:
        uncounted: How many further problems there are, which are not in the list.
    """

    uncounted = 0

    def add(
        self, row: int | None, column: str, code: str, message: str, given: object = None
    ) -> None:
        """Adds a problem with a cell, or with the whole file if ``row`` is None."""
        pointer = _CONTENT if row is None else f"{_CONTENT}/{row}/{column}"
        if len(self) > MAX_PROBLEMS:
            self.uncounted += 1
            return
        self.append(Problem(pointer, code, message, None if given is None else shorten(given)))

    def raise_if_any(self) -> None:
        """Raises SpecError with the first :data:`MAX_PROBLEMS`."""
        if self:
            hidden = len(self) + self.uncounted - MAX_PROBLEMS
            more = (
                [Problem(_CONTENT, "more", f"and {hidden} more like these")] if hidden > 0 else []
            )
            raise SpecError([*self[:MAX_PROBLEMS], *more])


def read(
    name: str,
    content: str,
    base: Mapping[str, Any],
    columns: Mapping[str, str | None],
    tags: Sequence[str],
    *,
    observe: Callable[[int, int], object] | None = None,
) -> list[ImportedRuns]:
    """Reads the experiments of a file, in their order.

    Args:
        name: Name of the file; its extension gives the format.
        content: Content of the file.
        base: What all rows have in common, nested or by paths; a row's own values override it.
        columns: Meanings of columns with other names; None ignores a column.
        tags: Tags for all experiments, added after those of a row.
        observe: Called with the number of rows that are done, and of all, as they are read.

    Raises:
        SpecError: The file is not valid; each problem names its row, numbered by
            :func:`service.intake.import_rows.read_rows`.
    """
    problems = _Problems()
    meanings = {**dict.fromkeys(_EXPORT_ONLY), **columns}
    rows = read_rows(name, content, meanings)
    if observe is not None:
        observe(0, len(rows))
    shared = {name: value for name, value in flatten(base) if value is not None}
    if not rows:
        problems.add(None, "", "empty", "has no runs")
    problems.raise_if_any()
    names = list(dict.fromkeys(column for _, row in rows for column in row))
    _check_names(names, shared, problems)
    problems.raise_if_any()
    if SPEC in names:
        rows = [*_with_specs(rows, problems)]
    groups = _group_by_setup(rows, shared)
    if len(groups) > MAX_EXPERIMENTS:
        message = f"has {len(groups)} experiments; the limit is {MAX_EXPERIMENTS}"
        problems.add(None, "", "too_many", message)
    problems.raise_if_any()
    experiments, done = [], 0
    for setup, members in groups.items():
        experiments.append(_experiment(json.loads(setup), members, tags, problems))
        done += len(members)
        if observe is not None:
            observe(done, len(rows))
    problems.raise_if_any()
    return [experiment for experiment in experiments if experiment is not None]


def _check_names(columns: Sequence[str], shared: Row, problems: _Problems) -> None:
    given = dict.fromkeys((*columns, *shared))
    for name in ("outcome", "steps"):
        is_given = name in given or (name == "steps" and "step" in columns)
        if not is_given:
            message = (
                f"has no column {name!r}; add one, or give the value in base if all runs share it"
            )
            problems.add(None, "", "missing", message)
    known = {*_COLUMN_NAMES, SPEC, EXPERIMENT}
    unknown = [n for n in given if n not in known and n.partition(".")[0] not in _SPEC_PARTS]
    for name in unknown[:MAX_PROBLEMS]:
        pointer = "/base" if name in shared else "/columns"
        close = closest_names(name[:MAX_NAME], _COLUMN_NAMES)
        message = "unknown column" + (f"; did you mean {' or '.join(close)}?" if close else "")
        problems.append(Problem(pointer, "unknown_column", message, shorten(name), _ALLOWED))
    problems.uncounted += len(unknown[MAX_PROBLEMS:])


def _with_specs(rows: Sequence[NumberedRow], problems: _Problems) -> Iterator[NumberedRow]:
    """The rows with the fields of their experiment's spec, which their own columns override."""
    specs: dict[Any, Row] = {}
    for number, row in rows:
        if row.get(SPEC) is not None:
            specs[row.get(EXPERIMENT, number)] = _fields_of(row[SPEC], number, problems)
    for number, row in rows:
        spec = specs.get(row.get(EXPERIMENT, number))
        if spec is None:
            message = "is empty in every row of this experiment; an export has it in its first one"
            problems.add(number, SPEC, "missing", message)
            continue
        given = {n: value for n, value in row.items() if value is not None and n != SPEC}
        exported = {"name": spec.get("name", ""), "tags": TAG_SEPARATOR.join(spec.get("tags", ()))}
        for name, text in exported.items():
            if given.get(name) in (text, as_given(text)):  # tags may be a list
                del given[name]
        yield number, {**spec, **given}


def _fields_of(spec: Any, number: int, problems: _Problems) -> Row:
    """The fields of a spec, an object or its JSON text, by their paths."""
    try:
        content = parse_json(spec) if isinstance(spec, str) else spec
    except ValueError:
        content = None
    if not isinstance(content, dict):
        problems.add(number, SPEC, "not_a_spec", "should be a spec as a JSON object", spec)
        return {}
    return {path: value for path, value in flatten(content) if path != "seeds"}


def _group_by_setup(rows: Sequence[NumberedRow], shared: Row) -> dict[str, list[NumberedRow]]:
    """Completes the rows with what they share, and groups them by their spec's fields as JSON."""
    groups: dict[str, list[NumberedRow]] = {}
    encode = json.JSONEncoder(sort_keys=True).encode
    for number, row in rows:
        given = {column: value for column, value in row.items() if value is not None}
        complete = {**shared, **given}
        setup = {
            column: value
            for column, value in complete.items()
            if column.partition(".")[0] in _SPEC_PARTS
        }
        groups.setdefault(encode(setup), []).append((number, complete))
    return groups


def _experiment(
    setup: Row, members: Sequence[NumberedRow], tags: Sequence[str], problems: _Problems
) -> ImportedRuns | None:
    by_seed: dict[int, list[NumberedRow]] = {}
    for position, (number, row) in enumerate(members):
        seed = row.get("seed", 0 if "step" in row else position)
        by_seed.setdefault(_natural(seed, number, "seed", problems), []).append((number, row))
    runs = [_run(seed, rows, problems) for seed, rows in by_seed.items()]
    points = _points(by_seed, problems)
    first_number, first_row = members[0]
    metadata = {name: first_row[name] for name in METADATA if name in first_row}
    metadata["tags"] = [*_listed(metadata.get("tags", [])), *tags]
    try:
        spec = ExperimentSpec.model_validate({**nest(setup), **metadata, "seeds": [*by_seed]})
    except ValidationError as error:
        for problem in explain(error, ExperimentSpec):
            column = problem.pointer[1:].replace("/", ".")
            pointer = f"{_CONTENT}/{first_number}/{column}"
            problems.append(
                Problem(pointer, problem.code, problem.message, problem.given, problem.allowed)
            )
        return None
    baseline = derived_metrics.zero_baseline(spec)
    return ImportedRuns(
        Draft.from_spec(spec),
        derived_metrics.complete_runs(baseline, runs),
        derived_metrics.complete_points(baseline, points),
    )


def _listed(tags: Any) -> list[Any]:
    """The tags of a row: a list, its JSON, or text with commas, or as in an export."""
    if isinstance(tags, list):
        return tags
    text = str(tags)
    with contextlib.suppress(ValueError):
        if text.startswith("[") and isinstance(listed := parse_json(text), list):
            return listed
    return text.split(TAG_SEPARATOR if TAG_SEPARATOR in text else ",")


def _run(seed: int, rows: Sequence[NumberedRow], problems: _Problems) -> RunRecord:
    """The end of a run, from its only row or its last point."""
    if any("step" in row for _, row in rows):
        number, row = max(
            rows, key=lambda pair: _natural(pair[1].get("step", -1), pair[0], "step", problems)
        )
    else:
        number, row = rows[0]
        if len(rows) > 1:
            message = f"row {number} has the same spec and seed; give the runs different seeds"
            problems.add(rows[1][0], "seed", "twice", message, seed)
    outcome, steps = row.get("outcome"), row.get("steps", row.get("step"))
    if outcome not in tuple(Outcome):
        message = f"should be one of {', '.join(Outcome)}"
        problems.add(number, "outcome", "unknown_outcome", message, outcome)
        outcome = Outcome.CANCELLED
    summary = {name: _number(row[name], number, name, problems) for name in METRICS if name in row}
    return RunRecord(seed, Outcome(outcome), _natural(steps, number, "steps", problems), summary)


def _points(
    by_seed: Mapping[int, Sequence[NumberedRow]], problems: _Problems
) -> Mapping[str, np.ndarray]:
    """The columns of the recorded points; empty without points."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    recorded: set[tuple[int, int]] = set()
    for seed, rows in by_seed.items():
        for number, row in rows:
            if "step" not in row:
                continue
            step = _natural(row["step"], number, "step", problems)
            if (seed, step) in recorded:
                message = "this run already has a point at this step"
                problems.add(number, "step", "twice", message, step)
            recorded.add((seed, step))
            columns["seed"].append(seed)
            columns["step"].append(step)
            for name in SERIES:
                given = row.get(name)
                value = MISSING if given is None else _number(given, number, name, problems)
                columns[name].append(value)
    if not recorded:
        return {}
    return {
        name: np.array(column, np.int64 if name in RUN_COLUMNS else np.float64)
        for name, column in columns.items()
    }


def _natural(value: Any, row: int, column: str, problems: _Problems) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= value < 2**63 and value == int(value):
        return int(value)
    problems.add(row, column, "not_whole", "should be a whole number, 0 or greater", value)
    return 0


def _number(value: Any, row: int, column: str, problems: _Problems) -> float:
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(value, bool):
            return float(value)  # reads "NaN", "inf" and "-Infinity", too
    message = "should be a number, NaN, Infinity or -Infinity"
    problems.add(row, column, "not_a_number", message, value)
    return math.nan
