"""The application context, which gives request handlers the database and what goes with it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.event_feed import EventFeed
from service.settings import Settings
from store.db.database import Database
from store.queue.dispatcher import Dispatcher


@dataclass(frozen=True)
class AppContext:
    """The objects that live as long as the application.

    Attributes:
        settings: The service's settings.
        database: The database of experiments; only request handlers open transactions on it.
        dispatcher: Wakes workers; notified after a commit that leaves work to do.
        feed: Delivers events to streams.
    """

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    feed: EventFeed


def context_of(request: Request) -> AppContext:
    """The context of the application that handles ``request``."""
    context: AppContext = request.app.state.context
    return context


async def _context(request: Request) -> AppContext:  # async: no thread for an attribute
    return context_of(request)


Context = Annotated[AppContext, Depends(_context)]
