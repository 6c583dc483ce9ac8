"""Sends one message, in a process of its own that connects to nothing but public addresses.

``python -m service.notifications.delivery`` reads a message as JSON and writes its fate as JSON.
An audit hook sees the address of every connection that the process opens, whatever library opens
it and wherever a name or a redirect leads, and no library can remove the hook.
"""

import json
import logging
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from service.notifications.addresses import is_public

TIMEOUT_SECONDS = 10.0
"""Longest wait for a connection or an answer."""

MAX_SECONDS = 40
"""The process ends itself after this; a claim lasts longer."""

SERVICE_HOSTS = (".hooks.slack.com", ".discord.com", ".discordapp.com", ".webhook.office.com")
"""Ends of the hosts of services that want another form than a webhook's."""

_TRY_AGAIN = frozenset({408, 425, 429})
"""Statuses below 500 after which another attempt may succeed."""


@dataclass(frozen=True)
class Message:
    """A message for one target.

    Attributes:
        url: The target's URL.
        title: One line.
        text: The news, a line each.
        content: What a webhook is sent as JSON.
        allow_private: Whether addresses that are not public may be reached.
    """

    url: str
    title: str
    text: str
    content: dict[str, Any]
    allow_private: bool


@dataclass(frozen=True)
class Fate:
    """How an attempt went: an error, None if it was sent, and whether another is of no use."""

    error: str | None = None
    is_final: bool = False


class PrivateAddress(OSError):
    """The connection is to an address that is not public."""


def send(message: Message) -> Fate:
    """Sends a message; the process can connect to no private address any more, unless allowed."""
    refused: list[str] = []
    if not message.allow_private:
        sys.addaudithook(lambda event, parts: _require_public(event, parts, refused))
    for name in list(os.environ):  # a proxy would hide the address
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    try:
        fate = _send(message)
    except Exception as error:  # noqa: BLE001  # of any library; it is in the log of deliveries
        fate = Fate(f"{type(error).__name__}: {error}")
    if refused:
        return Fate(
            f"{refused[0]} is an address of this machine or of a private network; "
            "EXTRAPOLAB_NOTIFY_PRIVATE=1 allows those",
            is_final=True,
        )
    return Fate(fate.error and without_secrets(fate.error, message.url), fate.is_final)


def _require_public(event: str, parts: tuple[Any, ...], refused: list[str]) -> None:
    if event not in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        return
    address = parts[1]
    if event == "socket.sendmsg" and address is None:  # the socket is connected
        return
    host = str(address[0]) if isinstance(address, tuple) else repr(address)
    with suppress(ValueError):
        if is_public(host):
            return
    refused.append(host)
    raise PrivateAddress(f"{host} is a private address")


def _send(message: Message) -> Fate:
    url = urlsplit(message.url)
    if url.scheme.lower() in {"http", "https"}:
        host = f".{(url.hostname or '').lower()}"
        if not host.endswith(SERVICE_HOSTS):
            return _post(message)
        return _send_to_service(message, message.url.partition("?")[0])  # parameters can name files
    return _send_to_service(message, message.url)


def _send_to_service(message: Message, url: str) -> Fate:
    import apprise  # noqa: PLC0415  # only here, never in the API

    asset = apprise.AppriseAsset(http_redirects=False, app_id="Extrapolab", async_mode=False)
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        return Fate("the URL doesn't have the form that its service wants", is_final=True)
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:
        if service.notify(body=message.text, title=message.title, body_format="text"):
            return Fate()
        lines = captured.getvalue().strip().splitlines()
    return Fate(lines[-1] if lines else "the service did not take the message")


def _post(message: Message) -> Fate:
    import httpx2  # noqa: PLC0415  # services need none

    with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        request = client.build_request("POST", message.url, json=message.content)
        answer = client.send(request, stream=True, follow_redirects=False)  # its body isn't read
        answer.close()
    if answer.is_success:
        return Fate()
    status = answer.status_code
    if answer.is_redirect:
        return Fate(f"it answered {status}, and redirects are not followed", is_final=True)
    return Fate(f"it answered {status}", is_final=status < 500 and status not in _TRY_AGAIN)


def without_secrets(text: str, url: str) -> str:
    """A text without the parts of a URL that may be secret: all but its scheme and host."""
    parsed = urlsplit(url)
    parts = {url, parsed.path, parsed.query, parsed.username or "", parsed.password or ""}
    parts |= {*parsed.path.split("/"), *parsed.query.replace("=", "&").split("&")}
    parts |= {unquote(part) for part in parts}
    for part in sorted((part for part in parts if len(part) > 3), key=len, reverse=True):
        text = text.replace(part, "…")
    return text[:500]


def main() -> None:
    """Reads a message from standard input and writes its fate to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the service
    signal.alarm(MAX_SECONDS)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed must not get into the answer
    fate = send(Message(**json.load(sys.stdin)))
    json.dump(asdict(fate), answers)
    answers.close()


if __name__ == "__main__":
    main()
