"""The table of a question: seeds are an axis, so a row is a group of runs, with statistics over them."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic_core import to_json
from sqlalchemy import Connection

from core.result import METRICS
from core.statistics import STATISTICS, as_counted, over_seeds
from service import schemas
from service.context import Context
from service.http import etags, examples, openapi
from service.http.errors import Invalid, unknown
from service.http.pagination import page
from service.http.parameters import Cursor, IfNoneMatch, Limit
from service.http.query_parameters import Q
from service.routes.sweep_results import USUAL
from store.errors import BadCursor
from store.query import run_ends
from store.query.errors import BadQuery
from store.query.fields import Field
from store.query.query import ExperimentQuery
from store.query.run_ends import Ended

router = APIRouter(prefix="/v1/table", tags=["queries"])

SETUP = "setup_hash"

Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a table is to hold, and which of its rows: up to ``limit`` behind the cursor."""

    fields: Sequence[Field]
    metrics: Sequence[str]
    statistics: Sequence[str]
    limit: int
    cursor: str | None

    @property
    def paths(self) -> list[str]:
        """The names of the fields."""
        return [field.name for field in self.fields]


@router.get(
    "",
    response_model=schemas.Page[schemas.Group] | schemas.Page[schemas.GroupedRun],
    responses={
        200: openapi.answer(
            "One page.", examples.TABLE, "ETag", others={"text/csv": examples.TABLE_CSV}
        ),
        **openapi.not_modified(),
        **openapi.problems(400, 503),
    },
)
def table(
    *,
    context: Context,
    q: Q = None,
    by: Annotated[
        str,
        Query(
            description="Fields that the runs of a group share, separated by commas; `setup_hash`: all but the seed.",
            examples=["student.start.scale,training.length"],
        ),
    ] = SETUP,
    metrics: Annotated[
        str,
        Query(description="Metrics, separated by commas.", examples=["fit_error,effective_rank"]),
    ] = USUAL,
    statistic: Annotated[
        str, Query(description="Statistics, separated by commas.", examples=["median,q1,q3"])
    ] = ",".join(STATISTICS),
    group: Annotated[
        bool, Query(description="`false`: a row for each run, with the fields of `by` beside it.")
    ] = True,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="CSV has all rows at once.")
    ] = "json",
    limit: Limit = 50,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read what the runs of all completed experiments that `q` finds ended with, in groups.

    Groups are in the order of their fields, those of setups the newest first. A diverged run counts
    as infinite; a run that was computed several times (`on_duplicate=rerun`) counts once, as it was
    last.
    """
    names = _named("metrics", "metric", metrics, METRICS)
    chosen = _named("statistic", "statistic", statistic, STATISTICS)
    try:
        fields = run_ends.fields_of(by)
    except BadQuery as error:
        raise error.at("/query/by") from None
    question = ExperimentQuery.of(q)
    wanted = Wanted(
        fields, names, chosen, *((run_ends.MOST, None) if form == "csv" else (limit, cursor))
    )
    with context.database.read() as tx:
        found = run_ends.ended(tx, question, fields)
        rows, following = (_groups if group else _runs)(tx, found, wanted)
    if form == "csv":
        content = _csv(rows, [field.name for field in fields], names, chosen if group else [])
        return etags.answer(content, "text/csv", if_none_match)
    content = to_json({"items": rows, "next": following}, inf_nan_mode="strings")
    return etags.answer(content, "application/json", if_none_match)


def _named(parameter: str, what: str, text: str, allowed: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    problems = [
        unknown(f"/query/{parameter}", what, name, allowed) for name in names if name not in allowed
    ]
    if problems:
        raise Invalid(*problems)
    return names


def _groups(
    tx: Connection, found: Sequence[Ended], wanted: Wanted
) -> tuple[Sequence[Row], str | None]:
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(found):
        groups.setdefault(one.key, []).append(place)
    keys: Sequence[tuple[Any, ...]] = list(groups)
    if wanted.paths != [SETUP]:
        keys = sorted(keys, key=lambda key: [_sortable(value) for value in key])
    following = None
    apart = all(field.path or field.name == SETUP for field in wanted.fields)
    if apart:  # no setup is in two groups, so that none of the others is needed
        keys, following = page(keys, _place, limit=wanted.limit, cursor=wanted.cursor)
    members = np.array([place for key in keys for place in groups[key]], np.int64)
    of = np.repeat(np.arange(len(keys)), [len(groups[key]) for key in keys])[np.argsort(members)]
    members.sort()  # the newest first
    ended = run_ends.read(tx, [found[place].id for place in members], wanted.metrics)
    setups = {
        setup: number for number, setup in enumerate(dict.fromkeys(one.setup for one in found))
    }
    counted = _once(
        np.array([setups[found[place].setup] for place in members], np.int64)[ended.owners],
        ended.seeds,
    )
    order = counted[np.argsort(of[ended.owners[counted]], kind="stable")]
    parts = (
        np.split(order, np.flatnonzero(np.diff(of[ended.owners[order]])) + 1) if len(order) else []
    )
    diverged = ended.diverged
    numbers = as_counted(ended.numbers, diverged, wanted.metrics)
    statistics = over_seeds({str(n): numbers[own] for n, own in enumerate(parts)})
    chosen = [STATISTICS.index(name) for name in wanted.statistics]
    rows: list[Row] = []
    for n, own in enumerate(parts):
        columns = statistics[str(n)][chosen].T.tolist()
        by_metric = (dict(zip(wanted.statistics, column, strict=True)) for column in columns)
        newest = found[members[ended.owners[own[0]]]]
        rows.append(
            {
                "by": dict(zip(wanted.paths, newest.key, strict=True)),
                "experiments": len(set(ended.owners[own].tolist())),
                "newest": newest.id,
                "name": newest.name,
                "seeds": len(own),
                "diverged": int(diverged[own].sum()),
                "metrics": dict(zip(wanted.metrics, by_metric, strict=True)),
            }
        )
    if apart:
        return rows, following
    return page(
        rows, lambda row: _place(list(row["by"].values())), limit=wanted.limit, cursor=wanted.cursor
    )


def _once(setups: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Where each seed of a setup stands first."""
    order = np.lexsort((seeds, setups))  # stable
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(setups[order]) != 0) | (np.diff(seeds[order]) != 0)
    return np.sort(order[first])


def _sortable(value: Any) -> tuple[bool, bool, Any]:
    """Numbers before words, and nothing behind both."""
    return value is None, isinstance(value, str), 0 if value is None else value


def _runs(
    tx: Connection, found: Sequence[Ended], wanted: Wanted
) -> tuple[Sequence[Row], str | None]:
    begin, behind = 0, -1
    if wanted.cursor is not None:
        experiment, _, seed = wanted.cursor.partition("-")
        places = {one.id: place for place, one in enumerate(found)}
        if experiment not in places or not seed.isdecimal():
            raise BadCursor(wanted.cursor)
        begin, behind = places[experiment], int(seed)
    some = found[
        begin : begin + wanted.limit + 2
    ]  # each has a run at least; those of the first may be behind
    ended = run_ends.read(tx, [one.id for one in some], wanted.metrics)
    rows = [
        {
            "by": dict(zip(wanted.paths, some[owner].key, strict=True)),
            "experiment": some[owner].id,
            "seed": seed,
            "outcome": outcome,
            "steps": steps,
            "metrics": dict(zip(wanted.metrics, numbers, strict=True)),
        }
        for owner, seed, outcome, steps, numbers in zip(
            ended.owners.tolist(),
            ended.seeds.tolist(),
            ended.outcomes.tolist(),
            ended.steps.tolist(),
            ended.numbers.tolist(),
            strict=True,
        )
        if owner or seed > behind
    ]
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    return rows[: wanted.limit], None if last is None else f"{last['experiment']}-{last['seed']}"


def _place(key: Sequence[Any]) -> str:
    """What a cursor names a group by."""
    return hashlib.sha256(to_json(key)).hexdigest()[:32]


def _csv(
    rows: Sequence[Row], paths: Sequence[str], metrics: Sequence[str], chosen: Sequence[str]
) -> bytes:
    """Comma-separated values whose numbers are read back exactly."""
    of_a_run = ["experiment", "seed", "outcome", "steps"]
    own = ["experiments", "newest", "name", "seeds", "diverged"] if chosen else of_a_run
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(
        [*paths, *own, *(f"{m}.{s}" for m in metrics for s in chosen), *(() if chosen else metrics)]
    )
    for row in rows:
        found = row["metrics"]
        numbers = (
            [found[m][s] for m in metrics for s in chosen]
            if chosen
            else [found[m] for m in metrics]
        )
        writer.writerow(map(cell, [*row["by"].values(), *(row[name] for name in own), *numbers]))
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value in CSV: nothing as nothing, text as it is, all else as in JSON."""
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else to_json(value, inf_nan_mode="strings").decode().strip('"')
    )
