"""Errors as ``application/problem+json`` (RFC 9457): the one place that gives each its status."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import OperationalError
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.errors import Problem, SpecError
from core.figures import NotDrawable
from core.spec.explain import shorten
from service import schemas
from service.address import at
from service.http import errors
from service.http.request_id import request_id
from store import errors as stored
from store.query.errors import BadQuery

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "2"}
UNAVAILABLE = "the database is unavailable, locked or too slow; try again"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """The properties of one kind of problem; ``pointer`` is for errors that name no field."""

    status: int
    name: str
    title: str
    pointer: str = ""

    @property
    def code(self) -> str:
        """The code of a field's problem of this kind."""
        return self.name.replace("-", "_")


_SHOWN_BY_EXAMPLE = frozenset({"invalid-body", "not-json"})

UNEXPECTED = Kind(500, "internal", "The service failed")

KINDS: dict[type[Exception], Kind] = {
    SpecError: Kind(422, "invalid-body", "The body is not valid"),
    RequestValidationError: Kind(422, "invalid-parameter", "A parameter is not valid"),
    errors.Invalid: Kind(422, "invalid-parameter", "A parameter is not valid"),
    errors.NotHttp: Kind(400, "not-http", "The request is not HTTP"),
    errors.HeadTooLong: Kind(431, "head-too-long", "The head of the request is too long"),
    errors.HeadTooSlow: Kind(
        408, "head-too-slow", "The head of the request did not arrive in time"
    ),
    errors.BadHost: Kind(400, "bad-host", "The host or origin of the request is not clear"),
    errors.WrongHost: Kind(421, "wrong-host", "The lab is not known by this host name"),
    errors.Unprotected: Kind(403, "unprotected", "The lab is not open to other machines"),
    errors.ForeignOrigin: Kind(403, "foreign-origin", "Another website requested it"),
    errors.Malformed: Kind(400, "not-json", "The body is not JSON"),
    errors.TwiceGiven: Kind(400, "repeated-key", "A key appears twice in the body"),
    errors.BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    errors.UnsupportedContent: Kind(
        415, "unsupported-content", "The content type of the body is not supported"
    ),
    errors.Missing: Kind(404, "not-found", "Not found"),
    errors.NotBuilt: Kind(404, "not-built", "The documentation is not built yet"),
    errors.Ambiguous: Kind(404, "ambiguous-id", "The id is ambiguous"),
    errors.PreconditionMissing: Kind(
        428, "precondition-required", "A change must name the version that it edits"
    ),
    errors.PreconditionFailed: Kind(
        412, "precondition-failed", "It has been edited in the meantime"
    ),
    NotDrawable: Kind(409, "not-drawable", "The figure can't be drawn"),
    errors.CountMismatch: Kind(409, "other-count", "The number of matches has changed"),
    errors.NotInstalled: Kind(501, "not-installed", "The server lacks a required library"),
    errors.NoResultYet: Kind(409, "no-result-yet", "There is no result yet"),
    stored.NotFound: Kind(404, "not-found", "Not found", "/path/id"),
    stored.AmbiguousReference: Kind(404, "ambiguous-id", "The id is ambiguous", "/path/id"),
    stored.WrongKind: Kind(404, "not-found", "Not found", "/path/id"),
    stored.IllegalMove: Kind(409, "illegal-move", "The state does not allow it"),
    stored.NotReady: Kind(409, "no-result-yet", "There is no result yet"),
    stored.NoArrays: Kind(409, "no-arrays", "Imported experiments have no arrays"),
    stored.VersionConflict: Kind(
        412, "precondition-failed", "It has been edited in the meantime", "/header/If-Match"
    ),
    stored.NameTaken: Kind(409, "name-taken", "The name is taken", "/name"),
    BadQuery: Kind(400, "bad-query", "The query is not valid", "/query/q"),
    stored.BadCursor: Kind(400, "bad-cursor", "The cursor is not valid", "/query/cursor"),
    stored.KeyReused: Kind(
        422, "key-reused", "The key belongs to another request", "/header/Idempotency-Key"
    ),
    stored.KeyInFlight: Kind(
        409, "key-in-flight", "The first request is still in progress", "/header/Idempotency-Key"
    ),
    stored.SchemaMismatch: Kind(
        503, "schema-mismatch", "The database has the tables of another version"
    ),
    stored.StoreUnavailable: Kind(503, "store-unavailable", "The database is unavailable"),
    OperationalError: Kind(
        503, "store-unavailable", "The database is not usable"
    ),  # such as one without tables
    ClientDisconnect: Kind(400, "disconnected", "The request ended before its body did"),
}


AsPage = Callable[[Request, schemas.Problem], Response | None]
"""Shows a problem to a person; None if the request isn't for a page."""


def install(app: FastAPI, as_page: AsPage | None = None) -> None:
    """Makes ``app`` answer every error, including unexpected ones, with a problem."""
    app.state.problem_as_page = as_page
    for error in KINDS:
        app.add_exception_handler(error, _answer_known)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_known(request: Request, error: Exception) -> Response:
    kind = next(KINDS[base] for base in type(error).__mro__ if base in KINDS)
    if isinstance(error, RequestValidationError):
        problems = [_parameter_problem(details) for details in error.errors()]
    elif isinstance(error, (stored.StoreUnavailable, OperationalError)):
        logger.warning("database unavailable: %s", error)
        # The log has the error; only SQLite's may travel, others name the database's host and user.
        message = str(error) if isinstance(error, stored.StoreUnusable) else UNAVAILABLE
        problems = [Problem(kind.pointer, kind.code, message)]
    else:
        problems = list(getattr(error, "problems", ())) or [
            Problem(kind.pointer, kind.code, str(error))
        ]
    return _answer(request, kind, problems)


async def _answer_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # installed for these only
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods(request))
        kind = Kind(405, "method-not-allowed", "The method is not allowed")
        message = "this path does not support the method"
        problem = Problem("", kind.code, message, request.method, allowed)
        return _answer(request, kind, [problem], {"Allow": allowed})
    if error.status_code == HTTPStatus.NOT_FOUND:
        kind = KINDS[errors.Missing]
        message = f"there is no such path; {at('/docs/try')} lists all paths"
        return _answer(request, kind, [Problem("", kind.code, message, shorten(request.url.path))])
    status = HTTPStatus(error.status_code)
    kind = Kind(status, status.phrase.lower().replace(" ", "-"), status.phrase)
    return _answer(request, kind, [Problem("", kind.code, str(error.detail))])


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    logger.error("the request failed: %s", error)  # the server logs the traceback
    kind = UNEXPECTED
    message = f"internal error; the service's log has the details under {request_id(request)}"
    return _answer(request, kind, [Problem("", kind.code, message)])


def _answer(
    request: Request, kind: Kind, problems: list[Problem], headers: dict[str, str] | None = None
) -> Response:
    headers = {
        **(RETRY_AFTER if kind.status == 503 or kind.name == "key-in-flight" else {}),
        **(headers or {}),
    }
    problem = _problem(kind, problems, request_id(request))
    if kind.name in _SHOWN_BY_EXAMPLE and any(map(_misses_the_point, problems)):
        problem = problem.model_copy(update={"example": _example(request)})
    as_page: AsPage | None = request.app.state.problem_as_page
    answer = as_page(request, problem) if as_page else None
    if answer is None:
        content = problem.model_dump_json(exclude_none=True)
        return Response(content, kind.status, headers, MEDIA_TYPE)
    answer.headers.update(headers)
    return answer


def to_json(kind: Kind, problems: Sequence[Problem], request_id: str) -> str:
    """The body of a problem."""
    return _problem(kind, problems, request_id).model_dump_json(exclude_none=True)


def _problem(kind: Kind, problems: Sequence[Problem], request_id: str) -> schemas.Problem:
    first = str(problems[0]).removeprefix("/: ")
    return schemas.Problem(
        type=f"urn:extrapolab:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=first if len(problems) == 1 else f"{len(problems)} problems; the first: {first}",
        errors=[schemas.FieldProblem.from_record(problem) for problem in problems],
        request_id=request_id,
    )


def _misses_the_point(problem: Problem) -> bool:
    """Whether a body lacks a field or is another thing as a whole."""
    return problem.code == "missing" or not problem.pointer


def _example(request: Request) -> Any:
    """The example of the body in the documentation of the request's path, None if it has none."""
    documented = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    content = documented.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def _parameter_problem(details: dict[str, Any]) -> Problem:
    pointer = "".join(f"/{part}" for part in details["loc"])
    if details["type"] == "missing":
        return Problem(pointer, "missing", "is required")
    given = shorten(details["input"])
    if details["type"] == "string_pattern_mismatch" and details["loc"][0] == "query":
        return Problem(pointer, "control_character", "should not contain control characters", given)
    message = details["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return Problem(pointer, details["type"], message, given=given)


def _methods(request: Request) -> list[str]:
    """The methods of the request's path over all routes; the framework checks only the first."""
    routes = [
        route for route in iter_route_contexts(request.app.routes) if _matches(route, request)
    ]
    methods = {method for route in routes for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _matches(route: Any, request: Request) -> bool:
    pattern = getattr(route, "path_regex", None)
    return pattern is not None and pattern.match(get_route_path(request.scope)) is not None
