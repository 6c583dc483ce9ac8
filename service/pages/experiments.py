"""``/experiments``: what a filter finds, folded over seeds, as one reads it down the page."""

import shlex
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from service.context import Context
from service.exports import grouping
from service.pages.experiment_rows import (
    MOST_COLUMNS,
    Column,
    Row,
    columns_of,
    rows_of,
    table_request,
)
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from store import bulk, views
from store.query import expectation, facets, pages, varying
from store.query.facets import Facets
from store.query.query import ExperimentQuery

router = APIRouter(include_in_schema=False)

PAGE = "experiments"
"""The name under which views of this page are saved."""

FACETS = "state,tag,owner"
MOST_VALUES = 8
"""Most values of a facet that are shown."""

EXACT = 5_000
"""Most matches whose setups, states, tags and owners are all counted; of more, the newest."""

COMPARED, NEWEST = 200, 2_000
"""Columns are chosen by what differs among so many of the newest matches."""

ACTIONS = {
    "cancel": bulk.CANCEL.filter,
    "pause": bulk.PAUSE.filter,
    "resume": bulk.RESUME.filter,
    "retry": bulk.RETRY.filter,
    "tag": "",
    "delete": bulk.REMOVE.filter,
}
"""Actions on many, each with the filter of the experiments that it concerns."""

MOST_VIEWS = 50
ROWS = 50


@router.get("/experiments")
def experiments(
    request: Request,
    context: Context,
    *,
    q: Annotated[str, Query(max_length=10_000)] = "",
    sort: Annotated[str, Query(max_length=1000)] = "",
    by: Annotated[str, Query(max_length=1000)] = "",
    columns: Annotated[str, Query(max_length=1000)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show the experiments that match a filter."""
    mistake = expectation.mistake_in(q)
    with context.database.read() as tx:
        now = readout(tx, context)
        saved, _ = views.page(tx, limit=MOST_VIEWS, cursor=None, of_page=PAGE)
        common: dict[str, Any] = {
            "readout": now,
            "saved": saved,
            "q": q,
            "sort": sort,
            "by": by,
            "asked": columns,
            "actions": ACTIONS,
        }
        if mistake is not None:
            return page(request, "experiments.html", status=400, mistake=mistake, **common)
        query = ExperimentQuery.parse(q or None)
        total = pages.count(tx, query)
        few = total <= EXACT
        differing = varying.read(tx, query, sample=COMPARED, newest=NEWEST)
        chosen = columns_of(columns, by, sort, differing)
        asked = table_request(by, sort, cursor, ROWS, with_count=few)
        table = grouping.grouped_rows(tx, query, asked)
        rows: list[Row] = rows_of(tx, table.rows, chosen, is_setup=not by)
        counted: Facets = facets.read(
            tx,
            query,
            facets.parse_fields(FACETS),
            limit=MOST_VALUES,
            newest=None if few else EXACT,
        )
    return page(
        request,
        "experiments.html",
        mistake=None,
        rows=rows,
        columns=chosen,
        candidates=_candidates(differing, chosen),
        next=table.next,
        count=table.count,
        experiments=total,
        facets_of=None if few else counted.count,
        facets=[facet for facet in counted.facets if facet.values],
        copies=_copies(request, q, sort),
        **common,
    )


def _candidates(differing: varying.Varying, chosen: list[Column]) -> list[Column]:
    """Further columns that tell rows apart."""
    shown = {column.path for column in chosen}
    parts = [Column.of(part.path) for part in differing.parts if part.path not in shown]
    return parts[: 4 * MOST_COLUMNS]


def _copies(request: Request, q: str, sort: str) -> dict[str, str]:
    """The same question for a shell, for Python and for any client of HTTP."""
    options = {"q": q, "sort": sort}
    given = urlencode({name: value for name, value in options.items() if value})
    url = str(request.base_url).rstrip("/")
    address = f"{request.base_url}v1/experiments" + (f"?{given}" if given else "")
    arguments = ", ".join(
        f"{name}={value!r}" for name, value in options.items() if value and name != "q"
    )
    python = f"lab.query({q!r}{', ' if arguments else ''}{arguments})"
    return {
        "command": " ".join(
            [
                "extrapolab",
                "query",
                shlex.quote(q),
                *(["--sort", shlex.quote(sort)] if sort else []),
            ]
        ),
        "python": f"from extrapolab import Lab\n\nlab = Lab({url!r})\n{python}",
        "curl": f"curl {shlex.quote(address)}",
    }
