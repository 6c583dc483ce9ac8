"""The application: routes, errors and documentation put together over one database and one bell.

``uvicorn --factory service.app:create`` starts it with the settings of the environment.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from service import (
    documentation,
    experiments,
    exports,
    figures,
    history,
    operations,
    problems,
    questions,
    results,
    studies,
    submissions,
    sweep_results,
    sweeps,
    tables,
    theorem,
)
from service.edge import Edge
from service.origin import refuse_foreign
from service.parameters import refuse_unknown
from service.requests import RequestIds
from service.settings import Settings
from store.database import Database
from store.wakeup import Bell

STATIC = Path(__file__).parent / "static"
ROUTERS = (
    submissions,
    questions,
    experiments,
    history,
    results,
    figures,
    theorem,
    sweeps,
    sweep_results,
    tables,
    exports,
    studies,
    operations,
)


class Service(FastAPI):
    """FastAPI with this service's own additions to the OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            documentation.complete(super().openapi())
        return super().openapi()


def create() -> FastAPI:
    """The application with the settings of the environment."""
    return build(Settings())


def build(settings: Settings) -> FastAPI:
    """The application with the given settings; database and bell are opened when it starts, and closed when it ends."""
    app = Service(
        title="Extrapolab",
        version="1",
        description=documentation.DESCRIPTION,
        openapi_url=None,  # operations serves it, with unknown parameters refused as everywhere
        separate_input_output_schemas=False,
        dependencies=[Depends(refuse_foreign), Depends(refuse_unknown)],
        lifespan=_lifespan,
    )
    database = Database(settings.database_url)
    app.state.edge = Edge(settings, database, Bell(database, settings))
    for part in ROUTERS:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    app.add_middleware(RequestIds)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    edge: Edge = app.state.edge
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # a large sweep is a million objects at once, and looking through them takes long
    app.openapi()  # takes a moment, and every request is checked against it
    edge.bell.start()
    try:
        yield
    finally:
        edge.bell.stop()
        edge.database.dispose()
