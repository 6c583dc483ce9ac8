"""Renders figures on request, in every format of the API."""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Path, Response

from core.figures import STYLE_VERSION, Figure, Format, Info
from core.figures.recipes import heatmap, panels
from service.http import etags, openapi
from service.http.errors import Missing, unknown

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "svg": "image/svg+xml",
        "png": "image/png",
        "pdf": "application/pdf",
        "json": "application/json",
    }
)

RENDERERS: Mapping[str, Figure] = MappingProxyType(
    {
        "lines": Figure(panels.PanelsInfo, panels.render),
        "heatmap": Figure(heatmap.HeatmapInfo, heatmap.render),
    }
)
"""The figure for each kind of recipe."""

_matplotlib = threading.Lock()
"""Matplotlib is not thread-safe."""

FigureFormat = Annotated[
    str,
    Path(
        alias="format",
        description="File type; `json` is the figure's data.",
        json_schema_extra={"enum": [*MEDIA_TYPES]},
    ),
]

RouteFunction = TypeVar("RouteFunction", bound=Callable[..., Response])


def route(
    router: APIRouter, path: str, *problem_statuses: int
) -> Callable[[RouteFunction], RouteFunction]:
    """Declares a GET route that answers with a figure in any format."""
    responses: dict[int | str, dict[str, Any]] = {
        200: openapi.file("The figure, or its data.", *MEDIA_TYPES.values()),
        **openapi.not_modified(),
        **openapi.problems(*problem_statuses),
    }
    return router.get(path, response_class=Response, responses=responses)


def name_parameter(figures: Mapping[str, Figure]) -> Any:
    """The path parameter that names one of ``figures``."""
    return Path(description="Name of the figure.", json_schema_extra={"enum": [*figures]})


def choose(figures: Mapping[str, Figure], name: str, form: str) -> Figure:
    """The figure of that name; raises Missing if the name or the format is unknown."""
    if name not in figures:
        raise Missing(unknown("/path/name", "figure", name, figures))
    require_format(form)
    return figures[name]


def require_format(form: str) -> None:
    """Raises Missing if there is no such format."""
    if form not in MEDIA_TYPES:
        raise Missing(unknown("/path/format", "format", form, MEDIA_TYPES))


def respond(figure: Figure, info: Info, form: str, if_none_match: str | None) -> Response:
    """The figure as a file, or its data; rendered only if the client has no current copy."""
    content = info.model_dump_json().encode()
    if form == "json":
        return etags.answer(content, MEDIA_TYPES[form], if_none_match)
    etag = etags.of_content(b" ".join([STYLE_VERSION.encode(), form.encode(), content]))
    return etags.answer_lazily(
        etag, lambda: render(figure, info, cast(Format, form)), MEDIA_TYPES[form], if_none_match
    )


def render(figure: Figure, info: Info, form: Format) -> bytes:
    """The figure as a file."""
    with _matplotlib:
        return figure.file(info, form)
