"""The one seam to a lab: HTTP requests out, JSON or bytes in, every failure as an error of :mod:`extrapolab.errors`."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import SystemRandom
from typing import Any

import httpx2
import numpy as np

from extrapolab.errors import LabUnreachable, ServerProblem, error_of

FIRST_PATIENCE = 2.0
"""Seconds that a lab which has not answered yet may take to appear."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries: doubled each time, and drawn from the upper half so that clients don't
come in step."""

LARGEST_PAGE = 500
"""Items of a list's page; a lab gives no more at once."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Parameters = Mapping[str, str | int | float | None]
"""Query parameters; those that are None are not sent."""


class Transport:
    """Requests to the lab at ``url``, tried again for up to ``patience`` seconds while it is away.

    A request is sent again only where that can't do a thing twice: reads, requests with an
    idempotency key, and requests that did not reach the lab.
    """

    def __init__(self, url: str, *, user: str | None, patience: float) -> None:
        self.url = checked_url(url).rstrip("/")
        self._patience = patience
        self._has_answered = False
        self._headers = {"X-Extrapolab-User": user} if user else {}
        self._trust_env = httpx2.URL(url).host not in _LOOPBACK  # no proxy leads to this machine
        self._client = httpx2.Client(
            base_url=self.url,
            headers=self._headers,
            timeout=httpx2.Timeout(60.0, connect=5.0),
            trust_env=self._trust_env,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def for_a_loop(self) -> httpx2.AsyncClient:
        """Connections of an event loop's own, for streams; a lab's say at least every 15 s that they are alive."""
        return httpx2.AsyncClient(
            base_url=self.url,
            headers=self._headers,
            timeout=httpx2.Timeout(40.0, connect=5.0),
            trust_env=self._trust_env,
        )

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """The JSON answer to GET ``path``."""
        return self._json(self._send("GET", path, parameters, repeatable=True))

    def items(self, path: str, parameters: Parameters | None = None) -> Iterator[Any]:
        """Every item of the list at ``path``; a page is asked for when its first item is wanted."""
        cursor: str | None = None
        while True:
            page = self.get(path, {"limit": LARGEST_PAGE, **(parameters or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def get_bytes(self, path: str, parameters: Parameters | None = None) -> bytes:
        """The answer to GET ``path`` as it is."""
        return self._send("GET", path, parameters, repeatable=True).content

    def download(self, path: str, parameters: Parameters | None, target: Path) -> None:
        """Writes the answer to GET ``path`` to a file as it comes in; there is no file where it never comes whole."""
        part = target.with_name(f"{target.name}.part")

        def take() -> httpx2.Response:
            headers = {"Accept-Encoding": "identity"}
            with self._client.stream(
                "GET", path, params=_given(parameters), headers=headers
            ) as response:
                if not response.is_success:
                    response.read()
                    return response
                with part.open("wb") as file:
                    for piece in response.iter_bytes():
                        file.write(piece)
            return response

        try:
            self._tried(take, repeatable=True)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def post(
        self,
        path: str,
        body: object = None,
        parameters: Parameters | None = None,
        *,
        idempotency_key: str | None = None,
        repeatable: bool = False,
    ) -> Any:
        """The JSON answer to POST ``path``.

        Args:
            path: Where to.
            body: Sent as JSON, NumPy arrays and numbers in it as lists and numbers.
            parameters: Of the query.
            idempotency_key: By which the lab knows a request that is sent again.
            repeatable: Whether doing it twice does no harm even without such a key.
        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        # NaN and infinities are sent as they are, so that the lab's answer names the field.
        content = None if body is None else json.dumps(body, default=_as_json).encode()
        repeatable = repeatable or idempotency_key is not None
        return self._json(
            self._send(
                "POST", path, parameters, headers=headers, content=content, repeatable=repeatable
            )
        )

    def patch(self, path: str, body: object) -> Any:
        """The JSON answer to PATCH ``path``, whichever version is there: the last change stands."""
        headers = {"Content-Type": "application/json", "If-Match": "*"}
        content = json.dumps(body, default=_as_json).encode()
        return self._json(
            self._send("PATCH", path, None, headers=headers, content=content, repeatable=True)
        )

    def delete(self, path: str) -> None:
        """Removes what is at ``path``."""
        self._send("DELETE", path, None, repeatable=False)

    def _send(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        *,
        repeatable: bool,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        given = _given(parameters)

        def ask() -> httpx2.Response:
            return self._client.request(
                method, path, params=given, headers=headers, content=content
            )

        return self._tried(ask, repeatable=repeatable)

    def _tried(self, ask: Callable[[], httpx2.Response], *, repeatable: bool) -> httpx2.Response:
        """A good answer, asked for again for as long as patience lasts where that can do no harm."""
        first_try = time.monotonic()
        longest = FIRST_PAUSE
        while True:
            pause = longest * SystemRandom().uniform(0.5, 1.0)
            try:
                response = ask()
            except httpx2.TransportError as error:
                problem: Exception = LabUnreachable(self.url, str(error) or type(error).__name__)
                if not repeatable and not isinstance(
                    error, httpx2.ConnectError | httpx2.ConnectTimeout
                ):
                    raise problem from error
            else:
                self._has_answered = True
                if response.is_success:
                    return response
                problem = error_of(response.status_code, response.content)
                if not repeatable or not _may_ask_again(response):
                    raise problem
                pause = max(pause, _retry_after(response))
            patience = self._patience if self._has_answered else min(self._patience, FIRST_PATIENCE)
            if time.monotonic() - first_try + pause > patience:
                raise problem
            time.sleep(pause)
            longest = min(2 * longest, LONGEST_PAUSE)

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            message = f"{response.url} did not answer with JSON; is {self.url} an Extrapolab?"
            raise ServerProblem(response.status_code, message) from error


def _given(parameters: Parameters | None) -> dict[str, str | int | float]:
    return {name: value for name, value in (parameters or {}).items() if value is not None}


def checked_url(url: str) -> str:
    """``url``, if a lab can be there.

    Raises:
        ValueError: It is not of the form http://host:port.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"the lab's URL {url!r} is not valid: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"the lab's URL should look like http://host:port, it is {url!r}")
    return url


def _may_ask_again(response: httpx2.Response) -> bool:
    return "Retry-After" in response.headers or response.status_code in {502, 503, 504}


def _retry_after(response: httpx2.Response) -> float:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


def _as_json(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} can't be sent as JSON: {value!r}")
