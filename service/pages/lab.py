"""``/``: what the machines do now, what waits, and what needs somebody."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from core.studies import STUDIES
from service.context import Context
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.slots import worker_slots
from store import attention
from store.db.database import now
from store.queue.finished import HOUR, Hour, finished_by_hour

router = APIRouter(include_in_schema=False)

NEXT = 12
"""Most waiting experiments that are listed."""


@router.get("/")
def lab(request: Request, context: Context) -> HTMLResponse:
    """Show the lab."""
    with context.database.read() as tx:
        at = now(tx)
        shown = readout(tx, context, limit=NEXT)
        needs = attention.notices(
            tx, context.database, fresh_seconds=context.settings.lease_seconds
        )
        slots = worker_slots(tx, context)
        midnight = at - at % (24 * HOUR)
        hours = finished_by_hour(tx, midnight)
    return page(
        request,
        "lab.html",
        readout=shown,
        slots=slots,
        attention=needs,
        hours=_bars(hours),
        finished=sum(hour.completed for hour in hours),
        failed=sum(hour.failed for hour in hours),
        is_empty=not shown.last_event,
        studies=len(STUDIES),
    )


@dataclass(frozen=True)
class Bar:
    """An hour of the chart of finished experiments: heights from 0 to 1."""

    hour: int
    completed: float
    failed: float


def _bars(hours: list[Hour]) -> list[Bar]:
    most = max((hour.completed + hour.failed for hour in hours), default=1)
    return [Bar(hour.hour, hour.completed / most, hour.failed / most) for hour in hours]
