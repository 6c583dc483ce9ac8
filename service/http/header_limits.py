"""Limits on the heads of requests: on their length, and on the time they take to arrive.

The parser buffers a head until it is complete, and the server waits for it; neither has a limit.
The server uses this protocol when it is started as ``uvicorn --factory service.app:create --http
service.http.header_limits:LimitedHttpProtocol``.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from core.errors import Problem
from service.http import problems, request_id
from service.http.errors import HeadTooLong, HeadTooSlow, NotHttp, Refusal
from service.http.response_headers import PROTECTION

MAX_BYTES = 64 * 2**10
"""Most bytes of a head, or of the trailers after a body."""

TIMEOUT_SECONDS = 20.0
"""Time for a head to arrive, from the connection or the head's first byte on."""

_PARSED_BYTES = 16 * 2**10
"""Bytes parsed between two checks: a head is found too long at most this many bytes late."""

_LINGER_SECONDS = 2.0
"""Time during which input from a refused client is discarded.

Closing at once would reset the connection, and the client would lose the answer.
"""


class LimitedHttpProtocol(HttpToolsProtocol):
    """An HTTP connection that refuses heads that are too long or too slow."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Starts the timeout of the first head."""
        super().connection_made(transport)
        self._bytes_without_progress = 0
        self._made_progress = False  # the parser reached the end of a head or of part of a body
        self._in_head = self._refused = False
        self._timeout: TimerHandle | None = None
        self._start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeout."""
        self._stop_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses the data in small parts, and checks how much of it the parser buffers."""
        for first in range(0, len(data), _PARSED_BYTES):
            if self._refused or self.transport.is_closing():
                return
            part = data[first : first + _PARSED_BYTES]
            self._made_progress = False
            super().data_received(part)
            self._bytes_without_progress = (
                0 if self._made_progress else self._bytes_without_progress + len(part)
            )
            if self._bytes_without_progress > MAX_BYTES:
                message = f"the head should be at most {MAX_BYTES} bytes long"
                self._refuse(HeadTooLong(Problem("", "head_too_long", message)))
        if self._in_head and self._timeout is None:
            self._start_timeout()

    def on_message_begin(self) -> None:
        """A head starts."""
        super().on_message_begin()
        self._in_head = self._made_progress = True

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._in_head, self._made_progress = False, True
        self._stop_timeout()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The length of a chunk was parsed."""
        self._made_progress = True

    def on_body(self, body: bytes) -> None:
        """Part of a body was parsed."""
        self._made_progress = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser can't parse."""
        self._refuse(NotHttp(Problem("", "not_http", msg)))

    def _start_timeout(self) -> None:
        self._timeout = self.loop.call_later(TIMEOUT_SECONDS, self._on_timeout)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _on_timeout(self) -> None:
        if self._in_head:
            message = f"the head should arrive within {TIMEOUT_SECONDS:g} s"
            self._refuse(HeadTooSlow(Problem("", "head_too_slow", message)))
        else:
            self.transport.close()  # the client never sent a request

    def _refuse(self, refusal: Refusal) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # the client couldn't tell this answer from the one being sent
            return
        self.transport.write(_response(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _response(refusal: Refusal) -> bytes:
    kind, identity = problems.KINDS[type(refusal)], request_id.new_id()
    content = problems.to_json(kind, refusal.problems, identity).encode()
    headers: dict[str, Any] = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": len(content),
        request_id.HEADER: identity,
        **PROTECTION,
        "connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[kind.status] + lines.encode() + b"\r\n" + content
