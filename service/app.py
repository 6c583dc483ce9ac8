"""The FastAPI application: routes, errors and documentation over one database and one dispatcher.

Start it with the environment's settings:
``uvicorn --factory service.app:create --http service.http.header_limits:LimitedHttpProtocol``
"""

import asyncio
import gc
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from service.context import AppContext
from service.event_feed import EventFeed
from service.exports.encoding import MEDIA_TYPES
from service.http import openapi as openapi_document
from service.http import problems
from service.http.head import HeadAsGet
from service.http.hosts import KnownHosts
from service.http.parameters import refuse_unknown
from service.http.path_names import EncodedNames
from service.http.request_id import RequestIds
from service.http.response_headers import ResponseHeaders
from service.http.root_path import RootPath
from service.notifications.notifier import Notifier
from service.pages import site
from service.pages.problem import problem_page
from service.pages.routers import PAGES
from service.routes import (
    bulk,
    bundles,
    compare,
    documentation,
    events,
    experiments,
    exports,
    facets,
    figures,
    history,
    imports,
    notifications,
    operations,
    papers,
    query,
    results,
    saved_figures,
    series,
    studies,
    submissions,
    sweep_figures,
    sweep_refinement,
    sweep_results,
    sweeps,
    table,
    teachers,
    theorem,
    views,
)
from service.settings import Settings
from store import process_log
from store.db import schema
from store.db.database import Database
from store.errors import StoreUnavailable, UnsuitableDatabase
from store.queue.dispatcher import Dispatcher

STATIC = Path(__file__).parent / "static"
ROUTERS = (
    submissions,
    imports,
    query,
    bulk,
    facets,
    experiments,
    history,
    events,
    results,
    figures,
    theorem,
    teachers,
    sweeps,
    sweep_results,
    sweep_refinement,
    sweep_figures,
    table,
    series,
    exports,
    bundles,
    papers,
    compare,
    saved_figures,
    views,
    studies,
    notifications,
    operations,
    documentation,
)
UNCOMPRESSED_TYPES = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    *(media_type for media_type in MEDIA_TYPES.values() if media_type != "application/json"),
)
"""Media types sent as they are: compressing an export takes several times as long as making it."""

logger = logging.getLogger(__name__)


class Service(FastAPI):
    """FastAPI with this service's additions to the OpenAPI document and to every answer."""

    def build_middleware_stack(self) -> ASGIApp:
        """The middleware; the outermost see the answers to unexpected errors, too."""
        settings = self.state.context.settings
        inner = EncodedNames(super().build_middleware_stack())
        app = KnownHosts(
            HeadAsGet(RootPath(inner, settings.root_path.rstrip("/"))),
            settings.host_names,
            allow_anyone=settings.allow_anyone,
        )
        return RequestIds(ResponseHeaders(app))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, built once."""
        if self.openapi_schema is None:
            openapi_document.complete(super().openapi())
        return super().openapi()


def create() -> FastAPI:
    """Builds the application with the environment's settings, and configures logging."""
    process_log.configure("api")
    server = logging.getLogger("uvicorn")  # has a handler and a format of its own
    server.handlers.clear()
    server.propagate = True
    settings = Settings()
    _require_suitable_database(settings.database_url)
    return build(settings)


def _require_suitable_database(url: str) -> None:
    """Ends the process if no lab can work on the database; one that is away may come back."""
    try:
        schema.revision(url)
    except (UnsuitableDatabase, ValueError) as error:
        sys.exit(str(error))
    except StoreUnavailable as error:
        logger.warning("starting without the database: %s", error)


def build(settings: Settings) -> FastAPI:
    """Builds the application; its database and dispatcher are open while it runs."""
    app = Service(
        title="Extrapolab",
        version="1",
        description=openapi_document.DESCRIPTION,
        openapi_tags=openapi_document.TAGS,
        openapi_url=None,  # routes.documentation serves it, and refuses unknown parameters
        separate_input_output_schemas=False,
        dependencies=[Depends(refuse_unknown)],
        lifespan=_lifespan,
    )
    database = Database(settings.database_url)
    app.state.context = AppContext(
        settings,
        database,
        Dispatcher(database, settings),
        EventFeed(database, settings.lease_seconds),
    )
    for module in (*ROUTERS, *PAGES):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/docs", site.Documentation(site.SITE), name="docs")
    problems.install(app, problem_page)
    app.add_middleware(
        GZipMiddleware, minimum_size=1000, compresslevel=1, exclude_content_types=UNCOMPRESSED_TYPES
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: AppContext = app.state.context
    _tune_garbage_collection()
    context.dispatcher.start()
    notifier = Notifier(context.database, context.settings)
    notifier.start()
    try:
        async with context.feed.running():
            with _ending_streams_on_signals(context.feed):
                yield
    finally:
        notifier.stop()
        context.dispatcher.stop()
        context.database.dispose()


def _tune_garbage_collection() -> None:
    """Collects rarely: a large sweep is a million live objects, and scanning them takes long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 100)


@contextmanager
def _ending_streams_on_signals(feed: EventFeed) -> Iterator[None]:
    """Ends event streams on a stop signal: the server waits for them before it shuts down."""
    if threading.current_thread() is not threading.main_thread():  # signals reach only that one
        yield
        return
    loop = asyncio.get_running_loop()
    server_handlers = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(feed.end_streams)
        handler = server_handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in server_handlers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in server_handlers.items():
            signal.signal(number, handler)
