"""Request ids: given in ``X-Request-Id`` or generated, and named in every answer."""

import re
import uuid

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store import process_log

HEADER = "X-Request-Id"
_VALID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(request: Request) -> str:
    """The id of ``request``."""
    identity: str = request.state.request_id
    return identity


def new_id() -> str:
    """An id for a request that has none."""
    return uuid.uuid4().hex


class RequestIds:
    """ASGI middleware that gives each request its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the id to the request's state and to the answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client_id = Headers(scope=scope).get(HEADER, "")
        identity = client_id if _VALID.fullmatch(client_id) else new_id()
        scope.setdefault("state", {})["request_id"] = identity

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = identity
            await send(message)

        with process_log.bound(request=identity):
            await self._app(scope, receive, send_with_id)
