"""A bound on the heads of requests: on their length, and on how long they take to arrive.

The parser keeps a head until it is whole, the server waits for it, and neither has a limit of its
own. Whoever starts the server names this protocol: ``uvicorn --factory service.app:create --http
service.http.header_limits:LimitedHttpProtocol``.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from core.errors import Problem
from service.http import problems, request_id
from service.http.errors import HeadTooLong, HeadTooSlow, NotHttp, Refusal

LONGEST = 64 * 2**10
"""Bytes of a head, or of the trailers after a body."""

SECONDS = 20.0
"""In which a head has to be whole, once the connection is made or its first byte is there."""

_PIECE = 16 * 2**10
"""The parser is given so many bytes at a time, so that no head is much longer than allowed when it
is looked at."""

_LAST_SECONDS = 2.0
"""What a client goes on to send is read, and thrown away, for so long: closing at once would take
its answer away."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """A connection whose requests are let in when their heads are whole, and refused where that takes too much."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first head."""
        super().connection_made(transport)
        # bytes that the parser was given since it last came to an end of a head or a part of a body
        self._kept = 0
        self._came_to_an_end = self._in_head = self._refused = False
        self._patience: TimerHandle | None = None
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hands the bytes on, and looks at what the parser keeps of them."""
        for first in range(0, len(data), _PIECE):
            if self._refused or self.transport.is_closing():
                return
            piece = data[first : first + _PIECE]
            self._came_to_an_end = False
            super().data_received(piece)
            self._kept = 0 if self._came_to_an_end else self._kept + len(piece)
            if self._kept > LONGEST:
                self._refuse(
                    HeadTooLong(
                        Problem("", "head_too_long", f"it should be at most {LONGEST} bytes long")
                    )
                )
        if self._in_head and self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = self._came_to_an_end = True

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._in_head, self._came_to_an_end = False, True
        self._wait_no_longer()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The length of a chunk was read."""
        self._came_to_an_end = True

    def on_body(self, body: bytes) -> None:
        """Part of a body was read, which the application takes or the server throws away."""
        self._came_to_an_end = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser doesn't understand."""
        self._refuse(NotHttp(Problem("", "not_http", msg)))

    def _wait(self) -> None:
        self._patience = self.loop.call_later(SECONDS, self._lose_patience)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        if self._in_head:
            self._refuse(
                HeadTooSlow(
                    Problem("", "head_too_slow", f"it should be there within {SECONDS:g} s")
                )
            )
        else:
            self.transport.close()  # it never asked for anything

    def _refuse(self, refusal: Refusal) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            # another answer is under way, and this one can't be told from it
            self.transport.close()
            return
        self.transport.write(_answer(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LAST_SECONDS, self.transport.close)


def _answer(refusal: Refusal) -> bytes:
    kind, name = problems.KINDS[type(refusal)], request_id.made_up()
    content = problems.to_json(kind, refusal.problems, name).encode()
    headers: dict[str, Any] = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": len(content),
        request_id.HEADER: name,
        "connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[kind.status] + lines.encode() + b"\r\n" + content
