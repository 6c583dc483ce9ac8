"""The filter language's fields, and the bulk cancellation of a filter's matches."""

from fastapi import APIRouter

from core.errors import Problem
from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.errors import CountMismatch
from service.http.pagination import page
from service.http.parameters import Cursor, Limit
from service.intake.bulk import change_states
from store.experiments import repository as experiments
from store.query import pages
from store.query.errors import BadQuery
from store.query.fields import FIELDS
from store.query.query import ExperimentQuery
from store.states import State

router = APIRouter(tags=["queries"])


@router.get(
    "/v1/fields",
    response_model=schemas.Page[schemas.QueryField],
    responses={200: openapi.answer("One page."), **openapi.problems(400)},
)
def fields(limit: Limit = 500, cursor: Cursor = None) -> schemas.Page[schemas.QueryField]:
    """List the fields that filters can use, with their types and possible values."""
    items, next_cursor = page(
        list(FIELDS.values()), lambda field: field.name, limit=limit, cursor=cursor
    )
    return schemas.Page(
        items=[schemas.QueryField.from_record(field) for field in items], next=next_cursor
    )


@router.post(
    "/v1/experiments:cancel",
    response_model=schemas.Cancelled,
    responses={
        200: openapi.answer("They are cancelled, or asked to stop.", examples.CANCELLED_ALL),
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Cancellation, examples.CANCELLATION),
)
def cancel(context: Context, content: body.JsonBody) -> schemas.Cancelled:
    """Cancel all unfinished experiments that match a filter.

    `expect_count` is the number of unfinished matches that you expect; if it has changed, nothing
    is cancelled (409). An experiment that ends in the meantime stays as it is.
    """
    cancellation = body.parse(content, schemas.Cancellation)
    try:
        query = ExperimentQuery.parse(cancellation.q)
    except BadQuery as error:
        raise error.at("/q") from None
    unfinished = query.where_in("state", [state for state in State if not state.is_final])
    with context.database.read() as tx:
        experiment_ids = pages.ids(tx, unfinished)
    count, expected = len(experiment_ids), cancellation.expect_count
    if count != expected:
        message = f"{count} unfinished experiments match: check them, then retry with this count"
        raise CountMismatch(
            Problem("/expect_count", "other_count", message, str(expected), str(count))
        )
    states = change_states(context, experiment_ids, experiments.request_cancel)
    return schemas.Cancelled.from_states(states)
