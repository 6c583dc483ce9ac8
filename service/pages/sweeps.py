"""``/sweeps``: all sweeps, newest first."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from service.context import Context
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.sweep_map.summary import Summary
from store.sweeps import repository

router = APIRouter(include_in_schema=False)

PER_PAGE = 50


@router.get("/sweeps")
def sweeps(
    request: Request,
    context: Context,
    cursor: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> HTMLResponse:
    """Show all sweeps."""
    with context.database.read() as tx:
        found, next_cursor = repository.page(tx, limit=PER_PAGE, cursor=cursor)
        now = readout(tx, context)
    return page(
        request,
        "sweeps.html",
        readout=now,
        rows=[Summary.from_record(sweep) for sweep in found],
        cursor=cursor,
        next=next_cursor,
    )
