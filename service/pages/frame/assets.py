"""The pages' static files, under paths that change with their content and are cached for ever."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parents[1] / "static"
"""Fonts, styles, scripts, and others' code under ``vendor`` with its manifest."""

FOREVER = "public, max-age=31536000, immutable"

_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".json": "application/json",
    ".woff2": "font/woff2",
}

_FILES = {
    path.relative_to(FOLDER).as_posix(): path
    for path in sorted(FOLDER.rglob("*"))
    if path.suffix in _MEDIA_TYPES
}

router = APIRouter(include_in_schema=False)


def _digest() -> str:
    digest = hashlib.sha256()
    for name, path in _FILES.items():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


VERSION = _digest()
"""A digest of all static files. A page that was made with another one reloads itself."""


def url(name: str) -> str:
    """The path of a static file, such as ``page.css``."""
    return f"/assets/{VERSION}/{name}"


@router.get(f"/assets/{VERSION}/{{name:path}}")
def asset(name: str, request: Request) -> Response:
    """Read a static file, which no browser asks for twice."""
    if name not in _FILES:
        raise HTTPException(404)
    media_type = _MEDIA_TYPES[_FILES[name].suffix]
    headers = {"Cache-Control": FOREVER}
    if media_type == "font/woff2":  # compressed by itself
        return Response(_FILES[name].read_bytes(), media_type=media_type, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(_FILES[name].read_bytes(), media_type=media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(_compressed(name), media_type=media_type, headers=headers)


@cache
def _compressed(name: str) -> bytes:
    """The file, compressed as well as can be: once, where the answers' own level is the fastest."""
    return gzip.compress(_FILES[name].read_bytes(), 9, mtime=0)
