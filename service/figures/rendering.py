"""Draws figures on request, in every format of the API."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Path, Response

from core.errors import Problem
from core.figures import DEFAULT_VIEW, Figure, Format, Info, View
from core.labels import listed
from core.look import SCREEN, Look
from service.figures.cache import FigureCache
from service.figures.drawer import Drawer
from service.figures.options import MEDIA_TYPES, FigureRequest
from service.http import etags, openapi
from service.http.errors import Invalid, Missing, unknown

_drawer, _drawing = Drawer(), threading.Lock()

_rendered = FigureCache(max_bytes=64 * 2**20)
"""Some 4,000 figures, those of a bundle of 2,000 experiments."""

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


def choose(
    figures: Mapping[str, Figure], name: str, requested: FigureRequest, view: View = DEFAULT_VIEW
) -> Figure:
    """The figure of that name.

    Raises:
        Missing: There is no such figure, or no such format.
        Invalid: The figure doesn't offer a choice that was made.
    """
    if name not in figures:
        raise Missing(unknown("/path/name", "figure", name, figures))
    require_format(requested)
    problems = []
    for choice in view.chosen:
        offering = [other for other, figure in figures.items() if choice in figure.choices]
        if name not in offering:
            message = f"the figure '{name}' takes no {choice}"
            if offering:
                message += f"; {listed(offering)} {'do' if len(offering) > 1 else 'does'}"
            given = str(getattr(view, choice))
            problems.append(Problem(f"/query/{choice}", "no_choice", message, given))
    if problems:
        raise Invalid(*problems)
    return figures[name]


def require_format(requested: FigureRequest) -> None:
    """Raises Missing if there is no such format."""
    if requested.form not in MEDIA_TYPES:
        raise Missing(unknown("/path/format", "format", requested.form, MEDIA_TYPES))


def respond(figure: Figure, info: Info, requested: FigureRequest) -> Response:
    """The figure as a file, or its data; drawn only if the client has no current copy."""
    content, form = info.model_dump_json().encode(), requested.form
    if form == "json":
        return etags.answer(content, MEDIA_TYPES[form], requested.if_none_match)
    if form == "txt":
        return etags.answer(
            f"{info.caption}\n".encode(), MEDIA_TYPES[form], requested.if_none_match
        )
    look = requested.look
    parts = [style_version().encode(), form.encode(), look.key.encode(), content]
    etag = etags.of_content(b" ".join(parts))
    return etags.answer_lazily(
        etag,
        lambda: render(figure, info, cast(Format, form), look),
        MEDIA_TYPES[form],
        requested.if_none_match,
    )


def style_version() -> str:
    """What identifies the code that draws and its fonts, by :func:`core.figures.style_version`."""
    return _drawer.style_version


def render(figure: Figure, info: Info, form: Format, look: Look = SCREEN) -> bytes:
    """The figure as a file, drawn once per numbers and look while it stays in the cache."""
    key = figure, form, look.key, hashlib.sha256(info.model_dump_json().encode()).digest()
    content = _rendered.get(key)
    if content is None:
        with _drawing:
            content = _rendered.get(key)  # another request may have drawn it meanwhile
            if content is None:
                content = _drawer.draw(figure, info, form, look)
                _rendered.put(key, content)
    return content
