"""HEAD (RFC 9110, 9.3.2): the headers of GET without its content, wherever GET is answered."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware that answers HEAD with the headers of GET, and makes no content for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks for the answer to GET, and leaves it once its headers are there."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})
                answer.cancel()  # a stream would go on for ever

        with anyio.CancelScope() as answer:
            await self._app({**scope, "method": "GET"}, receive, send_headers)
