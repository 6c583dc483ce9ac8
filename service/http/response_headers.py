"""Headers of every answer: what a browser may do with it, and whether it may keep it.

A route that needs others sets them itself; what an answer has already is left alone.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROTECTION: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
)

_NO_FRAMES = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

PAGE_POLICY = f"default-src 'self'; {_NO_FRAMES}"
"""Pages load everything from this host, and have no scripts or styles of their own."""

_POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "text/html": PAGE_POLICY,
        # a figure that is opened by itself is a document: it has styles, and never scripts
        "image/svg+xml": "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'",
    }
)
_OTHER_POLICY = "frame-ancestors 'none'"

REVALIDATE, DO_NOT_STORE = "no-cache", "no-store"


class ResponseHeaders:
    """ASGI middleware that adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds to the answer's headers those that it lacks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders) -> None:
    media_type = headers.get("content-type", "").partition(";")[0]
    for name, value in PROTECTION.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", _POLICIES.get(media_type, _OTHER_POLICY))
    # a page is worth keeping without a tag, too: the browser shows it at once on the way back
    can_revalidate = "etag" in headers or media_type == "text/html"
    headers.setdefault("Cache-Control", REVALIDATE if can_revalidate else DO_NOT_STORE)
