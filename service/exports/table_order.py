"""The order of a table's rows: by the fields of the rows, their counts and their statistics.

Missing and non-finite values come last in either direction, as in the order of experiments.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Problem
from core.result import METRICS
from core.statistics import STATISTICS
from store.query import setup_order
from store.query.errors import BadQuery, find_field, syntax_error
from store.query.fields import FIELDS, NAMES, Field
from store.query.names import with_columns
from store.query.order import MAX_KEYS
from store.query.setup_order import SetupKey

GROUP_COLUMNS = (
    "experiments",
    "newest",
    "name",
    "created",
    "seeds",
    "fitted",
    "diverged",
    "missing",
)
_COUNTS = frozenset({"experiments", "seeds", "fitted", "diverged", "missing"})
RUN_COLUMNS = ("experiment", "seed", "outcome", "steps")

_KEY = re.compile(r"(?P<sign>[+-]?)(?:(?P<statistic>\w+)\((?P<metric>[\w.]+)\)|(?P<name>[\w.]+))")

Path = tuple[str, ...]


@dataclass(frozen=True)
class TableKey:
    """One key of an order; ``path`` is the place of its value in a row."""

    path: Path
    descending: bool

    def value(self, row: Mapping[str, Any]) -> Any:
        """A row's value at the key."""
        value: Any = row
        for name in self.path:
            value = value[name]
        return value


def parse(text: str, fields: Sequence[Field], *, grouped: bool) -> list[TableKey]:
    """The keys of an order such as ``-median(fit_error),training.length``.

    Args:
        text: Names of columns, separated by commas; ``-`` sorts in descending order. A statistic is
            ``median(fit_error)`` or, as in CSV, ``fit_error.median``; a metric alone is its median.
        fields: The fields of the rows.
        grouped: Whether each row is a group, not a run.

    Raises:
        BadQuery: A name is no column, or there are too many.
    """
    keys = [
        _parse_key(part, column, fields, grouped=grouped) for part, column in with_columns(text)
    ]
    if len(keys) > MAX_KEYS:
        message = f"should have at most {MAX_KEYS} keys, and has {len(keys)}"
        raise BadQuery(Problem("", "too_many", message))
    return keys


def sort(rows: Sequence[Any], keys: Sequence[TableKey]) -> list[Any]:
    """The rows in an order; rows that are equal in it keep theirs."""
    ordered = list(rows)
    for key in reversed(keys):
        present = [row for row in ordered if _is_present(key.value(row))]
        missing = [row for row in ordered if not _is_present(key.value(row))]
        present.sort(key=key.value, reverse=key.descending)
        ordered = present + missing
    return ordered


def numbers(keys: Sequence[TableKey]) -> tuple[list[str], list[str]]:
    """The metrics and, for groups, the statistics that an order reads."""
    paths = [key.path for key in keys if key.path[0] == "metrics"]
    metrics = dict.fromkeys(path[1] for path in paths)
    return list(metrics), list(dict.fromkeys(name for path in paths for name in path[2:]))


def needs_counts(keys: Sequence[TableKey]) -> bool:
    """Whether an order of groups reads counts of their experiments or runs."""
    return any(key.path[0] in _COUNTS for key in keys)


def setup_keys(keys: Sequence[TableKey]) -> list[SetupKey] | None:
    """The same order for :func:`store.query.setup_order.read`; None if it can't sort by a key."""
    columns = [_setup_column(key.path) for key in keys]
    return (
        [
            SetupKey(column, key.descending)
            for column, key in zip(columns, keys, strict=True)
            if column is not None
        ]
        if None not in columns
        else None
    )


def _setup_column(path: Path) -> Field | str | None:
    match path:
        case ("metrics", metric, "median"):
            return metric
        case ("by", name):
            field = FIELDS[name]
            return field if field.path else name
        case (name,) if name in setup_order.COLUMNS:
            return name
    return None


def _parse_key(text: str, column: int, fields: Sequence[Field], *, grouped: bool) -> TableKey:
    match = _KEY.fullmatch(text)
    if match is None:
        raise syntax_error(column, text, "a column of the table, such as -median(fit_error)")
    descending, name = match["sign"] == "-", match["name"]
    column += len(match["sign"])
    if name is None:
        return TableKey(
            _statistic(match["statistic"], match["metric"], column, grouped=grouped), descending
        )
    by_name = {field.name for field in fields}
    columns = GROUP_COLUMNS if grouped else RUN_COLUMNS
    field = NAMES.get(name)
    metric, _, statistic = name.rpartition(".")
    if field is not None and field.name in by_name:
        path: Path = ("by", field.name)
    elif name in columns:
        path = ("created",) if name == "newest" else (name,)  # an id says nothing of time
    elif field is not None and field.is_metric:
        path = ("metrics", field.name, "median") if grouped else ("metrics", field.name)
    elif metric in METRICS and statistic in STATISTICS:
        path = _statistic(statistic, metric, column, grouped=grouped)
    else:
        find_field(name, column, among=[*by_name, *METRICS], others=columns)
        raise AssertionError(name)
    return TableKey(path, descending)


def _statistic(statistic: str, metric: str, column: int, *, grouped: bool) -> Path:
    if not grouped:
        raise syntax_error(column, statistic, "a metric alone, since each row is one run")
    if statistic not in STATISTICS:
        raise syntax_error(column, statistic, f"one of {', '.join(STATISTICS)} before '('")
    field = find_field(metric, column + len(statistic) + 1, METRICS)
    return ("metrics", field.name, statistic)


def _is_present(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))
