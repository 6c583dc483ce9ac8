"""One experiment, and the list of them: read, describe, cancel, retry, remove."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from core.errors import Problem
from core.spec.explain import shorten
from service import body, documentation, etags, examples, wire
from service.edge import Here
from service.errors import PreconditionFailed, PreconditionMissing
from service.parameters import Cursor, ExperimentId, IfMatch, IfNoneMatch, Limit, TagFilter
from store import cursor as cursors
from store import experiments, records
from store.states import State

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])

PAGE_BYTES = 8 * 2**20
"""Most bytes of one page; a single experiment may be larger."""

READ_AT_ONCE = 26
"""Experiments read before the page's size is looked at; a page of 50, and whether one follows, takes two reads."""

AN_EXPERIMENT = documentation.answer("The experiment.", examples.EXPERIMENT, "ETag")


@router.get(
    "",
    response_model=wire.Page[wire.Experiment],
    responses={200: documentation.answer("One page."), **documentation.problems(400, 503)},
)
def listing(
    here: Here,
    limit: Limit = 50,
    cursor: Cursor = None,
    tag: TagFilter = None,
    state: Annotated[State | None, Query(description="Only experiments in this state.")] = None,
) -> Response:
    """List experiments, the newest first. A page of large specs ends early, with `next` set."""
    items: list[bytes] = []
    last, room = cursor, PAGE_BYTES
    with here.database.read() as tx:
        for experiment in _from(cursor, tx, min(limit + 1, READ_AT_ONCE), tag=tag, state=state):
            item = wire.as_json(wire.Experiment.written(experiment))
            room -= len(item)
            if items and (len(items) == limit or room < 0):
                return _page(items, last)
            items.append(item)
            last = cursors.encode(experiment.created_at, experiment.id)
    return _page(items, None)


@router.get(
    "/{id:experiment}",
    response_model=wire.Experiment,
    responses={200: AN_EXPERIMENT, **documentation.not_modified(), **documentation.problems(404, 503)},
)
def one(experiment_id: ExperimentId, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """Read an experiment: its spec, how far it is, and what came out so far."""
    with here.database.read() as tx:
        experiment = experiments.get(tx, experiment_id)
    return _tagged(experiment, if_none_match)


@router.patch(
    "/{id:experiment}",
    response_model=wire.Experiment,
    responses={200: AN_EXPERIMENT, **documentation.problems(400, 404, 412, 413, 415, 428, 503)},
    openapi_extra=documentation.body(wire.Edit, examples.EDIT),
)
def edit(experiment_id: ExperimentId, here: Here, content: body.JsonBody, if_match: IfMatch = None) -> Response:
    """Change name, tags or notes. What an experiment computes never changes.

    `If-Match` bears the `ETag` that was read, so that nobody overwrites what they haven't seen.
    """
    if if_match is None:
        raise PreconditionMissing(
            Problem("/header/If-Match", "missing", "is required: the ETag of what you read, or *")
        )
    change = body.parse(content, wire.Edit).model_dump(exclude_unset=True)
    with here.database.write() as tx:
        version = etags.version(if_match, experiments.get(tx, experiment_id).version)
        if version is None:
            message = "is not an ETag of this experiment: read it again, then edit"
            raise PreconditionFailed(Problem("/header/If-Match", "unknown_etag", message, shorten(if_match)))
        edited = experiments.edit(tx, experiment_id, version=version, **change)
    return _tagged(edited, None)


@router.delete(
    "/{id:experiment}",
    status_code=204,
    responses={204: {"description": "It is gone."}, **documentation.problems(404, 409, 503)},
)
def remove(experiment_id: ExperimentId, here: Here) -> None:
    """Remove an experiment that has ended, with its results and its history.

    Not while another one that starts from it (`from_experiment`) is queued or running.
    """
    with here.database.write() as tx:
        experiments.remove(tx, experiment_id)


@router.post(
    "/{id:experiment}:cancel",
    response_model=wire.Moved,
    responses={
        200: documentation.answer("It was queued and is cancelled.", examples.CANCELLED),
        202: documentation.answer("Its worker is asked to stop.") | {"model": wire.Moved},
        **documentation.problems(404, 409, 503),
    },
)
def cancel(experiment_id: ExperimentId, here: Here, response: Response) -> wire.Moved:
    """Cancel an experiment. A running one stops within seconds and keeps what it recorded."""
    with here.database.write() as tx:
        state = experiments.request_cancel(tx, experiment_id)
    response.status_code = 200 if state.is_final else 202
    return wire.Moved(id=experiment_id, state=state, cancel_requested=True, links=wire.Links.of(experiment_id))


@router.post(
    "/{id:experiment}:retry",
    status_code=202,
    response_model=wire.Moved,
    responses={202: documentation.answer("Queued again."), **documentation.problems(404, 409, 503)},
)
def retry(experiment_id: ExperimentId, here: Here) -> wire.Moved:
    """Queue a failed or cancelled experiment again; it resumes where it was, if it got so far."""
    with here.database.write() as tx:
        state = experiments.retry(tx, experiment_id)
    here.bell.ring()
    return wire.Moved(id=experiment_id, state=state, cancel_requested=False, links=wire.Links.of(experiment_id))


def _from(
    cursor: str | None, tx: Connection, at_once: int, *, tag: str | None, state: State | None
) -> Iterator[records.Experiment]:
    """Every experiment behind the cursor, the newest first, read ``at_once`` at a time."""
    more = True
    while more:
        found, cursor = experiments.page(tx, limit=at_once, cursor=cursor, tag=tag, state=state)
        yield from found
        more = cursor is not None


def _page(items: Sequence[bytes], following: str | None) -> Response:
    content = b'{"items":[%b],"next":%b}' % (b",".join(items), wire.as_json(following))
    return Response(content, media_type="application/json")


def _tagged(experiment: records.Experiment, if_none_match: str | None) -> Response:
    content = wire.as_json(wire.Experiment.written(experiment))
    return etags.answer(content, "application/json", if_none_match, experiment.version)
