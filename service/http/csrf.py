"""Protection against cross-site request forgery: pages of other websites can change nothing."""

from fastapi import Request

from core.errors import Problem
from core.spec.explain import shorten
from service.http.errors import ForeignOrigin

CHANGING = frozenset({"POST", "PATCH", "DELETE"})
"""Methods that change something."""


async def require_same_origin(request: Request) -> None:
    """Refuses a change that a browser sends on behalf of a page of another host.

    Browsers let any page send simple requests, such as a cancel, to this machine. Only browsers
    send ``Origin``; programs are let through.

    Raises:
        ForeignOrigin: The ``Origin`` of a changing request is not its ``Host``.
    """
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if request.method not in CHANGING or origin is None:
        return
    if origin.partition("://")[2].lower() != host.lower():
        message = "pages of other websites may not change anything here; open the page at this host"
        raise ForeignOrigin(
            Problem("/header/Origin", "foreign_origin", message, shorten(origin), host)
        )
