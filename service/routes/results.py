"""The result of an experiment, and the points recorded along its training."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from core.errors import Problem
from core.result import SERIES
from core.spec import ExperimentSpec
from core.spec.explain import shorten
from service import schemas
from service.context import Context
from service.exports import series as series_files
from service.exports import series_columns
from service.exports.encoding import MEDIA_TYPES
from service.exports.series import KEYS, SeriesFormat
from service.http import etags, examples, openapi
from service.http.errors import Invalid
from service.http.ids import ExperimentId
from service.http.parameters import IfNoneMatch, known_names
from store.arrays.packed import TRAJECTORIES
from store.experiments import repository as experiments
from store.experiments import results
from store.query.names import split_names

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["results"])

NAMES = (*SERIES, *TRAJECTORIES)
"""All columns; an experiment has a trajectory only if its spec asks to record it."""


@router.get(
    "/result",
    response_model=schemas.Result,
    responses={
        200: openapi.answer("The result.", examples.RESULT, "ETag"),
        **openapi.not_modified(),
        **openapi.problems(404, 409, 503),
    },
)
def result(
    experiment_id: ExperimentId, context: Context, if_none_match: IfNoneMatch = None
) -> Response:
    """Read the result of a completed experiment.

    It has the responses, eigenvalues, parameters and final metrics of every seed.
    """
    with context.database.read() as tx:
        stored = results.result(tx, experiment_id)
    content = stored.model_dump_json(exclude={"series"}).encode()
    return etags.answer(content, "application/json", if_none_match)


@router.get(
    "/series",
    response_model=dict[str, schemas.Column] | schemas.SeriesColumns,
    responses={
        200: openapi.answer(
            "Columns of equal length, sorted by seed and step.",
            examples.SERIES,
            "ETag",
            others={"text/csv": examples.SERIES_CSV},
            files=tuple(MEDIA_TYPES[form] for form in ("parquet", "arrow", "arrows")),
        ),
        **openapi.not_modified(),
        **openapi.problems(404, 501, 503),
    },
)
def series(
    *,
    experiment_id: ExperimentId,
    context: Context,
    names: Annotated[
        str | None,
        Query(
            description="Metrics, separated by commas; all by default. Also `response` and "
            "`eigenvalues`, if `evaluation.record` asked for them.",
            examples=["train_loss,fit_error"],
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        Query(description="Seeds, separated by commas; all by default.", examples=["0,1"]),
    ] = None,
    file_format: Annotated[
        SeriesFormat, Query(alias="format", description="Format of the answer.")
    ] = "json",
    form: Annotated[
        Literal["long", "columns"],
        Query(
            description="`long`: columns of equal length with a row per seed and step. `columns`: "
            "one axis of steps and a column per seed and metric, in JSON only."
        ),
    ] = "long",
    since_step: Annotated[
        int, Query(ge=-1, le=2**63 - 1, description="Only points after this step; -1 for all.")
    ] = -1,
    max_points: Annotated[
        int | None,
        Query(
            ge=2,
            le=10_000_000,
            description="Maximum number of points per seed, in `columns` of steps. The first and "
            "last are kept, and the extremes of each metric on intervals of log(step + 1).",
        ),
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the points recorded so far.

    They are in long form, with columns `seed`, `step` and one per metric. A recorded response is a
    list of q numbers per point (q x p x m if there are several channels); recorded eigenvalues are
    a list of [re, im]. CSV has the columns `response_0`, ..., `eigenvalue_0_re`,
    `eigenvalue_0_im`, ... instead. `form=columns` is what a chart needs, and says whether it is
    `thinned`, `of` how many steps. Non-finite numbers are words; null means that there is no point.
    """
    with context.database.read() as tx:
        spec = experiments.get(tx, experiment_id).spec
        chosen_names, chosen_seeds = _chosen(names, seeds, spec)
        if form == "columns":
            _require_json(file_format)
            answer = series_columns.read(
                tx,
                experiment_id,
                chosen_names,
                seeds=chosen_seeds,
                since_step=since_step,
                max_points=max_points,
            )
            return etags.answer(schemas.to_json(answer), "application/json", if_none_match)
        trajectories = [name for name in chosen_names if name in TRAJECTORIES]
        metrics = [name for name in chosen_names if name in SERIES]
        points: series_files.Columns = results.series(
            tx, experiment_id, trajectories, names=metrics, since_step=since_step
        )
    if chosen_seeds is not None:
        points = series_files.of_seeds(points, chosen_seeds)
    if max_points is not None:
        points = series_files.thinned(points, max_points)
    columns = {name: points.get(name, np.empty(0)) for name in (*KEYS, *chosen_names)}
    etag = etags.of_digest(series_files.digest(file_format, columns))
    parts = series_files.parts(file_format, columns, spec)
    return etags.answer_streamed(etag, parts, MEDIA_TYPES[file_format], if_none_match)


def _require_json(file_format: str) -> None:
    if file_format != "json":
        message = "only JSON has this form: leave out format"
        raise Invalid(Problem("/query/form", "json_only", message, "columns", "long"))


def _chosen(
    names: str | None, seeds: str | None, spec: ExperimentSpec
) -> tuple[list[str], list[int] | None]:
    """The chosen names and seeds, None for all seeds; raises Invalid with all problems."""
    recorded = (*SERIES, *spec.evaluation.record)
    chosen_names: list[str] = list(SERIES)
    problems: list[Problem] = []
    if names is not None:
        chosen_names, problems = known_names(names, "names", "name", NAMES)
    problems += [
        _not_recorded(name, recorded)
        for name in chosen_names
        if name in TRAJECTORIES and name not in recorded
    ]
    seeds_by_text = {str(seed): seed for seed in spec.seeds}
    texts = [] if seeds is None else split_names(seeds, "/query/seeds", Invalid)
    problems += [
        Problem(
            "/query/seeds",
            "unknown_seed",
            "is not a seed of this experiment",
            shorten(text),
            _abbreviated(seeds_by_text),
        )
        for text in texts
        if text not in seeds_by_text
    ]
    if problems:
        raise Invalid(*problems)
    return chosen_names, None if seeds is None else [seeds_by_text[text] for text in texts]


def _not_recorded(name: str, recorded: Sequence[str]) -> Problem:
    message = (
        "was not recorded; to record it along the training, submit the experiment with "
        f"{name!r} in evaluation.record"
    )
    return Problem("/query/names", "not_recorded", message, name, ", ".join(recorded))


def _abbreviated(seeds: Mapping[str, int]) -> str:
    texts = list(seeds)
    return ", ".join(texts if len(texts) <= 20 else [*texts[:10], "...", texts[-1]])
