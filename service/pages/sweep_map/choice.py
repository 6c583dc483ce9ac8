"""What the map of a sweep shows: which axes run where, of which metric, and which values are fixed.

The axes that are neither shown nor fixed are pooled.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import Query

from core.figures.coordinates import distinct, is_number, key
from core.labels import value_labels, value_texts
from core.panels import Scale
from core.recipe import DEFAULT_METRIC, Statistic
from core.result import METRICS
from core.spec.axis import MAX_PATHS, nested
from core.spec.drawn_axis import DrawnAxis
from core.symbols import Quantity, quantity
from service.figures.sweep_axes import filter_of
from service.http.errors import Invalid, unknown
from service.pages.frame.filters import condition
from service.pages.frame.words import number, with_powers
from store.query.errors import BadQuery, find_field
from store.query.fields import EXPERIMENT_FIELDS
from store.sweeps.repository import Member, Sweep

STATISTICS: tuple[str, ...] = get_args(Statistic)

NONE = "none"
"""Stands for no axis in the parameters of the page."""

MAX_POINTS = 200
"""Most values on either of two axes that advance together, where each point is a link."""

MAX_TEXT = 300
"""Longest parameter of the page, in characters."""

Text = Annotated[str | None, Query(max_length=MAX_TEXT)]


@dataclass(frozen=True)
class Given:
    """The parameters of the page, as given.

    Attributes:
        x, series, facets: Paths of axes; :data:`NONE` for no axis.
        y: A metric.
        statistic: Its statistic.
        at: Axes at one value, such as ``training.length=4`` with the value as it is shown.
    """

    x: str | None
    y: str | None
    series: str | None
    facets: str | None
    statistic: str | None
    at: Sequence[str]


def read_given(
    *,
    x: Text = None,
    y: Text = None,
    series: Text = None,
    facets: Text = None,
    statistic: Text = None,
    at: Annotated[list[str], Query(max_length=MAX_PATHS)] = [],  # noqa: B006  # FastAPI copies it
) -> Given:
    """Reads the parameters; those of a form that was left empty are not given."""
    return Given(
        x or None, y or None, series or None, facets or None, statistic or None, [*filter(None, at)]
    )


@dataclass(frozen=True)
class SweepAxis:
    """An axis with more than one value.

    Attributes:
        path: The field.
        values: Its values among the members: in order if they are numbers.
        texts: The values as people read them, no two alike.
        moves_with: The paths that advance together with it, itself included.
        drawn: The scale on which its values are drawn; None if they are not.
    """

    path: str
    values: Sequence[Any]
    texts: Sequence[str]
    moves_with: Sequence[str]
    drawn: Scale | None = None

    def label(self, value: Any) -> str:
        """A value with the name of the axis, unlike that of any other value."""
        return self._labels[key(value)]

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        labels = map(with_powers, value_labels(self.path, self.values))
        return dict(zip(map(key, self.values), labels, strict=True))

    @property
    def known(self) -> Quantity:
        """Its words, symbol and unit."""
        return quantity(self.path)

    @property
    def is_numeric(self) -> bool:
        """Whether all its values are numbers."""
        return all(is_number(value) for value in self.values)


def axes_of(sweep: Sweep, members: Sequence[Member]) -> dict[str, SweepAxis]:
    """The axes on which members differ, by path."""
    axes = {}
    drawn = {
        axis.path: axis.scale for axis in nested(sweep.spec.axes) if isinstance(axis, DrawnAxis)
    }
    for group in sweep.spec.groups:
        for path in group:
            values = distinct([member.coordinates.get(path) for member in members])
            if len(values) > 1:
                axes[path] = SweepAxis(path, values, _texts(values), group, drawn.get(path))
    return axes


def _texts(values: Sequence[Any]) -> list[str]:
    if all(is_number(value) for value in values):
        for digits in range(3, 16):
            texts = [number(value, digits) for value in values]
            if len(set(texts)) == len(texts):
                return texts
    return [with_powers(text) for text in value_texts(values)]


@dataclass(frozen=True)
class Choice:
    """The choices of what the map shows.

    Attributes:
        axes: All axes by path.
        x: The axis to the right; None if no two members differ on any axis.
        series: The axis upwards; None for one axis alone.
        facets: The axis with a panel for each of its values.
        y: The metric.
        statistic: What is shown of the metric over all runs in a cell.
        fixed: The value of other axes, by path.
    """

    axes: Mapping[str, SweepAxis]
    x: str | None
    series: str | None
    facets: str | None
    y: str
    statistic: str
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, axes: Mapping[str, SweepAxis], given: Given) -> "Choice":
        """Reads the parameters of the page; what is not given is chosen.

        Raises:
            Invalid: With all problems at once.
        """
        paths = [*axes]
        problems = [
            unknown(f"/query/{name}", "path", path, paths)
            for name, path, others in (
                ("x", given.x, ()),
                ("series", given.series, (NONE,)),
                ("facets", given.facets, (NONE,)),
            )
            if path is not None and path not in (*paths, *others)
        ]
        y = given.y or DEFAULT_METRIC
        if y not in METRICS:
            problems.append(unknown("/query/y", "metric", y, METRICS))
        statistic = given.statistic or STATISTICS[0]
        if statistic not in STATISTICS:
            problems.append(unknown("/query/statistic", "statistic", statistic, STATISTICS))
        fixed = {}
        for text in given.at:
            path, _, value = text.partition("=")
            axis = axes.get(path)
            if axis is None:
                problems.append(unknown("/query/at", "path", path, paths))
            elif value not in axis.texts:
                problems.append(unknown("/query/at", f"value of {path}", value, axis.texts))
            else:
                fixed[path] = axis.values[axis.texts.index(value)]
        if problems:
            raise Invalid(*problems)
        facets = None if given.facets in (NONE, given.x) else given.facets
        free = [path for path in paths if path not in (facets, given.series)]
        numeric = [path for path in free if axes[path].is_numeric]
        x = given.x or next(iter(numeric or free or paths), None)
        shown = {path for name in (x, facets) if name for path in axes[name].moves_with}
        series = given.series
        if series in (None, x, facets):  # also if the horizontal axis was given its place
            others = [path for path in paths if path not in {*shown, *fixed}]
            drawn = [path for path in paths if path in shown and axes[path].drawn]
            others += [path for path in drawn if path not in (x, facets)]
            series = next(iter(others), NONE)
        series = None if series == NONE else series
        on_axes = {x, series, facets}
        fixed = {path: value for path, value in fixed.items() if path not in on_axes}
        return cls(axes, x, series, facets, y, statistic, fixed)

    @property
    def is_scattered(self) -> bool:
        """Whether the two axes advance together, so that they have points and no grid."""
        axes = [self.axes[path] for path in (self.x, self.series) if path]
        return (
            len(axes) == 2
            and axes[1].path in axes[0].moves_with
            and all(axis.is_numeric for axis in axes)
        )

    @property
    def rest(self) -> list[SweepAxis]:
        """The axes that are not shown: fixed, or pooled."""
        shown = {
            path
            for name in (self.x, self.series, self.facets)
            if name
            for path in self.axes[name].moves_with
        }
        return [axis for path, axis in self.axes.items() if path not in shown]

    def count_cells(self) -> int:
        """The number of places on the axes."""
        paths = [path for path in (self.x, self.series, self.facets) if path]
        if self.is_scattered and max(len(self.axes[path].values) for path in paths) <= MAX_POINTS:
            paths.remove(self.series or "")
        return math.prod(len(self.axes[path].values) for path in paths)

    def members(self, members: Sequence[Member]) -> list[Member]:
        """The members at the fixed values."""
        keys = {path: key(value) for path, value in self.fixed.items()}
        return [
            member
            for member in members
            if all(key(member.coordinates.get(path)) == at for path, at in keys.items())
        ]

    def recipe(self, sweep_id: str) -> dict[str, str] | None:
        """The recipe of the figure that shows the same; None if an axis has whole objects."""
        paths = [path for path in (self.x, self.series, self.facets, *self.fixed) if path]
        if not all(map(is_field, paths)):
            return None
        series = None if self.is_scattered else self.series
        parts = {
            "kind": "heatmap" if series else "lines",
            "query": self.query(sweep_id),
            "x": self.x,
            "y": self.y,
            "series": series,
            "facets": self.facets,
            "statistic": self.statistic,
        }
        return {name: value for name, value in parts.items() if value}

    def figure(self, sweep_id: str) -> tuple[str, str]:
        """The address of that figure without its ending, and its query."""
        if (recipe := self.recipe(sweep_id)) is not None:
            return "/v1/figures/preview", f"?{urlencode(recipe)}"
        parts = {"x": self.x, "y": self.y, "series": self.series}
        given = {name: value for name, value in parts.items() if value}
        name = "heatmap" if self.series else "lines"
        return f"/v1/sweeps/{sweep_id}/figures/{name}", f"?{urlencode(given)}"

    def query(self, sweep_id: str, further: Mapping[str, Any] = MappingProxyType({})) -> str:
        """The filter that finds the experiments that the map shows, or those at further values."""
        at = [condition(path, value) for path, value in {**self.fixed, **further}.items()]
        return " and ".join([filter_of(sweep_id), *at])


def is_field(path: str) -> bool:
    """Whether queries know the path: one with whole objects as values they don't."""
    try:
        find_field(path, among=EXPERIMENT_FIELDS)
    except BadQuery:
        return False
    return True
