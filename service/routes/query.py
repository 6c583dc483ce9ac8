"""Questions about experiments as parameters, what can be asked about, and what is done to all that a question finds."""

from fastapi import APIRouter

from core.errors import Problem
from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.errors import CountMismatch
from service.http.pagination import page
from service.http.parameters import Cursor, Limit
from service.intake.bulk import moved
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
    """List what filters can ask about: names, types, and the values that there are."""
    items, following = page(
        list(FIELDS.values()), lambda field: field.name, limit=limit, cursor=cursor
    )
    return schemas.Page(
        items=[schemas.QueryField.from_record(field) for field in items], next=following
    )


@router.post(
    "/v1/experiments:cancel",
    response_model=schemas.Cancelled,
    responses={
        200: openapi.answer("They are cancelled, or about to be.", examples.CANCELLED_ALL),
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Cancellation, examples.CANCELLATION),
)
def cancel(context: Context, content: body.JsonBody) -> schemas.Cancelled:
    """Cancel every experiment that fulfils a filter and has not ended.

    `expect_count` says how many those are; if there are others by now, nothing is cancelled (409).
    One that ends in between is let be.
    """
    wanted = body.parse(content, schemas.Cancellation)
    try:
        question = ExperimentQuery.of(wanted.q)
    except BadQuery as error:
        raise error.at("/q") from None
    with context.database.read() as tx:
        found = pages.ids(
            tx, question.narrowed("state", [state for state in State if not state.is_final])
        )
    if len(found) != wanted.expect_count:
        message = f"{len(found)} experiments fulfil the filter and have not ended: look at them, then ask with that number"
        raise CountMismatch(
            Problem(
                "/expect_count", "other_count", message, str(wanted.expect_count), str(len(found))
            )
        )
    return schemas.Cancelled.from_states(moved(context, found, experiments.request_cancel))
