"""The parameters that all routes of figures share."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, get_args

from fastapi import Depends, Path, Query
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from core.figures import View
from core.figures.view import TrainingAxis
from core.look import SCREEN, Look
from core.spec import explain
from service.http.errors import Invalid
from service.http.parameters import IfNoneMatch

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "svg": "image/svg+xml",
        "png": "image/png",
        "pdf": "application/pdf",
        "json": "application/json",
        "txt": "text/plain; charset=utf-8",
    }
)


@dataclass(frozen=True)
class FigureRequest:
    """How a client wants a figure.

    Attributes:
        form: The type of the file, a key of :data:`MEDIA_TYPES` if it is known.
        if_none_match: The ``ETag`` of the client's copy.
        look: How it is drawn.
    """

    form: str
    if_none_match: str | None
    look: Look = SCREEN


def _file(
    form: Annotated[
        str,
        Path(
            alias="format",
            description="File type; `json` is the figure's data, `txt` its caption.",
            json_schema_extra={"enum": [*MEDIA_TYPES]},
        ),
    ],
    if_none_match: IfNoneMatch = None,
) -> FigureRequest:
    return FigureRequest(form, if_none_match)


FileOptions = Annotated[FigureRequest, Depends(_file)]
"""The parameters of a route that draws in a look that it knows already."""


def read_look(**given: str | None) -> Look:
    """The look that the query parameters ask for; raises Invalid with all problems."""
    try:
        return Look.model_validate({name: text for name, text in given.items() if text is not None})
    except ValidationError as error:
        problems = explain(error, Look)
        raise Invalid(
            *(replace(problem, pointer=f"/query{problem.pointer}") for problem in problems)
        ) from None


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    """The query parameter of one part of a look."""
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    hint = Query(
        description=field.description, json_schema_extra={"enum": [*words]} if words else {}
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, hint]
    )


read_look.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # FastAPI reads it
    [_parameter(name, field) for name, field in Look.model_fields.items()]
)


def _request(file: FileOptions, look: Annotated[Look, Depends(read_look)]) -> FigureRequest:
    return replace(file, look=look)


FigureOptions = Annotated[FigureRequest, Depends(_request)]
"""The parameters of every other route that draws."""


def _view(
    x: Annotated[
        TrainingAxis | None,
        Query(
            description="What curves of the training are drawn over: recorded steps, or training "
            "time. The default is `time` for gradient flow, whose steps are times, and "
            "for comparisons with it; else `step`."
        ),
    ] = None,
    output: Annotated[
        int | None, Query(ge=1, description="The output channel to show, counted from 1.")
    ] = None,
    input: Annotated[  # noqa: A002  # the field's word
        int | None, Query(ge=1, description="The input channel to show, counted from 1.")
    ] = None,
) -> View:
    return View(x, output, input)


ViewOptions = Annotated[View, Depends(_view)]
"""The parameters of routes whose figures offer a choice of what they show."""
