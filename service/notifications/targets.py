"""Targets of notifications, as a client gives them: names of the lab's targets, or URLs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit

from fastapi import Depends, Header, Request

from core.errors import Problem
from service.address import at
from service.context import Context
from service.http.errors import Invalid, unknown
from service.notifications.addresses import is_public
from service.settings import Settings
from store.notifications import Target

MAX_TARGETS = 10
MAX_CHARACTERS = 1000
"""Longest URL of a target."""

DEFAULT = "default"
"""The lab's target of submissions that name none."""

NONE = "none"
"""Given in place of targets, to notify nobody."""

WEBHOOKS = ("http", "https")
SERVICES = (
    *("discord", "gotify", "gotifys", "mailto", "mailtos", "matrix", "matrixs", "mmost", "mmosts"),
    *("msteams", "ntfy", "ntfys", "pover", "rocket", "rockets", "slack", "tgram", "workflows"),
    "zulip",
)
"""Schemes of message services that anyone may use; the lab's own targets may have others."""

PARAMETERS = frozenset(
    {
        *("to", "from", "name", "user", "pass", "smtp", "mode", "cc", "bcc", "reply"),
        *("channel", "channels", "topic", "topics", "thread", "priority", "tags", "token", "auth"),
        *("footer", "image", "format", "verify", "version"),
    }
)
"""Query parameters of services that anyone may use; others read files of the server's host."""

HEADER = "X-Extrapolab-Notify"


@dataclass(frozen=True)
class NotifyRequest:
    """Whom to notify of the end of what is submitted.

    Attributes:
        targets: Where to send the news.
        origin: The address at which the client reaches the lab.
    """

    targets: tuple[Target, ...]
    origin: str


async def _from_header(
    request: Request,
    context: Context,
    notify: Annotated[
        str | None,
        Header(
            alias=HEADER,
            pattern=r"^[ -~]*$",
            max_length=MAX_TARGETS * (MAX_CHARACTERS + 1),
            description="Whom to notify once it has ended: up to ten names of the lab's targets or "
            "URLs, separated by spaces. `none`: nobody. Without the header: the lab's target "
            "`default`, if it has one.",
            examples=["team ntfys://ntfy.example/my-topic"],
        ),
    ] = None,
) -> NotifyRequest:
    named = context.settings.notify_targets
    if notify is None:
        names = [DEFAULT] if DEFAULT in named else []
    else:
        names = [] if notify.strip() == NONE else notify.split()
    targets = parse(names, context.settings, lambda _: f"/header/{HEADER}")
    return NotifyRequest(targets, origin_of(request))


Notify = Annotated[NotifyRequest, Depends(_from_header)]
"""The targets in the header of a submission."""


def origin_of(request: Request) -> str:
    """The address at which the client reaches the lab, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}{at('')}"


def parse(
    given: Iterable[str], settings: Settings, pointer_of: Callable[[int], str]
) -> tuple[Target, ...]:
    """The targets with these names and URLs, each once.

    Args:
        given: Names and URLs.
        settings: They have the lab's targets, and whether private addresses are allowed.
        pointer_of: Gives the JSON Pointer of the target at a position.

    Raises:
        Invalid: Some are neither; the messages repeat no URL, which may hold a password.
    """
    texts = list(dict.fromkeys(given))
    if len(texts) > MAX_TARGETS:
        message = f"should be at most {MAX_TARGETS} targets"
        raise Invalid(Problem(pointer_of(0), "too_many", message, str(len(texts))))
    found = [_target(text, settings, pointer_of(place)) for place, text in enumerate(texts)]
    if problems := [each for each in found if isinstance(each, Problem)]:
        raise Invalid(*problems)
    return tuple(each for each in found if isinstance(each, Target))


def _target(text: str, settings: Settings, pointer: str) -> Target | Problem:
    if "://" not in text:
        if text in settings.notify_targets:
            return Target(text, text)
        names = [*settings.notify_targets, "or a URL such as ntfys://ntfy.sh/TOPIC"]
        return unknown(pointer, "target", text[:MAX_CHARACTERS], names)
    scheme = text.partition("://")[0].lower()
    allowed = ", ".join((*WEBHOOKS, *SERVICES))
    if len(text) > MAX_CHARACTERS:
        message = f"should be at most {MAX_CHARACTERS} characters long"
        return Problem(pointer, "too_long", message, f"a URL of {len(text)} characters")
    if scheme not in {*WEBHOOKS, *SERVICES}:
        message = "should be a URL of a webhook or of one of these message services"
        return Problem(pointer, "unknown_scheme", message, f"{scheme[:40]}://", allowed)
    try:
        url = urlsplit(text)
        host = url.hostname or ""
    except ValueError:
        return Problem(pointer, "not_a_url", "is not a URL", f"{scheme}://")
    if not host:
        return Problem(pointer, "no_host", "needs a host after the //", f"{scheme}://")
    if not settings.notify_private and is_private(host):
        message = (
            "is an address of this machine or of a private network; whoever runs the lab allows "
            "those with EXTRAPOLAB_NOTIFY_PRIVATE=1"
        )
        return Problem(pointer, "private_address", message, host)
    if scheme in SERVICES and (odd := _odd_parameters(url)):
        message = "has a parameter that isn't allowed in a target of your own"
        return Problem(pointer, "parameter", message, odd[0][:40], ", ".join(sorted(PARAMETERS)))
    return Target(text, shown(text))


def is_private(host: str) -> bool:
    """Whether a host is known to be private without asking for the addresses of its name."""
    if host.rstrip(".").lower().rpartition(".")[2] in {"localhost", "local", "internal"}:
        return True
    try:
        return not is_public(host)
    except ValueError:  # a name, whose addresses are checked when the message is sent
        return False


def shown(target: str) -> str:
    """A target without its secrets: a name, or the scheme and host of a URL.

    Example:
        >>> shown("https://ada:secret@hooks.example.org:8443/services/T1/B2"), shown("team")
        ('https://hooks.example.org:8443/…', 'team')
    """
    scheme, slashes, rest = target.partition("://")
    if not slashes:
        return target
    if scheme.lower() in {*WEBHOOKS, "mailto", "mailtos", "ntfy", "ntfys", "mmost", "mmosts"}:
        place = rest.split("/")[0].split("?")[0].rpartition("@")[2]
        return f"{scheme}://{place}/…"
    return f"{scheme}://…"  # others hold tokens in the place of the host


def _odd_parameters(url: SplitResult) -> list[str]:
    query = parse_qsl(url.query, keep_blank_values=True)
    return [name for name, _ in query if name.lower() not in PARAMETERS]
