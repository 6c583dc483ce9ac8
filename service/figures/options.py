"""The parameters that all routes of figures share."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from fastapi import Depends, Path, Query

from core.figures import View
from core.figures.view import TrainingAxis
from service.http.parameters import IfNoneMatch

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "svg": "image/svg+xml",
        "png": "image/png",
        "pdf": "application/pdf",
        "json": "application/json",
    }
)


@dataclass(frozen=True)
class Drawing:
    """How a client wants a figure.

    Attributes:
        form: The type of the file, a key of :data:`MEDIA_TYPES` if it is known.
        if_none_match: The ``ETag`` of the client's copy.
    """

    form: str
    if_none_match: str | None


def _drawing(
    form: Annotated[
        str,
        Path(
            alias="format",
            description="File type; `json` is the figure's data.",
            json_schema_extra={"enum": [*MEDIA_TYPES]},
        ),
    ],
    if_none_match: IfNoneMatch = None,
) -> Drawing:
    return Drawing(form, if_none_match)


DrawingOptions = Annotated[Drawing, Depends(_drawing)]
"""The parameters of every route that draws."""


def _view(
    x: Annotated[
        TrainingAxis | None,
        Query(
            description="What curves of the training are drawn over: recorded steps, or training "
            "time. The default is `time` for gradient flow, whose steps are stations in time, and "
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
