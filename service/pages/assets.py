"""The pages' static files, under paths that change with their content and are cached for ever."""

import hashlib
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "static"
"""Fonts, styles, scripts, and others' code under ``vendor`` with its manifest."""

FOREVER = "public, max-age=31536000, immutable"


def _digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(file.relative_to(FOLDER).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:12]


VERSION = _digest()
"""A digest of all static files. A page that was made with another one reloads itself."""

PATH = f"/assets/{VERSION}"


def url(name: str) -> str:
    """The path of a static file, such as ``page.css``."""
    return f"{PATH}/{name}"


class Assets(StaticFiles):
    """The static files, which no browser asks for twice."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, with the permission to keep it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = FOREVER
        return response
