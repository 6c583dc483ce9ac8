"""Parts of the OpenAPI document that the framework can't read off the routes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.recipe import Recipe
from core.spec import SweepSpec
from service import schemas
from service.http import problems as problem_kinds
from service.http import request_id
from service.http.hosts import CHANGING

DESCRIPTION = """
Experiments on one question: when gradient descent trains an overparameterised recurrent network on
short sequences, does the result extrapolate to long ones?

`POST` a spec (`/v1/schema`) to `/v1/experiments`, or many at once as a sweep to `/v1/sweeps`.
Workers train them; read their numbers and figures here. Errors are `application/problem+json`, with
every problem of a request in `errors`, each with the JSON Pointer of its field. Times are ISO 8601
in UTC. Numbers that JSON can't express are written as `"NaN"`, `"Infinity"` and `"-Infinity"`.
Lists are `{"items": [...], "next": cursor}`; read the next page with `?cursor=`. Unknown query
parameters are refused. Every answer has an `X-Request-Id`.

The head of a request may be up to 64 KiB long (else 431) and take up to 20 s to arrive (else 408).

There are no passwords: anyone who can reach the port can use the service, which only this machine
can unless the lab was told otherwise. Pages of other websites can't use it: a `Host` that the lab
isn't known by is refused with 421 (`EXTRAPOLAB_HOSTS` adds names), and the `Origin` of another host
with 403, as is a `POST`, `PATCH` or `DELETE` whose `Origin` differs from its `Host`.
"""

TAGS = [
    {"name": "experiments", "description": "Submit, import, read and control experiments."},
    {"name": "results", "description": "Results, recorded series and theory of an experiment."},
    {"name": "figures", "description": "Figures of an experiment, and saved figures."},
    {"name": "sweeps", "description": "Many experiments from one base spec and axes."},
    {"name": "queries", "description": "Filter, tabulate, compare and export many experiments."},
    {"name": "studies", "description": "Built-in sweeps that test claims, and their reports."},
    {"name": "views", "description": "Pages of the lab with their filters, under names."},
    {"name": "notifications", "description": "News of what ended, and the log of their delivery."},
    {"name": "operations", "description": "Live events, workers, health and the spec's schema."},
]

SUBMISSIONS = ("/v1/experiments", "/v1/sweeps")
"""Paths whose POST answers with an id, which the calls below it take."""

TOTAL_COUNT = "X-Total-Count"

_REF = "#/components/schemas/{model}"
_HEADERS = {
    "ETag": "Identifies this version of the answer, for `If-None-Match` and `If-Match`.",
    "Location": "URL of what was submitted.",
    "Retry-After": "Seconds after which to ask again.",
    TOTAL_COUNT: "Number of matching experiments when the file was started.",
    request_id.HEADER: "Id of the request, taken from its own header or generated.",
}


def answer(
    description: str,
    example: object = None,
    *headers: str,
    others: Mapping[str, str] = MappingProxyType({}),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    """An answer.

    Args:
        description: Its description.
        example: An example in JSON.
        headers: Its headers.
        others: Examples by other media types.
        files: Media types of files.
    """
    content: dict[str, Any] = {} if example is None else {"application/json": {"example": example}}
    for media_type, text in others.items():
        content[media_type] = {"schema": {"type": "string"}, "example": text}
    for media_type in files:
        content[media_type] = _file(media_type)
    return {
        "description": description,
        "content": content,
        "headers": {name: _header(name) for name in headers},
    }


def file(description: str, *media_types: str, headers: Sequence[str] = ("ETag",)) -> dict[str, Any]:
    """An answer in one of several media types that JSON Schema doesn't describe."""
    content = {media_type: _file(media_type) for media_type in media_types}
    content["application/json"] = {"schema": {"type": "object"}}
    return {
        "description": description,
        "content": content,
        "headers": {name: _header(name) for name in headers},
    }


def stream(example: str) -> dict[str, Any]:
    """An answer that continues as server-sent events."""
    return {
        "description": "A stream of events.",
        "content": {"text/event-stream": {"example": example}},
    }


def not_modified() -> dict[int | str, dict[str, Any]]:
    """The answer to a conditional request whose condition is met."""
    return {
        304: {
            "description": "The answer has not changed.",
            "headers": {"ETag": _header("ETag")},
        }
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a call may answer; always includes 422, for unknown parameters."""
    schema = {"$ref": _REF.format(model=schemas.Problem.__name__)}
    return {
        status: {
            "description": _titles(status),
            "content": {problem_kinds.MEDIA_TYPE: {"schema": schema}},
            "headers": _problem_headers(status),
        }
        for status in sorted({*statuses, 422})
    }


def body(model: type[BaseModel], example: object) -> dict[str, Any]:
    """The JSON body of a call that reads it itself (:mod:`service.http.body`)."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        }
    }


def complete(document: dict[str, Any]) -> None:
    """Adds request bodies, summaries, and the answers and headers that all calls share."""
    document["components"]["schemas"].update(_body_schemas())
    too_long, foreign_origin = problems(431)[431], problems(403)[403]
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _summarise(operation)
            responses = operation["responses"]
            responses["431"] = too_long
            if method.upper() in CHANGING:
                responses["403"] = foreign_origin
            for response in responses.values():
                headers = response.setdefault("headers", {})
                headers[request_id.HEADER] = _header(request_id.HEADER)
    for path in SUBMISSIONS:
        _link(document["paths"], path)


def _link(paths: dict[str, Any], path: str) -> None:
    """Links the answer to a submission with the calls that take no parameter in it but its id."""
    links = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {"id": "$response.body#/id"},
        }
        for other, operations in paths.items()
        if other.startswith(f"{path}/{{id}}") and other.count("{") == 1
        for operation in operations.values()
    }
    paths[path]["post"]["responses"]["202"]["links"] = links


def _body_schemas() -> dict[str, Any]:
    bodies: tuple[type[BaseModel], ...] = (
        schemas.Problem,
        schemas.Edit,
        schemas.Selection,
        schemas.Cancellation,
        schemas.Prioritisation,
        schemas.Retry,
        schemas.Tagging,
        schemas.Import,
        SweepSpec,
        schemas.Extension,
        schemas.Refinement,
        Recipe,
        schemas.RecipeChange,
        schemas.NewNotifications,
        schemas.NewView,
        schemas.ViewChange,
    )
    _, extra = models_json_schema([(model, "validation") for model in bodies], ref_template=_REF)
    definitions: dict[str, Any] = extra["$defs"]
    question = schemas.TeacherQuestion.model_json_schema(ref_template=_REF)
    del question["$defs"]  # the parts of a spec, which answers document
    return {**definitions, schemas.TeacherQuestion.__name__: question}


def _summarise(operation: dict[str, Any]) -> None:
    """Takes the summary from the docstring's first line and the description from the rest."""
    summary, _, description = operation.pop("description", "").partition("\n")
    operation["summary"] = summary.removesuffix(".")
    if description.strip():
        operation["description"] = description.strip()


def _file(media_type: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "contentMediaType": media_type}}


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "required": True, "schema": {"type": "string"}}


def _problem_headers(status: int) -> dict[str, Any]:
    if status != HTTPStatus.SERVICE_UNAVAILABLE:
        return {}
    return {"Retry-After": _header("Retry-After")}


def _titles(status: int) -> str:
    kinds = [kind for kind in problem_kinds.KINDS.values() if kind.status == status]
    titles = dict.fromkeys(kind.title for kind in kinds)
    return "; ".join(titles) or HTTPStatus(status).phrase
