"""Every error as ``application/problem+json`` (RFC 9457): the one place where an error gets its HTTP status."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.errors import Problem, SpecError
from core.figures import NotDrawable
from core.spec.explain import shorten
from service import schemas
from service.http import errors
from service.http.request_id import HEADER, request_id
from store import errors as stored
from store.query.errors import BadQuery

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "2"}
AWAY = "the database is away, locked or too slow; try again"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """What all problems of one kind share; ``pointer`` is for errors that name no field themselves."""

    status: int
    name: str
    title: str
    pointer: str = ""

    @property
    def code(self) -> str:
        """The kind as a field's problem names it."""
        return self.name.replace("-", "_")


KINDS: dict[type[Exception], Kind] = {
    SpecError: Kind(422, "invalid-body", "The body is not valid"),
    RequestValidationError: Kind(422, "invalid-parameter", "A parameter is not valid"),
    errors.Invalid: Kind(422, "invalid-parameter", "A parameter is not valid"),
    errors.NotHttp: Kind(400, "not-http", "It is not an HTTP request"),
    errors.HeadTooLong: Kind(431, "head-too-long", "The head of the request is too long"),
    errors.HeadTooSlow: Kind(408, "head-too-slow", "The head of the request did not come in time"),
    errors.ForeignOrigin: Kind(403, "foreign-origin", "Another website asks for a change"),
    errors.Malformed: Kind(400, "not-json", "The body is not JSON"),
    errors.BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    errors.UnsupportedContent: Kind(
        415, "unsupported-content", "The body is of a type that is not read here"
    ),
    errors.Missing: Kind(404, "not-found", "There is nothing here"),
    errors.Ambiguous: Kind(404, "ambiguous-id", "Several ids begin like this"),
    errors.PreconditionMissing: Kind(
        428, "precondition-required", "A change must say which version it is of"
    ),
    errors.PreconditionFailed: Kind(412, "precondition-failed", "It was edited in the meantime"),
    NotDrawable: Kind(409, "not-drawable", "There is nothing that this figure could show"),
    errors.OtherCount: Kind(409, "other-count", "There are others than were expected"),
    errors.NotInstalled: Kind(501, "not-installed", "The server lacks a library for this"),
    errors.NothingYet: Kind(409, "no-result-yet", "There is no result yet"),
    stored.NotFound: Kind(404, "not-found", "There is nothing here", "/path/id"),
    stored.IllegalMove: Kind(409, "illegal-move", "The state forbids it"),
    stored.NotReady: Kind(409, "no-result-yet", "There is no result yet"),
    stored.NoArrays: Kind(409, "no-arrays", "It was imported, and has no arrays"),
    stored.VersionConflict: Kind(
        412, "precondition-failed", "It was edited in the meantime", "/header/If-Match"
    ),
    BadQuery: Kind(400, "bad-query", "The question is not understood", "/query/q"),
    stored.BadCursor: Kind(
        400, "bad-cursor", "The cursor is not one that was handed out", "/query/cursor"
    ),
    stored.KeyReused: Kind(
        422, "key-reused", "The key belongs to another request", "/header/Idempotency-Key"
    ),
    stored.KeyInFlight: Kind(
        409, "key-in-flight", "The first request is still answered", "/header/Idempotency-Key"
    ),
    stored.SchemaMismatch: Kind(503, "schema-mismatch", "The database is of another version"),
    stored.StoreUnavailable: Kind(503, "store-unavailable", "The database is away"),
    OperationalError: Kind(
        503, "store-unavailable", "The database is not usable"
    ),  # such as one without tables
    ClientDisconnect: Kind(400, "disconnected", "The request ended before its body did"),
}


def install(app: FastAPI) -> None:
    """Lets ``app`` answer every error, the unforeseen included, as a problem."""
    for error in KINDS:
        app.add_exception_handler(error, _foreseen)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(Exception, _unforeseen)


async def _foreseen(request: Request, error: Exception) -> Response:
    kind = next(KINDS[base] for base in type(error).__mro__ if base in KINDS)
    if isinstance(error, RequestValidationError):
        problems = [_parameter(details) for details in error.errors()]
    elif isinstance(error, (stored.StoreUnavailable, OperationalError)):
        log.warning(
            "request %s: %s", request_id(request), error
        )  # its words name the database's host and user
        told = (
            str(error) if isinstance(error, stored.StoreUnusable) else AWAY
        )  # SQLite's names neither
        problems = [Problem(kind.pointer, kind.code, told)]
    else:
        problems = list(getattr(error, "problems", ())) or [
            Problem(kind.pointer, kind.code, str(error))
        ]
    return _answer(request, kind, problems)


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # installed for these only
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = _methods(request)
        kind = Kind(405, "method-not-allowed", "The method is not allowed")
        problem = Problem(
            "", kind.code, "this path has other methods", request.method, ", ".join(methods)
        )
        return _answer(request, kind, [problem], {"Allow": ", ".join(methods)})
    if error.status_code == HTTPStatus.NOT_FOUND:
        kind, message = KINDS[errors.Missing], "there is no such path; /docs lists those that are"
        return _answer(request, kind, [Problem("", kind.code, message, shorten(request.url.path))])
    status = HTTPStatus(error.status_code)
    kind = Kind(status, status.phrase.lower().replace(" ", "-"), status.phrase)
    return _answer(request, kind, [Problem("", kind.code, str(error.detail))])


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("request %s failed: %s", request_id(request), error)  # the server logs the traceback
    kind = Kind(500, "internal", "The service failed")
    message = f"an error of the service, not of the request; its log tells more under {request_id(request)}"
    # This answer passes by the middleware that sends the id with all others.
    return _answer(request, kind, [Problem("", kind.code, message)], {HEADER: request_id(request)})


def _answer(
    request: Request, kind: Kind, problems: list[Problem], headers: dict[str, str] | None = None
) -> Response:
    headers = {
        **(RETRY_AFTER if kind.status == 503 or kind.name == "key-in-flight" else {}),
        **(headers or {}),
    }
    return Response(written(kind, problems, request_id(request)), kind.status, headers, MEDIA_TYPE)


def written(kind: Kind, problems: Sequence[Problem], request_id: str) -> str:
    """The problem as JSON."""
    first = str(problems[0]).removeprefix("/: ")
    problem = schemas.Problem(
        type=f"urn:extrapolab:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=first if len(problems) == 1 else f"{len(problems)} problems; the first: {first}",
        errors=[schemas.FieldProblem.from_record(problem) for problem in problems],
        request_id=request_id,
    )
    return problem.model_dump_json(exclude_none=True)


def _parameter(details: dict[str, Any]) -> Problem:
    pointer = "".join(f"/{part}" for part in details["loc"])
    if details["type"] == "missing":
        return Problem(pointer, "missing", "is required")
    message = details["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return Problem(pointer, details["type"], message, given=shorten(details["input"]))


def _methods(request: Request) -> list[str]:
    """Every method of the request's path, over all routes: the framework looks at the first one only."""
    routes = list(iter_route_contexts(request.app.routes))
    return sorted({m for route in routes if _leads_to(route, request) for m in route.methods or ()})


def _leads_to(route: Any, request: Request) -> bool:
    pattern = getattr(route, "path_regex", None)
    return pattern is not None and pattern.match(request.url.path) is not None
