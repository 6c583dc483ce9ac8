"""Whether the service lives and can work, who works for it, and what it understands."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
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
from store.db import schema
from store.db.database import now
from store.queue import workers

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
    responses=documentation.problems(400, 503),
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Worker]:
    """List the worker slots: where they run, when they were last heard of, and what they work on."""
    with context.database.read() as tx:
        found, at = workers.listing(tx), now(tx)
    items, following = page(found, lambda worker: worker.id, limit=limit, cursor=cursor)
    lease = context.settings.lease_seconds
    return schemas.Page(
        items=[schemas.Worker.from_record(worker, at, lease) for worker in items], next=following
    )


@router.post(
    "/v1/workers/{id:experiment}:drain",
    status_code=202,
    response_model=schemas.Worker,
    responses={
        202: documentation.answer("It is asked to.", examples.WORKER),
        **documentation.problems(404, 503),
    },
)
def drain(worker_id: WorkerId, context: Context) -> schemas.Worker:
    """Drain a worker slot: within seconds it saves and hands back what it runs, and claims no more.

    It stays on the list as `drained` until its process is ended; a worker that is started anew is
    not drained.
    """
    with context.database.write() as tx:
        drained, at = workers.drain(tx, worker_id), now(tx)
    return schemas.Worker.from_record(drained, at, context.settings.lease_seconds)


@router.get("/v1/schema", response_model=dict[str, Any], responses=documentation.problems())
async def spec_schema() -> Response:
    """Read the JSON Schema of a spec.

    Rules between fields, such as shapes that must agree, are not in it.
    """
    return Response(SCHEMA, media_type="application/json")


@router.get("/healthz", response_model=schemas.Health, responses=documentation.problems())
async def health() -> schemas.Health:
    """Whether the process lives."""
    return schemas.Health(status="ok")


@router.get("/readyz", response_model=schemas.Readiness, responses=documentation.problems(503))
def readiness(context: Context) -> schemas.Readiness:
    """Whether experiments can be taken in.

    A broker that is away only delays their start, so it is no obstacle.
    """
    schema.check(context.settings.database_url)
    trouble = _broker_trouble(context.settings.broker_url)
    return schemas.Readiness(
        status="degraded" if trouble else "ready", database="ok", broker=trouble or "ok"
    )


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """This service's OpenAPI document."""
    return Response(to_json(request.app.openapi()), media_type="application/json")


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The documentation for reading and trying out. It loads nothing from other hosts."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Extrapolab",
        swagger_js_url="static/swagger-ui/swagger-ui-bundle.js",
        swagger_css_url="static/swagger-ui/swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"validatorUrl": None, "tryItOutEnabled": True},
    )


@router.get("/", include_in_schema=False)
async def home() -> RedirectResponse:
    """Leads to the documentation."""
    return RedirectResponse("docs")


def _broker_trouble(url: str) -> str | None:
    """What keeps wake-ups from being sent, None if nothing does."""
    patience = {"socket_connect_timeout": 1, "socket_timeout": 1}
    try:
        with Connection(url, transport_options=patience) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except OperationalError as error:
        return str(error)
    return None
