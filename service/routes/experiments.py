"""Experiments: list, read, edit, cancel, pause, resume, retry and remove them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from core.errors import Problem
from core.spec.explain import shorten
from service import schemas
from service.context import AppContext, Context
from service.http import body, etags, examples, openapi, sparse_fields
from service.http.errors import PreconditionFailed, PreconditionMissing
from service.http.ids import ExperimentId
from service.http.parameters import Cursor, IfMatch, IfNoneMatch, Limit, NewLimits
from service.http.query_parameters import RequestedQuery
from service.http.sparse_fields import Selection
from store import records
from store.experiments import events
from store.experiments import repository as experiments
from store.query import columns, pages
from store.queue import position
from store.states import State

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])

PAGE_BYTES = 8 * 2**20
"""Maximum size of a page, unless its only experiment is larger."""

EXPERIMENT_ANSWER = openapi.answer("The experiment.", examples.EXPERIMENT, "ETag")


@router.get(
    "",
    response_model=schemas.ExperimentPage[schemas.Experiment]
    | schemas.ExperimentPage[dict[str, Any]],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    *,
    context: Context,
    requested_query: RequestedQuery,
    limit: Limit = 50,
    cursor: Cursor = None,
    fields: Annotated[
        str | None,
        Query(
            description="Fields of each item, separated by commas, with dots for nested fields. "
            "Also names, statistics and counts of the filter language, each as a field of that "
            "name: a metric is its median, `*` all of an item. Default: `*`.",
            examples=["id,state,spec.training.length,runs.summary", "name,median(fit_error)"],
        ),
    ] = None,
    include: Annotated[
        Literal["count"] | None, Query(description="`count` adds the number of all matches.")
    ] = None,
) -> Response:
    """List the experiments that match a filter.

    They come in the order of `sort`, by default newest first. A page of large specs ends early,
    with `next` set. A cursor is valid only with its `q` and `sort`.
    """
    selection = Selection() if fields is None else sparse_fields.parse(fields, schemas.Experiment)
    items: list[bytes] = []
    next_cursor, last_cursor, bytes_left = None, cursor, PAGE_BYTES
    with context.database.read() as tx:
        last_event = events.newest_number(tx)
        count = pages.count(tx, requested_query) if include == "count" else None
        for row, values in columns.walk(
            tx, requested_query, selection.columns, cursor=cursor, page_size=limit + 1
        ):
            experiment = schemas.Experiment.from_record(row.experiment)
            item = schemas.to_json(selection.of(experiment, values))
            bytes_left -= len(item)
            if items and (len(items) == limit or bytes_left < 0):
                next_cursor = last_cursor
                break
            items.append(item)
            last_cursor = row.cursor
    content = b'{"items":[%b],"next":%b,"last_event":%d%b}' % (
        b",".join(items),
        schemas.to_json(next_cursor),
        last_event,
        b"" if count is None else b',"count":%d' % count,
    )
    return Response(content, media_type="application/json")


@router.get(
    "/{id:experiment}",
    response_model=schemas.Experiment,
    responses={200: EXPERIMENT_ANSWER, **openapi.not_modified(), **openapi.problems(404, 503)},
)
def one(
    experiment_id: ExperimentId, context: Context, if_none_match: IfNoneMatch = None
) -> Response:
    """Read an experiment: its spec, progress and results so far."""
    with context.database.read() as tx:
        return _answer(tx, context, experiments.get(tx, experiment_id), if_none_match)


@router.patch(
    "/{id:experiment}",
    response_model=schemas.Experiment,
    responses={200: EXPERIMENT_ANSWER, **openapi.problems(400, 404, 409, 412, 413, 415, 428, 503)},
    openapi_extra=openapi.body(schemas.Edit, examples.EDIT),
)
def edit(
    experiment_id: ExperimentId, context: Context, content: body.JsonBody, if_match: IfMatch = None
) -> Response:
    """Edit an experiment's name, tags, notes or priority.

    What an experiment computes never changes, and the priority only while it is queued or paused
    (else 409). `If-Match` is the `ETag` that you read, so that
    nobody overwrites changes they haven't seen.
    """
    if if_match is None:
        raise PreconditionMissing(
            Problem("/header/If-Match", "missing", "is required: the ETag of what you read, or *")
        )
    changes = body.parse(content, schemas.Edit).model_dump(exclude_unset=True)
    with context.database.write() as tx:
        version = etags.version_to_change(if_match, experiments.get(tx, experiment_id).version)
        if version is None:
            message = "is not an ETag of this experiment: read it again, then edit"
            raise PreconditionFailed(
                Problem("/header/If-Match", "unknown_etag", message, shorten(if_match))
            )
        edited = experiments.edit(tx, experiment_id, version=version, **changes)
        return _answer(tx, context, edited, None)


@router.delete(
    "/{id:experiment}",
    status_code=204,
    responses={204: {"description": "Removed."}, **openapi.problems(404, 409, 503)},
)
def remove(experiment_id: ExperimentId, context: Context) -> None:
    """Remove an experiment that has ended.

    Its results and history go with it. It is kept while an experiment that starts from it
    (`from_experiment`) is queued or running.
    """
    with context.database.write() as tx:
        experiments.remove(tx, experiment_id)


@router.post(
    "/{id:experiment}:cancel",
    response_model=schemas.Moved,
    responses={
        200: openapi.answer("It was queued and is cancelled.", examples.CANCELLED),
        202: openapi.answer("Its worker is asked to stop.") | {"model": schemas.Moved},
        **openapi.problems(404, 409, 503),
    },
)
def cancel(experiment_id: ExperimentId, context: Context, response: Response) -> schemas.Moved:
    """Cancel an experiment.

    A running one stops within seconds and keeps what it recorded.
    """
    answer = _change_state(context, experiment_id, experiments.request_cancel)
    response.status_code = 202 if answer.state is State.RUNNING else 200
    return answer


@router.post(
    "/{id:experiment}:pause",
    response_model=schemas.Moved,
    responses={
        200: openapi.answer("It was queued and is paused.", examples.PAUSED),
        202: openapi.answer("Its worker is asked to save and release it.")
        | {"model": schemas.Moved},
        **openapi.problems(404, 409, 503),
    },
)
def pause(experiment_id: ExperimentId, context: Context, response: Response) -> schemas.Moved:
    """Pause an experiment.

    A running one is saved at its current step and paused within seconds.
    """
    answer = _change_state(context, experiment_id, experiments.request_pause)
    response.status_code = 202 if answer.state is State.RUNNING else 200
    return answer


@router.post(
    "/{id:experiment}:resume",
    status_code=202,
    response_model=schemas.Moved,
    responses={
        202: openapi.answer("Queued again, or its pending pause is withdrawn.", examples.RESUMED),
        **openapi.problems(404, 409, 503),
    },
)
def resume(experiment_id: ExperimentId, context: Context) -> schemas.Moved:
    """Resume a paused experiment.

    It is queued again and continues from the step it had reached, to the same result.
    """
    return _change_state(context, experiment_id, experiments.resume)


@router.post(
    "/{id:experiment}:retry",
    status_code=202,
    response_model=schemas.Moved,
    responses={202: openapi.answer("Queued again."), **openapi.problems(404, 409, 503)},
)
def retry(experiment_id: ExperimentId, context: Context, limits: NewLimits) -> schemas.Moved:
    """Retry a failed or cancelled experiment, with new limits on demand.

    It is queued again and continues from its last checkpoint, if it has one.
    """
    return _change_state(context, experiment_id, partial(experiments.retry, limits=limits))


def _change_state(
    context: AppContext, experiment_id: str, change: Callable[[Connection, str], State]
) -> schemas.Moved:
    with context.database.write() as tx:
        change(tx, experiment_id)
        return schemas.Moved.from_record(experiments.get(tx, experiment_id))


def _answer(
    tx: Connection, context: AppContext, experiment: records.Experiment, if_none_match: str | None
) -> Response:
    place = None
    if experiment.state is State.QUEUED:
        fresh_seconds = context.settings.lease_seconds
        place = position.queue_position(tx, experiment.id, fresh_seconds=fresh_seconds)
    last_event = events.newest_number_of(tx, experiment.id)
    answer = schemas.Experiment.from_record(experiment, place, last_event)
    content = schemas.to_json(answer)
    return etags.answer(content, "application/json", if_none_match, experiment.version)
