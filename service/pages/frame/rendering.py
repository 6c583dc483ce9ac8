"""From a template and its values to an answer."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from core.figures.recipes.wording import generated_title
from core.labels import located
from service.address import path_of, root_path
from service.pages.frame import assets, words
from service.pages.frame.formulas import formulas
from service.pages.marks import strip
from store.query.expectation import written

if TYPE_CHECKING:
    from jinja2 import Environment

_SYMBOLS = re.compile(r"(?<![\w.])([kdqmnsη]|[a-zλσρη]\u0302)(?= =| ≤| ≥|$)")
"""A symbol in a label such as ``k = 8``, which is set as mathematics."""


_ADDRESS = re.compile(
    r'(\s(?:href|src|action|data-(?:url|then|events|src|edit|extend|base))=")/(?!/)'
)
"""The start of an attribute that is an address of the lab."""


@cache
def _environment() -> "Environment":
    from jinja2 import (  # noqa: PLC0415  # two megabytes, for labs whose pages somebody opens
        Environment,
        FileSystemLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "whole": words.whole,
        "rate": words.rate,
        "duration": words.duration,
        "moment": words.moment,
        "iso": words.iso,
        "symbols": symbols,
        "located": located,
        "quoted": lambda value: written(str(value)),
        "formulas": formulas,
        "title": lambda recipe: recipe.name or generated_title(recipe),
    }
    environment.globals |= {
        "asset": assets.url,
        "version": assets.VERSION,
        "strip_one": strip.ONE,
    }
    return environment


def symbols(label: str) -> Markup:
    """The label with its symbols in the italics of mathematics, and its powers of ten as such."""
    return Markup(_SYMBOLS.sub(r"<i>\1</i>", str(escape(words.with_powers(label)))))  # noqa: S704  # escaped first


def with_parameters(request: Request, **changes: str | None) -> str:
    """The address of this page with other parameters; None takes one away."""
    kept = [
        (name, text) for name, text in request.query_params.multi_items() if name not in changes
    ]
    query = urlencode(kept + [(name, text) for name, text in changes.items() if text is not None])
    path = path_of(request.url.path)
    return f"{path}?{query}" if query else path


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page that a template and its values make."""
    content = (
        _environment()
        .get_template(template)
        .render(
            request=request,
            root=root_path.get().removeprefix("/"),
            link=lambda **changes: with_parameters(request, **changes),
            **values,
        )
    )
    return HTMLResponse(below_root(content), status, {"Cache-Control": "no-cache"})


def fragment(template: str, **values: Any) -> str:
    """A part of a page, for one that is there already."""
    return below_root(_environment().get_template(template).render(**values))


def below_root(html: str) -> str:
    """The HTML with the lab's prefix before every address of the lab."""
    root = root_path.get()
    return _ADDRESS.sub(rf"\1{root}/", html) if root else html
