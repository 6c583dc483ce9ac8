"""``/workers``: the slots, and what each does."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.context import Context
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.slots import worker_slots

router = APIRouter(include_in_schema=False)


@router.get("/workers")
def workers(request: Request, context: Context) -> HTMLResponse:
    """Show all worker slots."""
    with context.database.read() as tx:
        queue, slots = readout(tx, context), worker_slots(tx, context)
    return page(request, "workers.html", readout=queue, slots=slots)
