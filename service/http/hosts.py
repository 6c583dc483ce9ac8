"""Protection against other websites, which a browser on this machine may show.

Any page may send requests to any address. A page can also give its own host name the address of
this machine, so that the browser takes the lab for that page's host and lets it read all answers.
Hence the lab answers only to names that it is known by, and changes nothing for the page of another
host. Only browsers send ``Origin``; other programs are let through.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import Problem
from core.spec.explain import shorten
from service.http import problems
from service.http.errors import BadHost, ForeignOrigin, Refusal, Unprotected, WrongHost
from service.http.request_id import request_id

CHANGING = frozenset({"POST", "PATCH", "DELETE"})
"""Methods that change something."""

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\[\]]+))(?::\d{1,5})?", re.IGNORECASE)


class KnownHosts:
    """ASGI middleware that refuses requests for other hosts, and of their pages."""

    def __init__(self, app: ASGIApp, names: Collection[str], *, allow_anyone: bool) -> None:
        """Answers to these names, besides loopback ones and the address of each connection."""
        self._app, self._names, self._allow_anyone = app, frozenset(names), allow_anyone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers with the problem."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except Refusal as refusal:
            await _refused(refusal, scope)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        address = str((scope.get("server") or ("",))[0]).lower()
        if not (self._allow_anyone or _is_local(address)):
            message = (
                f"this lab listens on {address} but authenticates no one, so it answers only on "
                "loopback; reach it through SSH or a proxy, or let everyone who reaches it read "
                "and change everything: `extrapolab up --allow-anyone` or EXTRAPOLAB_ALLOW_ANYONE=1"
            )
            raise Unprotected(Problem("", "unprotected", message))
        headers = Headers(scope=scope)
        host = _only(headers, "Host").lower()
        self._require_known(host, address)
        if "origin" in headers:
            changes = scope.get("method") in CHANGING
            self._require_own(_only(headers, "Origin"), host, address, changes=changes)

    def _require_known(self, host: str, address: str) -> None:
        name = _name(host)
        if not name:
            message = "should be a name or an address, and perhaps a port"
            raise BadHost(Problem("/header/Host", "bad_host", message, shorten(host)))
        if not self._knows(name, address):
            message = "the lab is not known by this name; add it to EXTRAPOLAB_HOSTS if it is right"
            allowed = ", ".join(sorted({"localhost", *self._names, *filter(None, [address])}))
            raise WrongHost(Problem("/header/Host", "wrong_host", message, shorten(host), allowed))

    def _require_own(self, origin: str, host: str, address: str, *, changes: bool) -> None:
        authority = origin.partition("://")[2].lower()
        is_own = authority == host if changes else self._knows(_name(authority), address)
        if not is_own:
            verb = "change" if changes else "read"
            message = f"pages of other websites may {verb} nothing here; open the page at this host"
            raise ForeignOrigin(
                Problem("/header/Origin", "foreign_origin", message, shorten(origin), host)
            )

    def _knows(self, name: str, address: str) -> bool:
        return name in self._names or is_loopback(name) or (bool(name) and name == address)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own, which no name server can change."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _is_local(address: str) -> bool:
    """Whether only this machine reaches a server at ``address``, such as a unix socket."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True


def _only(headers: Headers, name: str) -> str:
    """The value of a header that should be given once."""
    values = headers.getlist(name)
    if len(values) != 1:
        message = "should be given once" if values else "is required"
        code = "repeated" if values else "missing"
        raise BadHost(Problem(f"/header/{name}", code, message))
    return values[0]


def _name(authority: str) -> str:
    """The name or address in a ``Host`` header or an origin, without its port; empty for others."""
    match = _AUTHORITY.fullmatch(authority)
    return (match[1] or match[2]).removesuffix(".") if match else ""


def _refused(refusal: Refusal, scope: Scope) -> ASGIApp:
    """The answer to a refused request, or the end of a WebSocket."""
    if scope["type"] != "http":
        return _close
    kind = problems.KINDS[type(refusal)]
    content = problems.to_json(kind, refusal.problems, request_id(Request(scope)))
    return Response(content, kind.status, media_type=problems.MEDIA_TYPE)


async def _close(_scope: Scope, _receive: Receive, send: Any) -> None:
    await send({"type": "websocket.close", "code": 1008})
