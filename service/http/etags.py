"""Entity tags (RFC 9110, 8.8.3): names for one version of an answer, for conditional requests."""

import hashlib
import re
from collections.abc import Callable, Iterator

from fastapi import Response
from starlette.responses import StreamingResponse

_TAG = re.compile(r'(W/)?("[^"]*")')
_VERSION = re.compile(r'"(\d{1,18})\..*"')


def of(content: bytes, version: int | None = None) -> str:
    """The strong entity tag of an answer.

    With the version of its row, which is what a change must name: progress changes the answer, but
    no edit's base.
    """
    return named(hashlib.sha256(content).hexdigest(), version)


def named(digest: str, version: int | None = None) -> str:
    """The tag of an answer by a digest of all that decides its bytes."""
    return f'"{digest[:32]}"' if version is None else f'"{version}.{digest[:32]}"'


def answer(
    content: bytes, media_type: str, if_none_match: str | None, version: int | None = None
) -> Response:
    """``content`` with its tag, or 304 where the client already holds it (weak comparison, ``*`` matches anything)."""
    return made(of(content, version), lambda: content, media_type, if_none_match)


def made(
    etag: str, make: Callable[[], bytes], media_type: str, if_none_match: str | None
) -> Response:
    """What ``make`` makes, which is only called where the client doesn't hold what bears this tag."""
    if _is_held(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(make(), media_type=media_type, headers={"ETag": etag})


def streamed(
    etag: str, pieces: Iterator[bytes], media_type: str, if_none_match: str | None
) -> Response:
    """An answer that is written while it is sent, where the client doesn't hold what bears this tag."""
    if _is_held(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    return StreamingResponse(pieces, media_type=media_type, headers={"ETag": etag})


def _is_held(etag: str, if_none_match: str | None) -> bool:
    held = [tag for _, tag in _TAG.findall(if_none_match or "")]
    return etag in held or (if_none_match or "").strip() == "*"


def version(if_match: str, current: int) -> int | None:
    """The version that a change is of: ``current`` if the header allows it, else another one that it names, if any.

    Strong comparison: weak tags match nothing; ``*`` matches anything.
    """
    if if_match.strip() == "*":
        return current
    named = [_VERSION.fullmatch(tag) for weak, tag in _TAG.findall(if_match) if not weak]
    versions = [int(match[1]) for match in named if match]
    return current if current in versions else next(iter(versions), None)
