"""What the OpenAPI document says beyond what the framework reads off the routes: problems, bodies, examples."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.recipe import Recipe
from core.spec import SweepSpec
from service import schemas
from service.http import problems as kinds
from service.http import request_id as requests
from service.http.csrf import CHANGING

DESCRIPTION = """
Experiments on one question: when gradient descent trains an overparameterised recurrent network on short sequences,
does the result extrapolate to long ones?

A body that is `POST`ed to `/v1/experiments` is a spec (`/v1/schema`), one to `/v1/sweeps` many of them at once;
workers train them; numbers and figures are read context. Errors are `application/problem+json`, with every problem of a
request at once in `errors`, each with the JSON Pointer of its field. Times are ISO 8601 in UTC. Numbers that JSON
doesn't have travel as `"NaN"`, `"Infinity"` and `"-Infinity"`. Lists are `{"items": [...], "next": cursor}`; the page
after is read with `?cursor=`. Query parameters that a call doesn't have are refused. Every answer bears an
`X-Request-Id`.

The head of a request may be 64 KiB long (else 431) and take 20 s to arrive (else 408).

There are no passwords: who reaches the port may use the service. Only the pages of other websites may not change
anything: a `POST`, `PATCH` or `DELETE` whose `Origin` is not its `Host` is answered with 403.
"""

_REF = "#/components/schemas/{model}"
_HEADERS = {
    "ETag": "Names this version of the answer, for `If-None-Match` and `If-Match`.",
    "Location": "Where it is.",
    "Retry-After": "Seconds after which to ask again.",
    requests.HEADER: "Id of the request, as given in its own header or made up.",
}


def answer(
    description: str,
    example: object = None,
    *headers: str,
    others: Mapping[str, str] = MappingProxyType({}),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    """An answer with an example, the headers that it bears, examples of other media types, and types of files."""
    content: dict[str, Any] = {} if example is None else {"application/json": {"example": example}}
    content |= {
        kind: {"schema": {"type": "string"}, "example": text} for kind, text in others.items()
    }
    content |= {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in files}
    return {
        "description": description,
        "content": content,
        "headers": {name: _header(name) for name in headers},
    }


def file(description: str, *media_types: str) -> dict[str, Any]:
    """An answer in one of several types that JSON Schema doesn't describe."""
    content: dict[str, Any] = {
        kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in media_types
    }
    content["application/json"] = {"schema": {"type": "object"}}
    return {"description": description, "content": content, "headers": {"ETag": _header("ETag")}}


def stream(example: str) -> dict[str, Any]:
    """An answer that goes on, as server-sent events."""
    return {
        "description": "A stream of events.",
        "content": {"text/event-stream": {"example": example}},
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a call may answer; 422 is always among them, as unknown parameters are refused."""
    content = {kinds.MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {
        status: {"description": _titles(status), "content": content, "headers": _waiting(status)}
        for status in sorted({*statuses, 422})
    }


def body(model: type[BaseModel], example: object) -> dict[str, Any]:
    """The JSON body of a call that reads it by itself (:mod:`service.http.body`)."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        }
    }


def complete(document: dict[str, Any]) -> None:
    """Adds to the framework's document what it can't read off a route: more models, and what every call may answer."""
    bodies = (
        schemas.Problem,
        schemas.Edit,
        schemas.Cancellation,
        schemas.Import,
        SweepSpec,
        schemas.Extension,
        Recipe,
        schemas.RecipeChange,
    )
    _, extra = models_json_schema([(model, "validation") for model in bodies], ref_template=_REF)
    document["components"]["schemas"].update(extra["$defs"])
    too_long = problems(431)[431]
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method.upper() in CHANGING:
                operation["responses"]["403"] = problems(403)[403]
            operation["responses"]["431"] = too_long
            for response in operation["responses"].values():
                response.setdefault("headers", {})[requests.HEADER] = _header(requests.HEADER)


def not_modified() -> dict[int | str, dict[str, Any]]:
    """The answer to a condition that is met."""
    return {
        304: {
            "description": "The answer that is at hand is still right.",
            "headers": {"ETag": _header("ETag")},
        }
    }


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "required": True, "schema": {"type": "string"}}


def _waiting(status: int) -> dict[str, Any]:
    return (
        {"Retry-After": _header("Retry-After")} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    )


def _titles(status: int) -> str:
    titles = dict.fromkeys(kind.title for kind in kinds.KINDS.values() if kind.status == status)
    return "; ".join(titles) or HTTPStatus(status).phrase
