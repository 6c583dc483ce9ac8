"""The application context: what a request handler is given of the application.

Only here are transactions opened.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.event_feed import Feed
from service.settings import Settings
from store.db.database import Database
from store.queue.dispatcher import Dispatcher


@dataclass(frozen=True)
class AppContext:
    """What the application holds as long as it lives.

    Attributes:
        settings: The service's settings.
        database: Where experiments are kept.
        bell: Rung after a commit that leaves something to do.
        feed: Tells streams what happens.
    """

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    feed: Feed


def context_of(request: Request) -> AppContext:
    """The context of the application that handles ``request``."""
    context: AppContext = request.app.state.context
    return context


async def _context(request: Request) -> AppContext:  # async: no thread for an attribute
    return context_of(request)


Context = Annotated[AppContext, Depends(_context)]
