"""The application: routes, errors and documentation put together over one database and one dispatcher.

``uvicorn --factory service.app:create --http service.http.header_limits:LimitedHttpProtocol`` starts it
with the settings of the environment.
"""

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.staticfiles import StaticFiles

from service.context import AppContext
from service.event_feed import Feed
from service.exports.encoding import MEDIA_TYPES
from service.http import openapi as documentation
from service.http import problems
from service.http.csrf import refuse_foreign
from service.http.parameters import refuse_unknown
from service.http.request_id import RequestIds
from service.routes import (
    bundles,
    compare,
    events,
    experiments,
    exports,
    figures,
    history,
    imports,
    operations,
    query,
    results,
    saved_figures,
    studies,
    submissions,
    sweep_figures,
    sweep_results,
    sweeps,
    table,
    theorem,
)
from service.settings import Settings
from store.db.database import Database
from store.queue.dispatcher import Dispatcher

STATIC = Path(__file__).parent / "static"
ROUTERS = (
    submissions,
    imports,
    query,
    experiments,
    history,
    events,
    results,
    figures,
    theorem,
    sweeps,
    sweep_results,
    sweep_figures,
    table,
    exports,
    bundles,
    compare,
    saved_figures,
    studies,
    operations,
)
FILES = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    *(form for form in MEDIA_TYPES.values() if form != "application/json"),
)
"""What travels as it is: deflating an export takes several times as long as writing it."""


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
    app.state.context = AppContext(
        settings, database, Dispatcher(database, settings), Feed(database)
    )
    for part in ROUTERS:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app)
    app.add_middleware(
        GZipMiddleware, minimum_size=1000, compresslevel=1, exclude_content_types=FILES
    )
    app.add_middleware(RequestIds)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: AppContext = app.state.context
    gc.collect()
    gc.freeze()
    gc.set_threshold(
        5_000, 20, 100
    )  # a large sweep is a million objects at once, and looking through them takes long
    context.dispatcher.start()
    try:
        async with context.feed.running():
            with _ending(context.feed):
                yield
    finally:
        context.dispatcher.stop()
        context.database.dispose()


@contextmanager
def _ending(feed: Feed) -> Iterator[None]:
    """Ends the streams when the server is told to stop: it would wait for them before it says so to the application."""
    if (
        threading.current_thread() is not threading.main_thread()
    ):  # as in a test: nobody can be told by a signal
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(feed.end)
        server = servers[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for number in servers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, server in servers.items():
            signal.signal(number, server)
