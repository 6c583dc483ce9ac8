"""A problem as a page, for browsers; programs get the same as JSON."""

from fastapi import Request, Response

from service import schemas
from service.address import at
from service.pages.frame.readout import UNKNOWN
from service.pages.frame.rendering import page


def problem_page(request: Request, problem: schemas.Problem) -> Response | None:
    """The page for a problem of a page; None for requests of programs."""
    is_page = not request.url.path.startswith(at("/v1/"))
    if not is_page or "text/html" not in request.headers.get("accept", ""):
        return None
    return page(request, "problem.html", status=problem.status, problem=problem, readout=UNKNOWN)
