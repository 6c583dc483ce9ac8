"""Tables on what queries find: fields, groups of runs, saved figures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.labels import briefs
from core.result import METRICS
from extrapolab.cli.table_layout import all_keys, fit_count, format_cell, table
from extrapolab.client.handles.figure import Figure
from extrapolab.models.experiments import QueryField
from extrapolab.models.facets import Facet, Varying
from extrapolab.models.tables import ExperimentColumns, Group

if TYPE_CHECKING:
    from rich.table import Table

_STATISTIC = re.compile(r"^(\w+)\((\w+)\)$")
"""A statistic of a metric in an order, which is a column ``metric.statistic``."""


def fields_table(fields: Iterable[QueryField]) -> "Table":
    """One row per field of the filter language."""
    rows = table("name", "kind", "of", "symbol", "meaning", folding=("meaning",))
    for field in fields:
        unit = f" ({field.unit})" if field.unit else ""
        meaning = ", ".join(field.choices) or f"{field.meaning}{unit}"
        rows.add_row(field.name, field.kind, field.scope, field.symbol, meaning)
    return rows


def columns_table(experiments: Sequence[ExperimentColumns], names: Sequence[str]) -> "Table":
    """One row per experiment with the columns of these names, its id first; ``*`` is all."""
    if "*" in names:
        names = [*all_keys(experiment.values for experiment in experiments), *names]
    columns = [name for name in dict.fromkeys(names) if name not in {"id", "*"}]
    rows = table("id", *columns, folding=[name for name in columns if name == "name"])
    cells = [
        _column(name, [_cell(experiment.values, name) for experiment in experiments])
        for name in columns
    ]
    for experiment, *row in zip(experiments, *cells, strict=True):
        rows.add_row(experiment.id, *row)
    return rows


def _cell(values: Mapping[str, Any], name: str) -> Any:
    return values.get(name, _value_at(values, name.split(".")))


def _column(name: str, values: Sequence[Any]) -> list[str]:
    """The cells of a column: values of the spec are told apart, measured numbers are rounded."""
    is_measured = name in METRICS or "(" in name or name.rpartition(".")[0] in METRICS
    if is_measured or any(isinstance(value, list) for value in values):
        return [*map(_format, values)]
    return briefs(values)


def _value_at(part: Any, path: Sequence[str]) -> Any:
    """The value at a path; for a list, that of each element."""
    if not path:
        return part
    if isinstance(part, list):
        return [_value_at(element, path) for element in part]
    return _value_at(part.get(path[0]), path[1:]) if isinstance(part, Mapping) else None


def _format(value: Any) -> str:
    return " ".join(map(format_cell, value)) if isinstance(value, list) else format_cell(value)


def facets_table(facets: Iterable[Facet]) -> "Table":
    """One row per value, under its field."""
    rows = table("field", "value", "experiments")
    for facet in facets:
        name = facet.field
        texts = briefs([counted.value for counted in facet.values])
        for text, counted in zip(texts, facet.values, strict=True):
            rows.add_row(name, text, str(counted.count))
            name = ""
        if facet.more:
            rows.add_row(name, f"{facet.more} other values", "")
            name = ""
        if facet.missing:
            rows.add_row(name, "no value", str(facet.missing))
    return rows


def varying_table(varying: Varying) -> "Table":
    """One row per part of the spec that differs."""
    rows = table("part of the spec", "symbol", "values", "range", folding=("range",))
    for part in varying.items:
        shown = briefs([counted.value for counted in part.values])
        if part.numeric and not shown:
            shown = [" to ".join(briefs([part.min, part.max]))]
        missing = ["none"] if part.missing else []
        rows.add_row(part.path, part.symbol, str(part.distinct), ", ".join([*shown, *missing]))
    return rows


def groups_table(groups: Sequence[Group], sorted_by: Sequence[str] = ()) -> "Table":
    """One row per group of runs, one column per statistic; first those that they are sorted by."""
    flat_rows = [group.flat for group in groups]
    not_shown = {"experiments", "newest", "name", "seeds"}
    columns = [name for name in all_keys(flat_rows) if name not in not_shown]
    first = [*groups[0].by, *(_STATISTIC.sub(r"\2.\1", name) for name in sorted_by)]
    columns.sort(key=lambda name: first.index(name) if name in first else len(first))
    has_others = any(set(group.states) - {"completed"} for group in groups)
    columns += ["states"] if has_others else []
    rows = table(*columns, "name", folding=("name",))
    for group, row in zip(groups, flat_rows, strict=True):
        row["states"] = ", ".join(f"{count} {state}" for state, count in group.states.items())
        row["fitted"] = fit_count(group.fitted, group.seeds)
    cells = [_column(column, [row[column] for row in flat_rows]) for column in columns]
    for row, *texts in zip(flat_rows, *cells, strict=True):
        rows.add_row(*texts, row["name"] if row["experiments"] == 1 else "")
    return rows


def recipes_table(figures: Iterable[Figure]) -> "Table":
    """One row per saved figure."""
    parts = ("kind", "y", "x", "series", "query", "name")
    rows = table("id", *parts)
    for figure in figures:
        rows.add_row(figure.id, *(figure.recipe[part] or "-" for part in parts))
    return rows
