"""Entity tags (RFC 9110, 8.8.3): names of one version of an answer, for conditional requests."""

import hashlib
import re
from collections.abc import Callable, Iterator

from fastapi import Response
from starlette.responses import StreamingResponse

_TAG = re.compile(r'(W/)?("[^"]*")')
_VERSION = re.compile(r'"(\d{1,18})\..*"')


def of_content(content: bytes, version: int | None = None) -> str:
    """The strong tag of an answer.

    A version of the stored row is readable in the tag: an edit must name the version that it
    changes, while progress alters the answer but not the version.
    """
    return of_digest(hashlib.sha256(content).hexdigest(), version)


def of_digest(digest: str, version: int | None = None) -> str:
    """The tag of an answer, from a digest of everything that decides its bytes."""
    return f'"{digest[:32]}"' if version is None else f'"{version}.{digest[:32]}"'


def answer(
    content: bytes, media_type: str, if_none_match: str | None, version: int | None = None
) -> Response:
    """``content`` with its tag, or 304 if the client has it."""
    return answer_lazily(of_content(content, version), lambda: content, media_type, if_none_match)


def answer_lazily(
    etag: str, make_content: Callable[[], bytes], media_type: str, if_none_match: str | None
) -> Response:
    """The content with its tag, or 304 without making it if the client has it."""
    if _is_at_client(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(make_content(), media_type=media_type, headers={"ETag": etag})


def answer_streamed(
    etag: str, parts: Iterator[bytes], media_type: str, if_none_match: str | None
) -> Response:
    """The parts, made while they are sent, or 304 if the client has them."""
    if _is_at_client(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    return StreamingResponse(parts, media_type=media_type, headers={"ETag": etag})


def version_to_change(if_match: str, current: int) -> int | None:
    """The version that a change is meant for, from its ``If-Match`` header.

    This is ``current`` if the header names it or is ``*``, else another version that it names, or
    None. The comparison is strong: weak tags match nothing.
    """
    if if_match.strip() == "*":
        return current
    matches = [_VERSION.fullmatch(tag) for weak, tag in _TAG.findall(if_match) if not weak]
    versions = [int(match[1]) for match in matches if match]
    return current if current in versions else next(iter(versions), None)


def _is_at_client(etag: str, if_none_match: str | None) -> bool:
    """Whether ``If-None-Match`` names the tag; the comparison is weak, and ``*`` matches any."""
    if if_none_match is None:
        return False
    tags = [tag for _, tag in _TAG.findall(if_none_match)]
    return etag in tags or if_none_match.strip() == "*"
