"""HTTP access to a lab: JSON or bytes as answers, failures as :mod:`extrapolab.errors`."""

import itertools
import json
import os
import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from secrets import SystemRandom
from typing import Any
from urllib.parse import quote

import httpx2

from extrapolab.client.connection.waiting import shown_wait
from extrapolab.errors import BadEnvironment, LabUnreachable, ServerProblem, error_of

FIRST_PATIENCE = 2.0
"""Seconds to keep trying a lab that has not answered yet."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries: doubled each time, with jitter so that clients don't retry in step."""

MAX_PAGE_SIZE = 500
"""Most items that a lab puts on one page of a list."""

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Parameters = Mapping[str, str | int | float | None]
"""Query parameters; None values are not sent."""

ObserveDownload = Callable[[Mapping[str, str]], Callable[[bytes], object]]
"""Called with the headers of an answer; what it returns is called with each part of the content."""


class Transport:
    """Requests to the lab at ``url``, retried for up to ``patience`` seconds while it is down.

    A request is only repeated if that cannot do anything twice: reads, requests with an idempotency
    key, and requests that did not reach the lab.
    """

    def __init__(self, url: str, *, user: str | None, patience: float) -> None:
        address = checked_url(url).rstrip("/")
        self.url = without_password(address)
        self._patience = patience
        self._has_answered = False
        self._headers = {"X-Extrapolab-User": _encoded(user)} if user else {}
        self._trust_env = httpx2.URL(url).host not in _LOOPBACK  # no proxy leads to this machine
        # Reading all authorities takes 20 ms; without any, no TLS connection is possible.
        self._tls = self.url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._address = address
        with _sentences_of_environment():
            self._client = httpx2.Client(
                base_url=address,
                headers=self._headers,
                timeout=httpx2.Timeout(60.0, connect=5.0),
                trust_env=self._trust_env,
                verify=self._tls,
            )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def async_client(self) -> httpx2.AsyncClient:
        """Opens connections for an event loop; a stream must send something within 40 s."""
        with _sentences_of_environment():
            return httpx2.AsyncClient(
                base_url=self._address,
                headers=self._headers,
                timeout=httpx2.Timeout(40.0, connect=5.0),
                trust_env=self._trust_env,
                verify=self._tls,
            )

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """Returns the JSON answer to GET ``path``."""
        return self._json(self._send("GET", path, parameters, repeatable=True))

    def items(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        limit: int | None = None,
        within: str | None = None,
    ) -> Iterator[Any]:
        """Iterates over the list at ``path``, fetching each page when its first item is needed.

        Args:
            path: Where the list is.
            parameters: Query parameters.
            limit: Most items to return; all of them by default.
            within: The key of the answer that holds the page, if it is not the whole answer.
        """
        size = MAX_PAGE_SIZE if limit is None else min(limit, MAX_PAGE_SIZE)
        pages = self._pages(path, {"limit": size, **(parameters or {})}, within)
        return itertools.islice(itertools.chain.from_iterable(pages), limit)

    def _pages(self, path: str, parameters: Parameters, within: str | None) -> Iterator[list[Any]]:
        cursor: str | None = None
        while True:
            answer = self.get(path, {**parameters, "cursor": cursor})
            page = answer if within is None else answer[within]
            yield page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def get_bytes(self, path: str, parameters: Parameters | None = None) -> bytes:
        """Returns the answer to GET ``path`` as it is."""
        return self._send("GET", path, parameters, repeatable=True).content

    def download(
        self,
        path: str,
        parameters: Parameters | None,
        target: Path,
        observe: ObserveDownload | None = None,
    ) -> None:
        """Streams the answer to GET ``path`` to a file, which appears only once it is complete.

        Args:
            path: What to get.
            parameters: Query parameters.
            target: The file.
            observe: Observes each try.
        """
        part = target.with_name(f"{target.name}.part")

        def stream_to_part() -> httpx2.Response:
            headers = {"Accept-Encoding": "identity"}
            with self._client.stream(
                "GET", path, params=_without_none(parameters), headers=headers
            ) as response:
                if not response.is_success:
                    response.read()
                    return response
                observe_chunk = None if observe is None else observe(response.headers)
                with part.open("wb") as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
                        if observe_chunk is not None:
                            observe_chunk(chunk)
            return response

        try:
            with shown_wait() if observe is None else nullcontext():
                self._with_retries(stream_to_part, repeatable=True)
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
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Returns the JSON answer to POST ``path``.

        Args:
            path: Where to send it.
            body: Sent as JSON, with NumPy arrays and numbers as lists and numbers.
            parameters: Query parameters.
            idempotency_key: Identifies the request if it is sent again.
            repeatable: Whether repeating it is harmless without such a key.
            headers: Further headers.
        """
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        # NaN and infinities are sent as they are, so that the lab's answer names the field.
        content = None if body is None else json.dumps(body, default=_as_json).encode()
        repeatable = repeatable or idempotency_key is not None
        response = self._send(
            "POST",
            path,
            parameters,
            headers={**sent, **(headers or {})},
            content=content,
            repeatable=repeatable,
        )
        return self._json(response)

    def create(
        self,
        path: str,
        body: object,
        parameters: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Returns the JSON answer to POST ``path``, sent again under the same key."""
        key = uuid.uuid4().hex
        return self.post(path, body, parameters, idempotency_key=key, headers=headers)

    def dry_run(self, path: str, body: object, parameters: Parameters | None = None) -> Any:
        """Returns the JSON answer to POST ``path`` as a dry run, which stores nothing."""
        return self.post(path, body, {"dry_run": "true", **(parameters or {})}, repeatable=True)

    def patch(self, path: str, body: object) -> Any:
        """Returns the JSON answer to PATCH ``path``, the last write wins."""
        headers = {"Content-Type": "application/json", "If-Match": "*"}
        content = json.dumps(body, default=_as_json).encode()
        response = self._send(
            "PATCH", path, None, headers=headers, content=content, repeatable=True
        )
        return self._json(response)

    def delete(self, path: str, parameters: Parameters | None = None) -> None:
        """Removes the resource at ``path``."""
        self._send("DELETE", path, parameters, repeatable=False)

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
        params = _without_none(parameters)

        def request() -> httpx2.Response:
            return self._client.request(
                method, path, params=params, headers=headers, content=content
            )

        with shown_wait():
            return self._with_retries(request, repeatable=repeatable)

    def _with_retries(
        self, send: Callable[[], httpx2.Response], *, repeatable: bool
    ) -> httpx2.Response:
        """Returns the first success; retries harmless requests until patience runs out."""
        started = time.monotonic()
        longest = FIRST_PAUSE
        while True:
            pause = longest * SystemRandom().uniform(0.5, 1.0)
            try:
                response = send()
            except httpx2.TransportError as error:
                problem: Exception = LabUnreachable(self.url, str(error) or type(error).__name__)
                never_connected = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                if not repeatable and not never_connected:
                    raise problem from error
            else:
                self._has_answered = True
                if response.is_success:
                    return response
                problem = error_of(response.status_code, response.content)
                if not repeatable or not _is_temporary(response):
                    raise problem
                pause = max(pause, _retry_after(response))
            patience = self._patience if self._has_answered else min(self._patience, FIRST_PATIENCE)
            if time.monotonic() - started + pause > patience:
                raise problem
            time.sleep(pause)
            longest = min(2 * longest, LONGEST_PAUSE)

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            message = f"{response.url} did not answer with JSON; is {self.url} an Extrapolab lab?"
            raise ServerProblem(response.status_code, message) from error


def checked_url(url: str) -> str:
    """Returns ``url`` if it has the form of a lab's.

    Raises:
        ValueError: It is not of the form http://host:port.
    """
    with suppress(httpx2.InvalidURL):  # whose message may quote a password
        parsed = httpx2.URL(url)
        if parsed.scheme in {"http", "https"} and parsed.host:
            return url
    shown = without_password(url)
    raise ValueError(f"the lab's URL should look like http://host:port; it is {shown!r}")


def without_password(url: str) -> str:
    """A URL without the user and password that a proxy may want."""
    return re.sub(r"//.*@", "//", url)


@contextmanager
def _sentences_of_environment() -> Iterator[None]:
    """Says which variables of the environment allow no connection; shows no proxy's password."""
    proxies = "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
    try:
        yield
    except ImportError as error:
        raise BadEnvironment(
            f"A proxy in {proxies} speaks SOCKS, which needs another Python package: "
            "pip install socksio, or add the lab's host to NO_PROXY."
        ) from error
    except ValueError:
        raise BadEnvironment(
            f"A proxy in {proxies} is not of the form http://host:port or socks5://host:port."
        ) from None
    except OSError as error:
        given = {name: os.environ[name] for name in _CERTIFICATES if name in os.environ}
        named = " and ".join(f"{name}={value}" for name, value in given.items()) or "this system"
        reason = error.strerror or str(error)
        raise BadEnvironment(f"The certificates of {named} can't be read: {reason}.") from error


def _encoded(user: str) -> str:
    """A name as a header holds it: percent-encoded where it is not printable ASCII."""
    printable = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
    return quote(user, safe=printable, errors="surrogateescape")


def _without_none(parameters: Parameters | None) -> dict[str, str | int | float]:
    return {name: value for name, value in (parameters or {}).items() if value is not None}


def _is_temporary(response: httpx2.Response) -> bool:
    return "Retry-After" in response.headers or response.status_code in {502, 503, 504}


def _retry_after(response: httpx2.Response) -> float:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


def _as_json(value: object) -> object:
    if callable(to_list := getattr(value, "tolist", None)):  # an array or number of NumPy
        return to_list()
    raise TypeError(f"{type(value).__name__} can't be sent as JSON: {value!r}")
