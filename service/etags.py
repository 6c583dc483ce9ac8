"""Entity tags (RFC 9110, 8.8.3): names for one version of an answer, for conditional requests."""

import hashlib
import re
from collections.abc import Callable

from fastapi import Response

_TAG = re.compile(r'(W/)?("[^"]*")')
_VERSION = re.compile(r'"(\d{1,18})\..*"')


def of(content: bytes, version: int | None = None) -> str:
    """The strong entity tag of an answer.

    With the version of its row, which is what a change must name: progress changes the answer, but no edit's base.
    """
    digest = hashlib.sha256(content).hexdigest()[:32]
    return f'"{digest}"' if version is None else f'"{version}.{digest}"'


def answer(content: bytes, media_type: str, if_none_match: str | None, version: int | None = None) -> Response:
    """``content`` with its tag, or 304 where the client already holds it (weak comparison, ``*`` matches anything)."""
    return made(of(content, version), lambda: content, media_type, if_none_match)


def made(etag: str, make: Callable[[], bytes], media_type: str, if_none_match: str | None) -> Response:
    """What ``make`` makes, which is only called where the client doesn't hold what bears this tag."""
    held = [tag for _, tag in _TAG.findall(if_none_match or "")]
    if etag in held or (if_none_match or "").strip() == "*":
        return Response(status_code=304, headers={"ETag": etag})
    return Response(make(), media_type=media_type, headers={"ETag": etag})


def version(if_match: str, current: int) -> int | None:
    """The version that a change is of: ``current`` if the header allows it, else another one that it names, if any.

    Strong comparison: weak tags match nothing; ``*`` matches anything.
    """
    if if_match.strip() == "*":
        return current
    named = [_VERSION.fullmatch(tag) for weak, tag in _TAG.findall(if_match) if not weak]
    versions = [int(match[1]) for match in named if match]
    return current if current in versions else next(iter(versions), None)
