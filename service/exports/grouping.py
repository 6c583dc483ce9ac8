"""Tables of experiments: in groups with statistics over the runs of each, or run by run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from service.exports import group_rows, table_order
from service.exports.group_rows import Row
from service.exports.table_request import SETUP, Key, TableRequest
from service.http.pagination import page
from store.db.database import now
from store.errors import BadCursor
from store.query import run_ends, setup_order, setups
from store.query.query import ExperimentQuery
from store.query.run_ends import MAX_RUNS
from store.query.setups import FoundExperiment
from store.states import State


@dataclass(frozen=True)
class TablePage:
    """The rows of a page, the cursor of the next one, and the number of rows on all pages.

    ``count`` is None unless the request asks for it.
    """

    rows: Sequence[Row]
    next: str | None
    count: int | None = None


def grouped_rows(tx: Connection, query: ExperimentQuery, request: TableRequest) -> TablePage:
    """A row for each group of experiments that agree in the request's fields.

    Its ``states`` count the experiments; its ``seeds``, statistics and ``runs`` are of the runs of
    completed ones. The default order of setups reads only the setups on the page; any other order
    reads every match.

    Raises:
        BadQuery: Too many experiments or runs match.
        BadCursor: The cursor is of another table.
    """
    if request.of_setups and not request.sort and request.limit < MAX_RUNS:
        return _newest_setups(tx, query, request)
    in_order = _ordered_setups(tx, query, request)
    if in_order is not None:
        return in_order
    experiments = setups.find(tx, _in_states(query, request), request.fields)
    keys: list[Key] = list(dict.fromkeys(one.key for one in experiments))
    if not request.of_setups:
        keys.sort(key=lambda key: [_numbers_first(value) for value in key])
    # If no setup is in two groups, the runs of other pages' groups need not be read.
    groups_are_disjoint = all(field.path or field.name == SETUP for field in request.fields)
    if not groups_are_disjoint:
        rows = group_rows.read(tx, experiments, keys, request)
        ordered = table_order.sort(rows, request.sort)
        return _paged(ordered, lambda row: request.name_of(_key_of(row)), request)
    if request.sort:
        rows = group_rows.read_for_order(tx, experiments, keys, request.only_sorted())
        keys = [_key_of(row) for row in table_order.sort(rows, request.sort)]
    _, last = _end_of_page(request.cursor)
    page_keys, next_cursor = page(keys, request.name_of, limit=request.limit, cursor=last)
    of_page = set(page_keys)
    members = [one for one in experiments if one.key in of_page]
    rows = group_rows.read(tx, members, page_keys, request)
    return TablePage(rows, next_cursor, len(keys) if request.with_count else None)


def run_rows(tx: Connection, query: ExperimentQuery, request: TableRequest) -> TablePage:
    """A row for each run of completed experiments, with the request's fields beside it.

    Raises:
        BadQuery: Too many experiments or runs match.
        BadCursor: The cursor is of another table.
    """
    experiments = setups.find(tx, query.where_in("state", [State.COMPLETED]), request.fields)
    first, last_seed = 0, -1
    of_page = experiments
    if not request.sort:
        first, last_seed = _place(experiments, request.cursor)
        # Every experiment has at least one run; those of the first may be on the previous page.
        of_page = experiments[first : first + request.limit + 2]
    ids = [one.id for one in of_page]
    runs = run_ends.final_metrics(tx, ids, request.metrics)
    rows = [
        {"by": dict(zip(request.field_names, of_page[owner].key, strict=True)), **row}
        for owner, row in zip(
            runs.experiment_index.tolist(),
            group_rows.run_rows(runs, ids, range(len(runs)), request.metrics),
            strict=True,
        )
        if owner or row["seed"] > last_seed
    ]
    count = None
    if request.with_count:
        count = (
            len(rows) if request.sort else setups.count_runs(tx, [one.id for one in experiments])
        )
    paged = replace(request, cursor=request.cursor if request.sort else None)
    return replace(_paged(table_order.sort(rows, request.sort), _run_name, paged), count=count)


def _place(experiments: Sequence[FoundExperiment], cursor: str | None) -> tuple[int, int]:
    """The index of the experiment, and the seed, of the last run before a page."""
    if cursor is None:
        return 0, -1
    experiment_id, _, seed = cursor.partition("-")
    places = {one.id: place for place, one in enumerate(experiments)}
    if experiment_id not in places or not seed.isdecimal():
        raise BadCursor(cursor)
    return places[experiment_id], int(seed)


def _newest_setups(tx: Connection, query: ExperimentQuery, request: TableRequest) -> TablePage:
    """The page of the default order of setups."""
    matching = _in_states(query, request)
    experiments, next_cursor = setups.newest(
        tx, matching, limit=request.limit, cursor=request.cursor
    )
    keys = list(dict.fromkeys(one.key for one in experiments))
    rows = group_rows.read(tx, experiments, keys, request)
    count = setups.count(tx, query, request.states) if request.with_count else None
    return TablePage(rows, next_cursor, count)


def _ordered_setups(
    tx: Connection, query: ExperimentQuery, request: TableRequest
) -> TablePage | None:
    """The page of setups in the request's order; None if that takes their runs."""
    if not request.one_setup_each or not request.sort or request.limit == MAX_RUNS:
        return None
    order = table_order.setup_keys(request.sort)
    if order is None:
        return None
    at = now(tx)
    end, last = _end_of_page(request.cursor)
    limit = end + request.limit + 1 if end or last is None else None
    read = partial(setup_order.read, tx, query, order, at=at, states=request.states)
    hashes = read(limit=limit)
    if hashes is not None and limit is not None and end and hashes[end - 1 : end] != [last]:
        hashes = read()  # others have come before it
    if hashes is None:
        return None
    of_page, next_cursor = page(hashes, str, limit=request.limit, cursor=last)
    if next_cursor is not None:
        next_cursor = f"{hashes.index(next_cursor) + 1}.{next_cursor}"
    found = setups.find(tx, query, request.fields, of_page, at=at)
    experiments = [one for one in found if one.state in request.states]
    key_of = {one.setup_hash: one.key for one in experiments}
    rows = group_rows.read(tx, experiments, [key_of[one] for one in of_page], request)
    count = setups.count(tx, query, request.states) if request.with_count else None
    return TablePage(rows, next_cursor, count)


def _end_of_page(cursor: str | None) -> tuple[int, str | None]:
    """The number of rows up to the last of a page, 0 if it is not known, and the name of that."""
    if cursor is None:
        return 0, None
    number, _, name = cursor.rpartition(".")
    return int(number) if re.fullmatch(r"[0-9]{1,7}", number) else 0, name


def _in_states(query: ExperimentQuery, request: TableRequest) -> ExperimentQuery:
    if set(request.states) == set(State):
        return query
    return query.where_in("state", request.states)


def _paged(all_rows: Sequence[Row], name: Callable[[Row], str], request: TableRequest) -> TablePage:
    """The request's page of these rows; ``name`` names each in cursors."""
    rows, next_cursor = page(all_rows, name, limit=request.limit, cursor=request.cursor)
    return TablePage(rows, next_cursor, len(all_rows) if request.with_count else None)


def _key_of(row: Row) -> Key:
    return tuple(row["by"].values())


def _run_name(row: Row) -> str:
    return f"{row['experiment']}-{row['seed']}"


def _numbers_first(value: Any) -> tuple[bool, bool, Any]:
    """A sort key: numbers, then strings, then missing values."""
    return value is None, isinstance(value, str), 0 if value is None else value
