"""A problem as a page, for browsers; programs get the same as JSON."""

from fastapi import Request, Response

from service import schemas
from service.address import path_of
from service.pages.frame.readout import UNKNOWN
from service.pages.frame.rendering import page


def problem_page(request: Request, problem: schemas.Problem) -> Response | None:
    """The page for a problem of a page; None for requests of programs."""
    section = path_of(request.url.path).removeprefix("/").partition("/")[0]
    if section == "v1" or "text/html" not in request.headers.get("accept", ""):
        return None
    values = {"problem": problem, "section": section, "readout": UNKNOWN}
    return page(request, "problem.html", status=problem.status, **values)
