"""Lists of experiments: the usual columns or chosen ones, and always what they are sorted by."""

from functools import partial
from typing import Annotated

import typer

from extrapolab.cli.arguments import take
from extrapolab.cli.experiment_tables import USUAL_COLUMNS, experiments_table
from extrapolab.cli.query_tables import columns_table
from extrapolab.cli.terminal import print_records
from extrapolab.client.handles.query import Query
from extrapolab.client.requests.payloads import comma_list, sort_names
from extrapolab.models.experiments import ExperimentRecord
from extrapolab.models.tables import ExperimentColumns

Sort = Annotated[
    str | None,
    typer.Option(help="Such as -created,name or median(train_loss). Default: newest first."),
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Columns in place of the usual ones, such as "
        "'name,median(fit_error),count(outcome = fitted)'."
    ),
]


def print_experiments(
    experiments: Query, columns: str | None, limit: int, *, as_json: bool
) -> None:
    """Prints the first experiments that a query finds, which asks for one more than that."""
    sorted_by = sort_names(experiments.sort)
    if columns is not None:
        names = comma_list(columns)
        names = [*(name for name in sorted_by if name not in names), *names]
        chosen = take(experiments.select("id", *names), limit)
        print_records(
            [ExperimentColumns.read(row) for row in chosen],
            partial(columns_table, names=names),
            as_json=as_json,
            empty="No experiments.",
        )
        return
    unusual = [name for name in sorted_by if name not in USUAL_COLUMNS]
    rows = take(experiments.select("*", *unusual), limit)
    from core.spec.paths import value_at  # noqa: PLC0415  # loads the spec, after the request

    further = {name: [row.get(name, value_at(row, name)) for row in rows] for name in unusual}
    print_records(
        [ExperimentRecord.read(row) for row in rows],
        partial(experiments_table, sorted_by=sorted_by, further=further),
        as_json=as_json,
        empty="No experiments.",
    )
