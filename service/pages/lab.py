"""``/``: what the machines do now, what waits, and what needs somebody."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.context import Context
from service.pages.readout import readout
from service.pages.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/")
def lab(request: Request, context: Context) -> HTMLResponse:
    """Show the lab."""
    with context.database.read() as tx:
        return page(request, "lab.html", readout=readout(tx))
