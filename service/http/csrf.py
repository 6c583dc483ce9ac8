"""Who may ask for a change: programs, and the service's own pages.

A page of another website may not.
"""

from fastapi import Request

from core.errors import Problem
from core.spec.explain import shorten
from service.http.errors import ForeignOrigin

CHANGING = frozenset({"POST", "PATCH", "DELETE"})
"""Methods that change something."""


async def refuse_foreign(request: Request) -> None:
    """Refuses a change that a browser sends for a page of another host; only browsers send ``Origin``.

    A browser lets any page send requests that need no body of a special type, such as a cancel, to
    this machine.

    Raises:
        ForeignOrigin: The request's ``Origin`` is not its ``Host``.
    """
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if (
        request.method in CHANGING
        and origin is not None
        and origin.partition("://")[2].lower() != host.lower()
    ):
        message = (
            "a page of another website may not change anything here; open the page at this host"
        )
        raise ForeignOrigin(
            Problem("/header/Origin", "foreign_origin", message, shorten(origin), host)
        )
