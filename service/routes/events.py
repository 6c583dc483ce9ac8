"""``GET /v1/events``: a stream of server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from core.errors import Problem
from service import schemas
from service.context import Context
from service.event_feed import EventType, Subscription
from service.http import examples, openapi
from service.http.errors import Invalid
from service.http.ids import (
    EXPERIMENT_REFERENCES,
    MAX_IDS,
    SWEEP_REFERENCE,
    existing_experiments,
    existing_sweep,
)
from service.http.parameters import known_names
from service.http.query_parameters import Q
from store.query.query import ExperimentQuery
from store.query.resolution import resolved

router = APIRouter(tags=["operations"])

RETRY_MILLISECONDS = 1000
"""Delay after which a disconnected reader should reconnect."""

EventNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _given_ids(
    context: Context,
    experiments: Annotated[
        str | None,
        Query(
            description=f"{EXPERIMENT_REFERENCES}. Default: all experiments.",
            min_length=1,
            max_length=40 * MAX_IDS,
            examples=[examples.ID],
        ),
    ] = None,
) -> frozenset[str] | None:
    if experiments is None:
        return None
    return frozenset(existing_experiments(context, experiments, "/query/experiments"))


def _subscription(
    context: Context,
    experiment_ids: Annotated[frozenset[str] | None, Depends(_given_ids)],
    q: Q = None,
    sweep: Annotated[
        str | None,
        Query(description=f"{SWEEP_REFERENCE}: only its experiments, also those to come."),
    ] = None,
    types: Annotated[
        str,
        Query(
            description="Types of events, separated by commas: `state`, `progress`, `worker`, "
            "`queue`."
        ),
    ] = "state,progress",
) -> Subscription:
    names, problems = known_names(types, "types", "type", [*EventType])
    query = ExperimentQuery.parse(q)
    if experiment_ids is not None and (q is not None or sweep is not None):
        message = "can't be combined with q or sweep: write id in (...) into q"
        problems.append(Problem("/query/experiments", "exclusive", message))
    if problems:
        raise Invalid(*problems)
    chosen = frozenset(map(EventType, names))
    if sweep is not None:
        members = f"sweep:{existing_sweep(context, sweep)}"
        query = ExperimentQuery.parse(members if q is None else f"{members} and ({q})")
    has_filter = q is not None or sweep is not None
    if has_filter:
        with context.database.read() as tx:  # now, since the stream must not fail later
            query = resolved(tx, query)
    return Subscription(query if has_filter else experiment_ids, chosen)


@router.get(
    "/v1/events",
    response_class=EventSourceResponse,
    responses={200: openapi.stream(examples.STREAM), **openapi.problems(400, 404, 503)},
)
async def events(
    context: Context,
    subscription: Annotated[Subscription, Depends(_subscription)],
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

    With `q`, an experiment is followed from the moment at which it matches, which is looked at when
    the stream starts and at each of its events. It is followed from then on, so that you see it
    leave. Events between `last` and the start of the stream are those of all experiments.

    A `worker` event reports the change of a worker slot, with the slot after it: first each slot as
    `present`. A `queue` event has the queue of `/v1/queue` without the next experiments: first as
    it is, then when a count changes.
    """
    yield ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS)
    start = last if last_event_id is None else last_event_id
    async for batch in context.feed.follow(subscription, start):
        for experiment_id, event in batch.events:
            state = schemas.StateEvent.from_record(experiment_id, event)
            yield ServerSentEvent(
                event="state", id=str(event.number), raw_data=state.model_dump_json()
            )
        for experiment_id, progress in batch.progress:
            step = schemas.ProgressEvent.from_record(experiment_id, progress)
            yield ServerSentEvent(event="progress", raw_data=step.model_dump_json())
        for change, slot in batch.workers:
            worker = schemas.Worker.from_record(slot, batch.at, context.settings.lease_seconds)
            changed = schemas.WorkerEvent(change=change, worker=worker)
            yield ServerSentEvent(event="worker", raw_data=changed.model_dump_json())
        if batch.queue is not None:
            queue = schemas.Queue.from_record(batch.queue)
            yield ServerSentEvent(event="queue", raw_data=queue.model_dump_json())
