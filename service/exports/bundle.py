"""A bundle: everything known about some experiments as one zip, for a supplement or another lab."""

import itertools
import zipfile
from collections.abc import Iterator, Mapping

import numpy as np

from core.figures import FIGURES, NotDrawable
from core.result import METRICS, ExperimentResult
from service import schemas
from service.context import AppContext
from service.exports import streams
from service.exports.encoding import WriteBuffer, encode
from service.figures import rendering
from store.errors import NotFound
from store.experiments import repository as experiments
from store.experiments import results
from store.query import export_rows, run_ends
from store.query.query import ExperimentQuery
from store.query.resolution import resolved
from store.records import Experiment, Source
from store.states import State

File = tuple[str, Iterator[bytes]]
"""A path in the zip, and the parts of its content."""

FIGURE_NAMES = ("response", "training")

COMPRESSION_LEVEL = 1
"""The digits of numbers hardly compress further: level 6 saves 3% and takes five times as long."""

PIECE_BYTES = 2**16
"""The approximate number of bytes that are sent at once."""

README = """A bundle of experiments from an Extrapolab.

experiments.csv              every experiment: its fields, and medians over its runs
runs.csv                     every run, with its final metrics
ID/spec.json                 the spec; POST it to /v1/experiments to run it again
ID/experiment.json           the experiment as stored in the lab, with its provenance
ID/result.json               responses, eigenvalues, parameters and metrics of every completed run
ID/series.csv                the recorded points
{figures}
Numbers are exact; NaN, Infinity and -Infinity are words. To run an experiment again and compare
the results: extrapolab reproduce ID --verify
"""
_FIGURES_LINE = "ID/figures/*.svg             figures of these numbers\n"


def zipped(context: AppContext, query: ExperimentQuery, *, figures: bool) -> Iterator[bytes]:
    """The zip of all matching experiments, part by part and at least one for each experiment.

    The same results give the same bytes: no file has a time.
    """
    with context.database.read() as tx:
        query = resolved(tx, query)  # once, so that all files are about the same experiments
    buffer = WriteBuffer()
    with zipfile.ZipFile(
        buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
    ) as archive:
        for files in _groups_of_files(context, query, figures=figures):
            for path, parts in files:
                with archive.open(path, "w", force_zip64=True) as file:
                    for part in parts:
                        file.write(part)
                        if buffer.size >= PIECE_BYTES:
                            yield buffer.take()
            yield buffer.take()
    yield buffer.take()


def _groups_of_files(
    context: AppContext, query: ExperimentQuery, *, figures: bool
) -> Iterator[Iterator[File]]:
    """The files about all experiments, then those of each."""
    yield _tables(context, query, figures=figures)
    for experiment_id in itertools.chain.from_iterable(streams.id_pages(context, query)):
        try:
            with context.database.read() as tx:
                experiment = experiments.get(tx, experiment_id)
                has_arrays = experiment.state is State.COMPLETED and experiment.source is Source.LAB
                result = results.result(tx, experiment_id) if has_arrays else None
                series = results.series(tx, experiment_id)
        except NotFound:  # removed since its page was read
            continue
        files = _files_of_experiment(experiment, result, series)
        if figures and result is not None:
            files = itertools.chain(files, _figures(experiment, result, series))
        yield files


def _tables(context: AppContext, query: ExperimentQuery, *, figures: bool) -> Iterator[File]:
    yield "README.txt", iter([README.format(figures=_FIGURES_LINE if figures else "").encode()])
    fields, metrics = run_ends.parse_fields(",".join(export_rows.DEFAULT_FIELDS)), tuple(METRICS)
    experiment_table = streams.experiment_table(context, query, fields, metrics)
    yield "experiments.csv", encode("csv", *experiment_table, safe=True)
    run_table = streams.run_table(context, query, fields, metrics, with_spec=True)
    yield "runs.csv", encode("csv", *run_table, safe=True)


def _files_of_experiment(
    experiment: Experiment, result: ExperimentResult | None, series: Mapping[str, np.ndarray]
) -> Iterator[File]:
    record = schemas.to_json(schemas.Experiment.from_record(experiment))
    yield f"{experiment.id}/spec.json", iter([schemas.to_json(experiment.content)])
    yield f"{experiment.id}/experiment.json", iter([record])
    if result is not None:
        content = result.model_dump_json(exclude={"series"}).encode()
        yield f"{experiment.id}/result.json", iter([content])
    _, _, *names = series
    _, *series_columns = export_rows.series_columns(names)  # all rows are of this experiment
    yield f"{experiment.id}/series.csv", encode("csv", series_columns, [series])


def _figures(
    experiment: Experiment, result: ExperimentResult, series: Mapping[str, np.ndarray]
) -> Iterator[File]:
    for name in FIGURE_NAMES:
        try:
            info = FIGURES[name].data(experiment.spec, result, series)
        except NotDrawable:
            continue
        picture = rendering.render(FIGURES[name], info, "svg")
        yield f"{experiment.id}/figures/{name}.svg", iter([picture])
