"""``GET /v1/events``: a stream of server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from core.errors import Problem
from core.spec.explain import shorten
from service import schemas
from service.context import Context
from service.http import examples, openapi
from service.http.errors import Invalid
from store.experiments import events as stored_events
from store.query.names import split_names

router = APIRouter(tags=["operations"])

MAX_IDS = 500
MAX_NAMED_PROBLEMS = 20
RETRY_MILLISECONDS = 1000
"""Delay after which a disconnected reader should reconnect."""

EventNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _followed_ids(
    context: Context,
    experiments: Annotated[
        str | None,
        Query(
            description=f"Ids of experiments, separated by commas, at most {MAX_IDS}. "
            "Default: all experiments.",
            min_length=1,
            max_length=40 * MAX_IDS,
            examples=[examples.ID],
        ),
    ] = None,
) -> frozenset[str] | None:
    if experiments is None:
        return None
    pointer = "/query/experiments"
    ids = split_names(experiments, pointer, Invalid)
    if len(ids) > MAX_IDS:
        message = f"should be at most {MAX_IDS} ids"
        raise Invalid(Problem(pointer, "too_many", message, str(len(ids))))
    with context.database.read() as tx:
        unknown = stored_events.unknown_ids(tx, ids)[:MAX_NAMED_PROBLEMS]
    if unknown:
        message = "there is no such experiment"
        raise Invalid(
            *(Problem(pointer, "no_such_experiment", message, shorten(name)) for name in unknown)
        )
    return frozenset(ids)


@router.get(
    "/v1/events",
    response_class=EventSourceResponse,
    responses={200: openapi.stream(examples.STREAM), **openapi.problems(503)},
)
async def events(
    context: Context,
    experiment_ids: Annotated[frozenset[str] | None, Depends(_followed_ids)],
    last: Annotated[
        EventNumber | None,
        Query(
            description="Id of the last event that was read, or `last_event` of what was read: the "
            "stream starts with later ones. For a browser's first connection, which can't set "
            "headers; `Last-Event-ID` counts if both are given.",
        ),
    ] = None,
    last_event_id: Annotated[
        EventNumber | None,
        Header(
            alias="Last-Event-ID",
            description="Id of the last event that was read; the stream starts with later ones.",
        ),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow experiments as server-sent events.

    The stream continues until you close it. A `state` event reports each event of an experiment,
    with its state after it and an id. A `progress` event, without an id, reports the progress of a
    running experiment about once a second, with the `newest` recorded point of each running seed.
    The stream starts with the events after `last` or `Last-Event-ID`, or without either with the
    history of the given `experiments`. A browser's `EventSource` sends the header itself when it
    reconnects, even if the service was restarted in the meantime.
    """
    yield ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS)
    async for batch in context.feed.follow(
        experiment_ids, last if last_event_id is None else last_event_id
    ):
        for experiment_id, event in batch.events:
            state = schemas.StateEvent.from_record(experiment_id, event)
            yield ServerSentEvent(
                event="state", id=str(event.number), raw_data=state.model_dump_json()
            )
        for experiment_id, progress in batch.progress:
            step = schemas.ProgressEvent.from_record(experiment_id, progress)
            yield ServerSentEvent(event="progress", raw_data=step.model_dump_json())
