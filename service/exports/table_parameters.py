"""Query parameters of tables, as the table that they ask for."""

from core.errors import Problem
from service.exports import table_order
from service.exports.table_request import TableRequest
from service.http import metric_parameters
from service.http.errors import Invalid
from service.http.parameters import known_names
from store.query import run_ends
from store.query.errors import BadQuery
from store.states import State

ALL_STATES = "all"
PARTS = ("seeds", "count")
"""What ``include=`` adds to a table."""


def parse(
    *,
    by: str,
    metrics: str,
    statistic: str,
    sort: str | None,
    states: str,
    include: str | None,
    grouped: bool,
) -> TableRequest:
    """The first page of the table that a request asks for, with all its rows.

    Raises:
        BadQuery: A field or a key of the order is unknown.
        Invalid: Another name is unknown, or rows of single runs are asked for states or seeds.
    """
    metric_names, statistic_names = metric_parameters.parse(metrics, statistic)
    try:
        fields = run_ends.parse_fields(by)
    except BadQuery as error:
        raise error.at("/query/by") from None
    try:
        keys = table_order.parse(sort, fields, grouped=grouped) if sort else []
    except BadQuery as error:
        raise error.at("/query/sort") from None
    state_names, problems = known_names(states, "states", "state", [*State, ALL_STATES])
    parts: list[str] = []
    if include is not None:
        parts, further = known_names(include, "include", "part", PARTS)
        problems += further
    if not grouped and state_names != [State.COMPLETED]:
        message = "is for groups: only completed experiments have rows of single runs"
        problems.append(Problem("/query/states", "not_grouped", message, states))
    if not grouped and "seeds" in parts:
        message = "adds runs to groups, and each row is a run: leave out seeds"
        problems.append(Problem("/query/include", "not_grouped", message, include))
    if problems:
        raise Invalid(*problems)
    sorted_metrics, sorted_statistics = table_order.numbers(keys)
    return TableRequest(
        fields,
        list(dict.fromkeys([*metric_names, *sorted_metrics])),
        list(dict.fromkeys([*statistic_names, *sorted_statistics])),
        states=list(State) if ALL_STATES in state_names else [State(name) for name in state_names],
        sort=keys,
        with_runs="seeds" in parts,
        with_count="count" in parts,
    )
