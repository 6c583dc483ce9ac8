"""A bundle: all that is known of some experiments as one zip, for a paper's supplement or another lab."""

import itertools
import zipfile
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from core.figures import FIGURES, NotDrawable
from core.result import METRICS
from service import schemas
from service.context import AppContext, Context
from service.exports.encoding import WriteBuffer, encode
from service.figures import rendering
from service.http import openapi
from service.http.query_parameters import RequestedQuery
from service.routes.exports import ids_of, tabulated
from store.errors import NotFound
from store.experiments import repository as experiments
from store.experiments import results
from store.query import export_rows, run_ends
from store.query.query import ExperimentQuery
from store.records import Experiment, Source
from store.states import State

router = APIRouter(prefix="/v1/bundle", tags=["queries"])

DRAWN = ("response", "training")
MEDIA_TYPE = "application/zip"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same results make the same bundle."""

README = """A bundle of experiments from an Extrapolab.

experiments.csv              every experiment: what it is, and medians over its runs
runs.csv                     every run, with its final metrics
ID/spec.json                 what was asked for; POST it to /v1/experiments to run it again
ID/experiment.json           the experiment as the lab has it, with its provenance
ID/result.json               responses, eigenvalues, parameters, metrics of every run of a completed one
ID/series.csv                the recorded points
ID/figures/*.svg             drawn from these numbers

Numbers are exact; NaN, Infinity and -Infinity are words. `extrapolab reproduce ID --verify` runs one again.
"""


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: openapi.file("The zip.", MEDIA_TYPE) | {"headers": {}},
        **openapi.problems(400, 503),
    },
)
def bundle(context: Context, asked: RequestedQuery) -> StreamingResponse:
    """Bundle all that `q` finds: specs, results, recorded points, figures and provenance, streamed as a zip.

    The same results make the same bytes. `q=id = exp_...` bundles one experiment, `q=sweep:swp_...`
    a sweep.
    """
    content = _zipped(context, asked)
    first = list(
        itertools.islice(content, 2)
    )  # what fails at once, fails with an answer that says so
    disposition = {"Content-Disposition": 'attachment; filename="extrapolab.zip"'}
    return StreamingResponse(
        itertools.chain(first, content), media_type=MEDIA_TYPE, headers=disposition
    )


def _zipped(context: AppContext, question: ExperimentQuery) -> Iterator[bytes]:
    buffer = WriteBuffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pieces in _files(context, question):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    yield buffer.take()
    yield buffer.take()


def _files(context: AppContext, question: ExperimentQuery) -> Iterator[tuple[str, Iterator[bytes]]]:
    yield "README.txt", iter([README.encode()])
    usual = run_ends.parse_fields(",".join(export_rows.DEFAULT_FIELDS))
    yield (
        "experiments.csv",
        encode("csv", *tabulated(context, question, "experiments", usual, tuple(METRICS))),
    )
    yield "runs.csv", encode("csv", *tabulated(context, question, "runs", usual, tuple(METRICS)))
    for name in itertools.chain.from_iterable(ids_of(context, question)):
        try:
            with context.database.read() as tx:
                experiment = experiments.get(tx, name)
                has_arrays = experiment.state is State.COMPLETED and experiment.source is Source.LAB
                result = results.result(tx, name) if has_arrays else None
                series = results.series(tx, name)
        except NotFound:  # removed since its page was read
            continue
        written = schemas.to_json(schemas.Experiment.from_record(experiment))
        yield f"{name}/spec.json", iter([schemas.to_json(experiment.content)])
        yield f"{name}/experiment.json", iter([written])
        if result is not None:
            yield f"{name}/result.json", iter([result.model_dump_json(exclude={"series"}).encode()])
        columns = list(series)
        headings = export_rows.series_columns(columns[2:])[1:]
        yield (
            f"{name}/series.csv",
            encode("csv", headings, [{n: column.tolist() for n, column in series.items()}]),
        )
        for figure, picture in _figures(experiment, result, series):
            yield f"{name}/figures/{figure}.svg", iter([picture])


def _figures(experiment: Experiment, result: Any, series: Any) -> Iterator[tuple[str, bytes]]:
    for name in DRAWN if result is not None else ():
        try:
            info = FIGURES[name].info(experiment.spec, result, series)
        except NotDrawable:
            continue
        yield name, rendering.render(FIGURES[name], info, "svg")
