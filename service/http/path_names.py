"""Names in paths: what separates the parts of a path may be percent-encoded in a name.

A server decodes a path before it is matched with routes, so that ``sweeps/a%2Fb`` would have three
parts. Here these characters stay encoded until the name is read.
"""

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_KEPT = re.compile(rb"%(2f|3a|25)", re.IGNORECASE)
_HAS_NAMES = re.compile(rb"/(experiments|sweeps|figures|workers)/")


class EncodedNames:
    """ASGI middleware that keeps ``/``, ``:`` and ``%`` encoded in the names in paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        raw = scope.get("raw_path") or b""
        if scope["type"] == "http" and _KEPT.search(raw) and _HAS_NAMES.search(raw):
            kept = _KEPT.sub(rb"%25\1", raw.partition(b"?")[0])
            scope = {**scope, "path": unquote(kept.decode("latin-1"))}
        await self._app(scope, receive, send)


def decoded(name: str) -> str:
    """A name as :class:`EncodedNames` left it in the path, without percent-encoding."""
    return unquote(name)
