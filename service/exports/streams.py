"""Results of a query as streams: memory stays that of one page, whatever the query matches."""

from collections.abc import Iterator, Sequence

from service.context import AppContext
from store.experiments import rows
from store.query import cursor as cursors
from store.query import export_rows, pages
from store.query.export_rows import Column, RecordBatch
from store.query.fields import Field
from store.query.query import ExperimentQuery
from store.query.resolution import resolved
from store.records import Experiment

EXPERIMENTS_PER_PAGE = 200

Table = tuple[list[Column], Iterator[RecordBatch]]
"""The columns of a table, and its rows a page at a time."""


def id_pages(context: AppContext, query: ExperimentQuery) -> Iterator[list[str]]:
    """The ids of matching experiments, a page at a time.

    Each page is read in its own transaction, so no slow reader holds the database. References in
    the query mean on every page what they mean on the first.
    """
    with context.database.read() as tx:
        query = resolved(tx, query)
    cursor: str | None = None
    while True:
        with context.database.read() as tx:
            positions = pages.read_page(tx, query, cursor=cursor, limit=EXPERIMENTS_PER_PAGE)
        if positions:
            yield [position.id for position in positions]
        if len(positions) < EXPERIMENTS_PER_PAGE:
            return
        cursor = cursors.encode(positions[-1])


def experiments(context: AppContext, query: ExperimentQuery) -> Iterator[Experiment]:
    """Matching experiments, whole."""
    for ids in id_pages(context, query):
        with context.database.read() as tx:
            page = rows.to_experiments(tx, rows.get_many(tx, rows.existing_ids(tx, ids)))
        yield from page


def experiment_table(
    context: AppContext, query: ExperimentQuery, fields: Sequence[Field], metrics: Sequence[str]
) -> Table:
    """A row for each matching experiment, with medians over its runs."""

    def rows_of(ids: Sequence[str]) -> RecordBatch:
        with context.database.read() as tx:
            return export_rows.experiment_rows(tx, rows.existing_ids(tx, ids), fields, metrics)

    columns = export_rows.experiment_columns(fields, metrics)
    return columns, map(rows_of, id_pages(context, query))


def run_table(
    context: AppContext,
    query: ExperimentQuery,
    fields: Sequence[Field],
    metrics: Sequence[str],
    *,
    with_spec: bool = False,
) -> Table:
    """A row for each ended run of matching experiments, ``with_spec`` with whole specs too."""

    def batches() -> Iterator[RecordBatch]:
        for ids in id_pages(context, query):
            parts = [ids]
            if with_spec:
                with context.database.read() as tx:
                    parts = [*export_rows.by_spec_size(tx, rows.existing_ids(tx, ids))]
            for part in parts:
                with context.database.read() as tx:
                    existing = rows.existing_ids(tx, part)
                    batch = export_rows.run_rows(tx, existing, fields, metrics, with_spec=with_spec)
                yield batch

    return export_rows.run_columns(fields, metrics, with_spec=with_spec), batches()


def series_table(context: AppContext, query: ExperimentQuery, names: Sequence[str]) -> Table:
    """A row for each recorded point of matching experiments."""

    def batches() -> Iterator[RecordBatch]:
        for ids in id_pages(context, query):
            for experiment_id in ids:
                with context.database.read() as tx:
                    series = export_rows.series_rows(tx, experiment_id, names)
                yield series

    return export_rows.series_columns(names), export_rows.rebatch(batches())
