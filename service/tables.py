"""The table of a question: seeds are an axis, so a row is a group of runs, with statistics over them."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic_core import to_json

from core.result import METRICS
from service import documentation, etags, examples, wire
from service.edge import Here
from service.errors import Invalid, unknown
from service.pages import page
from service.parameters import Cursor, IfNoneMatch, Limit
from service.questions import Q
from service.statistics import STATISTICS, over_seeds
from service.sweep_results import USUAL
from store.query import endings
from store.query.endings import Endings
from store.query.errors import BadQuery
from store.query.question import Question

router = APIRouter(prefix="/v1/table", tags=["questions"])

SETUP = "setup_hash"

Row = dict[str, Any]


@router.get(
    "",
    response_model=wire.Page[wire.Group] | wire.Page[wire.GroupedRun],
    responses={
        200: documentation.answer("One page.", examples.TABLE, "ETag", others={"text/csv": examples.TABLE_CSV}),
        **documentation.not_modified(),
        **documentation.problems(400, 503),
    },
)
def table(
    *,
    here: Here,
    q: Q = None,
    by: Annotated[
        str,
        Query(
            description="Fields that the runs of a group share, separated by commas; `setup_hash`: all but the seed.",
            examples=["student.start.scale,training.length"],
        ),
    ] = SETUP,
    metrics: Annotated[
        str, Query(description="Metrics, separated by commas.", examples=["fit_error,effective_rank"])
    ] = ",".join(USUAL),
    statistic: Annotated[
        str, Query(description="Statistics, separated by commas.", examples=["median,q1,q3"])
    ] = ",".join(STATISTICS),
    group: Annotated[bool, Query(description="`false`: a row for each run, with the fields of `by` beside it.")] = True,
    form: Annotated[Literal["json", "csv"], Query(alias="format", description="CSV has all rows at once.")] = "json",
    limit: Limit = 50,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read what the runs of all completed experiments that `q` finds ended with, in groups.

    Groups are in the order of their fields, those of setups the newest first. A diverged run counts as infinite; a run
    that was computed several times (`on_duplicate=rerun`) counts once, as it was last.
    """
    names = _named("metrics", "metric", metrics, METRICS)
    chosen = _named("statistic", "statistic", statistic, STATISTICS)
    try:
        fields = endings.fields_of(by)
    except BadQuery as error:
        raise error.at("/query/by") from None
    question = Question.of(q)
    with here.database.read() as tx:
        ended = endings.read(tx, question, names, fields)
    paths = [field.name for field in fields]
    rows = _groups(ended, paths, names, chosen) if group else _runs(ended, paths, names)
    if form == "csv":
        return etags.answer(_csv(rows, paths, names, chosen if group else []), "text/csv", if_none_match)
    items, following = page(rows, _place, limit=limit, cursor=cursor)
    content = to_json({"items": items, "next": following}, inf_nan_mode="strings")
    return etags.answer(content, "application/json", if_none_match)


def _named(parameter: str, what: str, text: str, allowed: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    problems = [unknown(f"/query/{parameter}", what, name, allowed) for name in names if name not in allowed]
    if problems:
        raise Invalid(*problems)
    return names


def _groups(ended: Endings, paths: Sequence[str], metrics: Sequence[str], chosen: Sequence[str]) -> list[Row]:
    members: dict[tuple[Any, ...], list[int]] = {}
    counted: set[tuple[str, int]] = set()
    for place, (key, setup, seed) in enumerate(zip(ended.keys, ended.setups, ended.seeds, strict=True)):
        if (setup, seed) not in counted:
            counted.add((setup, seed))
            members.setdefault(key, []).append(place)
    diverged = ended.diverged
    numbers = np.where(diverged[:, None], np.inf, ended.numbers)
    places = {str(n): np.array(own) for n, own in enumerate(members.values())}
    found = over_seeds({name: numbers[own] for name, own in places.items()})
    order = [STATISTICS.index(name) for name in chosen]
    rows = []
    for number, (key, own) in enumerate(members.items()):
        columns = (dict(zip(chosen, column, strict=True)) for column in found[str(number)][order].T.tolist())
        rows.append(
            {
                "by": dict(zip(paths, key, strict=True)),
                "experiments": len({ended.ids[n] for n in own}),
                "newest": ended.ids[own[0]],
                "name": ended.names[own[0]],
                "seeds": len(own),
                "diverged": int(diverged[own].sum()),
                "metrics": dict(zip(metrics, columns, strict=True)),
            }
        )
    return rows if list(paths) == [SETUP] else sorted(rows, key=lambda row: [_sortable(v) for v in row["by"].values()])


def _sortable(value: Any) -> tuple[bool, bool, Any]:
    """Numbers before words, and nothing behind both."""
    return value is None, isinstance(value, str), 0 if value is None else value


def _runs(ended: Endings, paths: Sequence[str], metrics: Sequence[str]) -> list[Row]:
    return [
        {
            "by": dict(zip(paths, key, strict=True)),
            "experiment": name,
            "seed": seed,
            "outcome": outcome,
            "steps": steps,
            "metrics": dict(zip(metrics, numbers, strict=True)),
        }
        for key, name, seed, outcome, steps, numbers in zip(
            ended.keys, ended.ids, ended.seeds, ended.outcomes, ended.steps, ended.numbers.tolist(), strict=True
        )
    ]


def _place(row: Row) -> str:
    """What a cursor names a row by."""
    own = [row["by"]] if "newest" in row else [row["experiment"], row["seed"]]
    return hashlib.sha256(to_json(own)).hexdigest()[:32]


def _csv(rows: Sequence[Row], paths: Sequence[str], metrics: Sequence[str], chosen: Sequence[str]) -> bytes:
    """Comma-separated values whose numbers are read back exactly."""
    of_a_run = ["experiment", "seed", "outcome", "steps"]
    own = ["experiments", "newest", "name", "seeds", "diverged"] if chosen else of_a_run
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*paths, *own, *(f"{m}.{s}" for m in metrics for s in chosen), *(() if chosen else metrics)])
    for row in rows:
        found = row["metrics"]
        numbers = [found[m][s] for m in metrics for s in chosen] if chosen else [found[m] for m in metrics]
        writer.writerow(map(cell, [*row["by"].values(), *(row[name] for name in own), *numbers]))
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value in CSV: nothing as nothing, text as it is, all else as in JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value, inf_nan_mode="strings").decode().strip('"')
