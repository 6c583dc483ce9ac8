"""The edge of the service: what a request handler is given of the application.

Only here are transactions opened.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.event_feed import Feed
from service.settings import Settings
from store.db.database import Database
from store.queue.dispatcher import Bell


@dataclass(frozen=True)
class Edge:
    """What the application holds as long as it lives.

    Attributes:
        settings: The service's settings.
        database: Where experiments are kept.
        bell: Rung after a commit that leaves something to do.
        feed: Tells streams what happens.
    """

    settings: Settings
    database: Database
    bell: Bell
    feed: Feed


def edge_of(request: Request) -> Edge:
    """The edge of the application that handles ``request``."""
    edge: Edge = request.app.state.edge
    return edge


async def _edge(request: Request) -> Edge:  # async: no thread for an attribute
    return edge_of(request)


Here = Annotated[Edge, Depends(_edge)]
