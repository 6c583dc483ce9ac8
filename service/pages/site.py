"""``/docs``: the documentation, a site of static files that ``make docs`` builds."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from service.http import errors
from service.pages.frame import assets
from service.pages.frame.rendering import below_root

SITE = Path(__file__).parents[1] / "site"
"""Where ``mkdocs.yml`` has the site built; a wheel contains it."""


class Documentation(StaticFiles):
    """The site; while there is none, a problem that says how to build it."""

    def __init__(self, site: Path) -> None:
        super().__init__(directory=site, html=True, check_dir=False)
        self._front = site / "index.html"
        self._assets = (site / "assets").resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with a file of the site, or the site's page for addresses that it lacks."""
        if not self._front.exists():
            raise errors.NotBuilt
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; links of the page "Not found" are absolute, so they need the lab's prefix."""
        answer = await super().get_response(path, scope)
        if isinstance(answer, FileResponse) and answer.status_code == HTTPStatus.NOT_FOUND:
            return HTMLResponse(below_root(Path(answer.path).read_text()), answer.status_code)
        return answer

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """The file; those of the look have names that change with them, and may be kept."""
        response = super().file_response(full_path, *args, **kwargs)
        if Path(full_path).is_relative_to(self._assets):
            response.headers["Cache-Control"] = assets.FOREVER
        return response
