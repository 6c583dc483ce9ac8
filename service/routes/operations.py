"""Operations: worker slots, health and readiness, and the spec's schema."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from kombu import Connection
from kombu.exceptions import OperationalError
from pydantic_core import to_json

from core.spec import ExperimentSpec
from service import schemas
from service.context import Context
from service.http import examples
from service.http import openapi as documentation
from service.http.ids import WorkerId
from service.http.pagination import page
from service.http.parameters import Cursor, Limit
from store.attention import notices
from store.db import schema
from store.db.database import now
from store.queue import workers
from store.queue.overview import overview

router = APIRouter(tags=["operations"])

SCHEMA = to_json(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ExperimentSpec.model_json_schema(),
    }
)


@router.get(
    "/v1/workers",
    response_model=schemas.Page[schemas.Worker],
    response_description="One page of worker slots.",
    responses=documentation.problems(400, 503),
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Worker]:
    """List the worker slots, with their hosts, heartbeats and current experiments."""
    with context.database.read() as tx:
        slots, read_at = workers.activities(tx), now(tx)
    items, next_cursor = page(slots, lambda slot: slot.worker.id, limit=limit, cursor=cursor)
    lease = context.settings.lease_seconds
    return schemas.Page(
        items=[schemas.Worker.from_record(slot, read_at, lease) for slot in items],
        next=next_cursor,
    )


@router.post(
    "/v1/workers/{id:experiment}:drain",
    status_code=202,
    response_model=schemas.Worker,
    responses={
        202: documentation.answer("The slot is asked to drain.", examples.WORKER),
        **documentation.problems(404, 503),
    },
)
def drain(worker_id: WorkerId, context: Context) -> schemas.Worker:
    """Drain a worker slot.

    Within seconds it saves its experiment, hands it back and claims no more. It stays listed as
    `drained` until its process ends; a restarted worker is not drained.
    """
    with context.database.write() as tx:
        workers.drain(tx, worker_id)
        drained, read_at = workers.activity(tx, worker_id), now(tx)
    return schemas.Worker.from_record(drained, read_at, context.settings.lease_seconds)


@router.get(
    "/v1/queue",
    response_model=schemas.Queue,
    response_description="The queue.",
    responses=documentation.problems(503),
)
def queue(
    context: Context,
    limit: Annotated[
        int, Query(ge=0, le=500, description="Maximum number of the next experiments.")
    ] = 50,
) -> schemas.Queue:
    """Read the queue: what runs and waits on each device, and what starts next.

    Estimates assume that experiments take as long as recent ones did, and that no other is
    submitted.
    """
    with context.database.read() as tx:
        seen = overview(tx, fresh_seconds=context.settings.lease_seconds, limit=limit)
    return schemas.Queue.from_record(seen)


@router.get(
    "/v1/attention",
    response_model=schemas.Notices,
    response_description="All notices.",
    responses=documentation.problems(503),
)
def attention(context: Context) -> schemas.Notices:
    """List what needs somebody, most urgent first.

    A full disk, experiments that wait while no worker is up, silent workers, and what failed or
    mostly diverged in the last day.
    """
    with context.database.read() as tx:
        found = notices(tx, context.database, fresh_seconds=context.settings.lease_seconds)
    return schemas.Notices(items=[schemas.Notice.from_record(notice) for notice in found])


@router.get(
    "/v1/schema",
    response_model=dict[str, Any],
    response_description="The JSON Schema.",
    responses=documentation.problems(),
)
async def spec_schema() -> Response:
    """Read the JSON Schema of a spec.

    It leaves out rules between fields, such as shapes that must agree.
    """
    return Response(SCHEMA, media_type="application/json")


@router.get(
    "/healthz",
    response_model=schemas.Health,
    response_description="The process is alive.",
    responses=documentation.problems(),
)
async def health() -> schemas.Health:
    """Check that the process is alive."""
    return schemas.Health(status="ok")


@router.get(
    "/readyz",
    response_model=schemas.Readiness,
    response_description="The service accepts experiments.",
    responses=documentation.problems(503),
)
def readiness(context: Context) -> schemas.Readiness:
    """Check that the service accepts experiments.

    If only the broker is down, it still does; experiments may start later.
    """
    schema.check(context.settings.database_url)
    broker_error = _broker_error(context.settings.broker_url)
    return schemas.Readiness(
        status="degraded" if broker_error else "ready", database="ok", broker=broker_error or "ok"
    )


def _broker_error(url: str) -> str | None:
    """The error of a connection to the broker; None if it succeeds."""
    timeouts = {"socket_connect_timeout": 1, "socket_timeout": 1}
    try:
        with Connection(url, transport_options=timeouts) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except OperationalError as error:
        return str(error)
    return None
