"""The rows of the list of experiments: each a setup with its seeds, or a group of setups."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.labels import value_texts
from core.result import Outcome
from core.spec.paths import value_at
from core.statistics import most_fit
from core.symbols import quantity
from service.exports import table_order
from service.exports.table_request import SETUP, TableRequest
from service.http.errors import unknown
from service.pages.frame.filters import condition
from service.pages.frame.words import state_class, with_powers
from service.pages.marks import strip
from store.experiments import rows as stored
from store.query import run_ends
from store.query.errors import BadQuery
from store.query.fields import FIELDS
from store.query.names import split_names, with_columns
from store.query.varying import Varying
from store.states import State

ERROR = "relative_extrapolation_error"
"""The error on the strip: beyond the training length, in units of answering zero."""

METRICS = ("fit_error", ERROR)
"""The metrics of every row."""

MOST_COLUMNS = 5
"""Most columns that are chosen automatically."""

_LESS_TELLING = {"evaluation", "numerics"}
"""Parts of the spec that rarely tell experiments apart in the way that one looks for."""

_STATES_BY_URGENCY = (
    State.RUNNING,
    State.QUEUED,
    State.FAILED,
    State.PAUSED,
    State.CANCELLED,
    State.COMPLETED,
)


_WORDS = {"completed diverged": "diverged", "completed not-fitted": "not fitted"}
"""Words for marks that say more than a state."""


@dataclass(frozen=True)
class Column:
    """A column of the spec: its path, its name and its symbol."""

    path: str
    words: str
    symbol: str

    @classmethod
    def of(cls, path: str) -> "Column":
        """The column of a field."""
        known = quantity(path)
        return cls(path, known.words, known.symbol)


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        id: The newest experiment's.
        name: Its name.
        state: The class of its mark.
        words: Its state in words.
        values: Those of the columns.
        expected: The number of its seeds.
        fitted: The number of seeds that fit.
        metrics: Medians over the seeds that have ended, or why there is none.
        ticks: The strip's.
        created: The time of the newest experiment, in Unix seconds.
        experiments: The number of its experiments.
        filter: A condition that finds them.
    """

    id: str
    name: str
    state: str
    words: str
    values: Sequence[str]
    expected: int
    fitted: int
    metrics: Sequence[float | str | None]
    ticks: Sequence[strip.Tick]
    created: float
    experiments: int
    filter: str


def columns_of(asked: str, by: str, sort: str, differing: Varying) -> list[Column]:
    """The columns that are asked for, or those that tell the matches apart.

    The parts of the spec that the rows are sorted by are among them.

    Raises:
        BadQuery: There is no such field.
    """
    if by:
        return [Column.of(field.name) for field in run_ends.parse_fields(by)]
    if asked:
        names = split_names(asked, "/query/columns")
        bad = [name for name in names if not FIELDS.get(name) or not FIELDS[name].path]
        if bad:
            known = [name for name, field in FIELDS.items() if field.path]
            raise BadQuery(*(unknown("/query/columns", "field", name, known) for name in bad))
        return [Column.of(name) for name in _with_sorted(names, sort)]
    telling = [
        part.path
        for part in differing.parts
        if part.path in FIELDS
        and part.path.partition(".")[0] not in _LESS_TELLING
        and part.missing < differing.sample / 2
    ]
    return [Column.of(path) for path in _with_sorted(telling[:MOST_COLUMNS], sort)]


def _with_sorted(names: Sequence[str], sort: str) -> list[str]:
    """The names, after those parts of the spec in an order that are not among them."""
    return [*(name for name in _sorted_fields(sort) if name not in names), *names]


def _sorted_fields(sort: str) -> list[str]:
    """The parts of the spec in an order."""
    names = [key.lstrip("+-") for key, _ in with_columns(sort)]
    return [name for name in names if name in FIELDS and FIELDS[name].path]


def table_request(
    by: str, sort: str, cursor: str | None, limit: int, *, with_count: bool
) -> TableRequest:
    """The table behind a page of the list: of setups unless it is ``by`` fields.

    Setups are sorted by fields of their specs, too, as one setup has one value of each.

    Raises:
        BadQuery: A field or a key of the order is unknown.
    """
    of_setups = [SETUP, *_sorted_fields(sort)]
    try:
        fields = run_ends.parse_fields(by or ",".join(dict.fromkeys(of_setups)))
    except BadQuery as error:
        raise error.at("/query/by") from None
    try:
        keys = table_order.parse(sort, fields, grouped=True) if sort else []
    except BadQuery as error:
        raise error.at("/query/sort") from None
    return TableRequest(
        fields,
        METRICS,
        ["median"],
        limit=limit,
        cursor=cursor,
        states=list(State),
        sort=keys,
        with_runs=True,
        with_count=with_count,
    )


def rows_of(
    tx: Connection,
    groups: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    is_setup: bool,
) -> list[Row]:
    """The rows of a table's groups, with the values of the columns."""
    specs = {row.id: row.spec for row in stored.get_many(tx, [group["newest"] for group in groups])}
    parts = [specs[group["newest"]] if is_setup else group["by"] for group in groups]
    read = value_at if is_setup else dict.__getitem__
    texts = [value_texts([read(part, column.path) for part in parts]) for column in columns]
    return [
        _row(group, [with_powers(column[place]) for column in texts], is_setup=is_setup)
        for place, group in enumerate(groups)
    ]


def _row(group: Mapping[str, Any], values: Sequence[str], *, is_setup: bool) -> Row:
    state, words = _state(group)
    runs = [(Outcome(run["outcome"]), run["metrics"][ERROR]) for run in group["runs"]]
    return Row(
        id=group["newest"],
        name=group["name"] or group["newest"],
        state=state,
        words=words,
        values=values,
        expected=group["seeds"] + group["missing"],
        fitted=group["fitted"],
        metrics=[_median(group, metric) for metric in METRICS],
        ticks=strip.ticks(runs),
        created=_seconds(group["created"]),
        experiments=group["experiments"],
        filter=" and ".join(
            condition(path, value)
            for path, value in group["by"].items()
            if not is_setup or path == SETUP
        ),
    )


def _seconds(created: Any) -> float:
    if isinstance(created, datetime):
        return created.timestamp()
    return datetime.fromisoformat(created).timestamp() if isinstance(created, str) else created


def _median(group: Mapping[str, Any], metric: str) -> float | str | None:
    """The median; a word where too many seeds diverged for one, None where none has ended."""
    if not group["seeds"]:
        return None
    median: float = group["metrics"][metric]["median"]
    return "diverged" if math.isinf(median) and group["diverged"] else median


def _state(group: Mapping[str, Any]) -> tuple[str, str]:
    """The class and words of a row's state: of its most urgent experiment.

    Failed and cancelled ones don't count where others have completed all of their seeds.
    """
    states = {State(state) for state in group["states"]}
    if State.COMPLETED in states and not group["missing"]:
        states -= {State.FAILED, State.CANCELLED}
    state = next(state for state in _STATES_BY_URGENCY if state in states)
    seeds = group["seeds"]
    mark = state_class(
        state, fitted=most_fit(group["fitted"], seeds), diverged=2 * group["diverged"] > seeds
    )
    return mark, _WORDS.get(mark, str(state))
