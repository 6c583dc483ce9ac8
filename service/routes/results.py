"""What came out of an experiment: its result, and the points that were recorded along training."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from core.errors import Problem
from core.result import SERIES
from core.spec import ExperimentSpec, channels
from core.spec.explain import shorten
from service import schemas
from service.context import Context
from service.exports.encoding import MEDIA_TYPES, FileFormat, encode
from service.http import etags, examples, openapi
from service.http.errors import Invalid, unknown
from service.http.ids import ExperimentId
from service.http.parameters import IfNoneMatch
from store.arrays.packed import TRAJECTORIES
from store.experiments import repository as experiments
from store.experiments import results
from store.query.export_rows import Column
from store.query.fields import Kind

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["results"])

Columns = Mapping[str, np.ndarray]
KEYS = ("seed", "step")
NUMBERS_AT_ONCE = 200_000
"""That are written at once."""

NAMES = (*SERIES, *TRAJECTORIES)
"""All that can be asked for; a trajectory only of an experiment that recorded it."""


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
    """Read the result of a completed experiment: responses, eigenvalues, parameters and final metrics of every seed."""
    with context.database.read() as tx:
        found = results.result(tx, experiment_id)
    return etags.answer(
        found.model_dump_json(exclude={"series"}).encode(), "application/json", if_none_match
    )


@router.get(
    "/series",
    response_model=dict[str, schemas.Column],
    responses={
        200: openapi.answer(
            "Equally long columns, by seed and step.",
            examples.SERIES,
            "ETag",
            others={"text/csv": examples.SERIES_CSV},
            files=(MEDIA_TYPES["parquet"], MEDIA_TYPES["arrow"]),
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
            description="Metrics, separated by commas; all of them by default. Also `response` and `eigenvalues`, if "
            "`evaluation.record` asked for them.",
            examples=["train_loss,fit_error"],
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        Query(description="Seeds, separated by commas; all by default.", examples=["0,1"]),
    ] = None,
    form: Annotated[Literal["json", "csv", "parquet", "arrow"], Query(alias="format")] = "json",
    max_points: Annotated[
        int | None,
        Query(
            ge=2,
            le=10_000_000,
            description="Thin each seed's points to so many, the first and last kept.",
        ),
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read the recorded points in long form, so far: columns `seed`, `step` and one per metric.

    A recorded response is a list of q numbers per point (q x p x m where there are several
    channels), recorded eigenvalues are a list of [re, im]; in CSV columns `response_0`, ...,
    `eigenvalue_0_re`, `eigenvalue_0_im`, ...
    """
    with context.database.read() as tx:
        spec = experiments.get(tx, experiment_id).spec
        chosen_names, chosen_seeds = _choose(names, seeds, spec)
        trajectories = [name for name in chosen_names if name in TRAJECTORIES]
        metrics = [name for name in chosen_names if name in SERIES]
        points: Columns = results.series(tx, experiment_id, trajectories, names=metrics)
    if chosen_seeds is not None:
        points = _rows(points, np.isin(points["seed"], chosen_seeds))
    if max_points is not None:
        points = _rows(points, _evenly(points["seed"], max_points))
    columns = {name: points.get(name, np.empty(0)) for name in (*KEYS, *chosen_names)}
    pieces = _lists(columns) if form == "json" else _file(form, columns, spec)
    return etags.answer_streamed(_tag(form, columns), pieces, MEDIA_TYPES[form], if_none_match)


def _tag(form: str, columns: Columns) -> str:
    """The tag of an answer that isn't written yet: its numbers and its form decide every byte."""
    digest = hashlib.sha256(form.encode())
    for name, column in columns.items():
        digest.update(f"{name} {column.dtype} {column.shape} ".encode())
        digest.update(np.ascontiguousarray(column).data)
    return etags.of_digest(digest.hexdigest())


def _file(form: FileFormat, columns: Columns, spec: ExperimentSpec) -> Iterator[bytes]:
    flat = _flat(columns, spec)
    headings = [Column(name, Kind.WHOLE if name in KEYS else Kind.REAL) for name in flat]
    return encode(form, headings, _pieces(flat))


def _lists(columns: Columns) -> Iterator[bytes]:
    """The columns as one JSON object of lists."""
    for number, (name, column) in enumerate(columns.items()):
        yield (b"," if number else b"{") + schemas.to_json(name) + b":["
        shaped = _one_channel(column) if name == "response" else column
        for place, piece in enumerate(_pieces({name: shaped})):
            yield (b"," if place else b"") + schemas.to_json(piece[name].tolist())[1:-1]
        yield b"]"
    yield b"}"


def _pieces(columns: Columns) -> Iterator[Columns]:
    """The rows, some at a time: as text, or as Python's numbers, they take ten times the memory."""
    rows = len(next(iter(columns.values())))
    at_once = max(
        1, NUMBERS_AT_ONCE * rows // max(1, sum(column.size for column in columns.values()))
    )
    for first in range(0, rows, at_once):
        yield {name: column[first : first + at_once] for name, column in columns.items()}


def _choose(
    names: str | None, seeds: str | None, spec: ExperimentSpec
) -> tuple[list[str], list[int] | None]:
    """The chosen names and seeds, each once; raises Invalid with everything that is wrong with either."""
    chosen_names = list(SERIES) if names is None else list(dict.fromkeys(names.split(",")))
    texts = [] if seeds is None else list(dict.fromkeys(seeds.split(",")))
    allowed = {str(seed): seed for seed in spec.seeds}
    there = (*SERIES, *spec.evaluation.record)
    problems = [
        _not_recorded(name, there)
        if name in TRAJECTORIES
        else unknown("/query/names", "name", name, NAMES)
        for name in chosen_names
        if name not in there
    ]
    problems += [
        Problem(
            "/query/seeds",
            "unknown_seed",
            "is not a seed of this experiment",
            shorten(text),
            _brief(allowed),
        )
        for text in texts
        if text not in allowed
    ]
    if problems:
        raise Invalid(*problems)
    return chosen_names, None if seeds is None else [allowed[text] for text in texts]


def _not_recorded(name: str, there: Sequence[str]) -> Problem:
    message = f"was not recorded: submit the experiment with {name!r} in evaluation.record to have it along the training"
    return Problem("/query/names", "not_recorded", message, name, ", ".join(there))


def _brief(seeds: Mapping[str, int]) -> str:
    listed = list(seeds)
    return ", ".join(listed if len(listed) <= 20 else [*listed[:10], "...", listed[-1]])


def _rows(points: Columns, chosen: np.ndarray) -> Columns:
    return {name: column[chosen] for name, column in points.items()}


def _evenly(seeds: np.ndarray, most: int) -> np.ndarray:
    """The rows that stay when each seed keeps at most so many, evenly spaced, its first and last among them."""
    of_each = np.split(np.arange(len(seeds)), np.flatnonzero(np.diff(seeds)) + 1)
    return np.concatenate([rows[_spread(len(rows), most)] for rows in of_each])


def _spread(count: int, most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def _one_channel(responses: np.ndarray) -> np.ndarray:
    """Responses (rows, q, p, m) as (rows, q) where there is one input and one output."""
    return responses[..., 0, 0] if responses.shape[2:] == (1, 1) else responses


def _flat(columns: Columns, spec: ExperimentSpec) -> Columns:
    """The columns with one for each number of a trajectory: ``response_j``, ``eigenvalue_i_re``, ``eigenvalue_i_im``.

    Where there are several channels, ``response_j_o_i`` is the entry of h_j of output o and input
    i.
    """
    m, p = channels(spec.teacher)
    entries = [""] if m * p == 1 else [f"_{o}_{i}" for o in range(p) for i in range(m)]
    parts = {
        "response": [f"response_{j}{entry}" for j in range(spec.horizon) for entry in entries],
        "eigenvalues": [
            f"eigenvalue_{i}_{part}" for i in range(spec.student.dim) for part in ("re", "im")
        ],
    }
    flat: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        if name in parts:
            flat |= zip(parts[name], column.reshape(len(column), len(parts[name])).T, strict=True)
        else:
            flat[name] = column
    return flat
