"""The prefix at which a proxy serves the lab, such as ``/lab`` of ``https://example.org/lab/``.

Requests are answered with the prefix and without it: some proxies take it away and others don't.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.address import root_path


class RootPath:
    """ASGI middleware that tells the application its prefix, and redirects below it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, as one for an address with the prefix."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_with_location(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = _without_origin(headers["location"], host)
            await send(message)

        token = root_path.set(self._prefix)
        try:
            await self._app(self._prefixed(scope), receive, send_with_location)
        finally:
            root_path.reset(token)

    def _prefixed(self, scope: Scope) -> Scope:
        path: str = scope["path"]
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            return {**scope, "root_path": self._prefix}
        raw_path = self._prefix.encode() + (scope.get("raw_path") or path.encode())
        return {
            **scope,
            "root_path": self._prefix,
            "path": self._prefix + path,
            "raw_path": raw_path,
        }


def _without_origin(location: str, host: str) -> str:
    """A redirect to this host without its scheme and port, which only the proxy knows."""
    parts = urlsplit(location)
    return parts._replace(scheme="", netloc="").geturl() if parts.netloc == host else location
