"""Figures of one experiment, drawn on request from what is stored, be it that the training goes on."""

import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Path, Response

from core.errors import Problem
from core.figures import EDITION, FIGURES, Figure, Format, Info
from service.context import Context
from service.http import etags, openapi
from service.http.errors import Missing, NothingYet, unknown
from service.http.ids import ExperimentId
from service.http.parameters import IfNoneMatch
from store.experiments import repository as experiments
from store.experiments import results
from store.records import Source
from store.states import State

router = APIRouter(prefix="/v1/experiments/{id:experiment}/figures", tags=["figures"])

MEDIA_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "json": "application/json",
}

_ink = threading.Lock()
"""Matplotlib is not safe in several threads at once."""

FigureFormat = Annotated[
    str,
    Path(
        alias="format",
        description="File type; `json` is the figure's data.",
        json_schema_extra={"enum": [*MEDIA_TYPES]},
    ),
]


Function = TypeVar("Function", bound=Callable[..., Response])


def route(router: APIRouter, path: str, *statuses: int) -> Callable[[Function], Function]:
    """Declares a call that draws a figure, whatever of; ``statuses`` are those of its problems."""
    answers: dict[int | str, dict[str, Any]] = {
        200: openapi.file("The figure, or its data.", *MEDIA_TYPES.values()),
        **openapi.not_modified(),
        **openapi.problems(*statuses),
    }
    return router.get(path, response_class=Response, responses=answers)


def one_of(figures: Mapping[str, Figure]) -> Any:
    """The parameter that names a figure."""
    return Path(json_schema_extra={"enum": [*figures]})


@route(router, "/{name}.{format}", 404, 409, 503)
def figure(
    experiment_id: ExperimentId,
    name: Annotated[str, one_of(FIGURES)],
    form: FigureFormat,
    context: Context,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw a figure of a completed experiment.

    Those of the training itself (`training`, `imbalance`, `eigenvalues`, `trajectory`) also while
    it runs, as far as it has come. `eigenvalues` and `trajectory` need what `evaluation.record`
    asks for.
    """
    chosen = choose(FIGURES, name, form)
    with context.database.read() as tx:
        experiment = experiments.get(tx, experiment_id)
        has_arrays = experiment.state is State.COMPLETED and experiment.source is Source.LAB
        early = chosen.early and not has_arrays
        result = None if early else results.result(tx, experiment_id)
        series = results.series(tx, experiment_id, [chosen.trajectory] if chosen.trajectory else [])
    if early and not len(series["step"]):
        message = f"the experiment is {experiment.state} and has recorded nothing yet; wait for its first steps"
        if experiment.source is Source.IMPORT:
            message = "the experiment was imported without a series"
        raise NothingYet(Problem("", "no_result_yet", message))
    return drawn(chosen, chosen.info(experiment.spec, result, series), form, if_none_match)


def choose(figures: Mapping[str, Figure], name: str, form: str) -> Figure:
    """The figure of that name, if there is one and it can have that form; raises Missing."""
    if name not in figures:
        raise Missing(unknown("/path/name", "figure", name, figures))
    if form not in MEDIA_TYPES:
        raise Missing(unknown("/path/format", "format", form, MEDIA_TYPES))
    return figures[name]


def drawn(chosen: Figure, info: Info, form: str, if_none_match: str | None) -> Response:
    """The figure of ``info`` as a file, or its data; inked only for who doesn't hold it yet."""
    content = info.model_dump_json().encode()
    if form == "json":
        return etags.answer(content, MEDIA_TYPES[form], if_none_match)
    etag = etags.of(b" ".join([EDITION.encode(), form.encode(), content]))
    return etags.made(
        etag, lambda: inked(chosen, info, cast(Format, form)), MEDIA_TYPES[form], if_none_match
    )


def inked(chosen: Figure, info: Info, form: Format) -> bytes:
    """The figure of ``info`` as a file."""
    with _ink:
        return chosen.file(info, form)
