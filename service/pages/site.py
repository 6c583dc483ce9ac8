"""``/docs``: the documentation, a site of static files that ``make docs`` builds."""

from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from service.http import errors
from service.pages.frame import assets

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

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """The file; those of the look have names that change with them, and may be kept."""
        response = super().file_response(full_path, *args, **kwargs)
        if Path(full_path).is_relative_to(self._assets):
            response.headers["Cache-Control"] = assets.FOREVER
        return response
