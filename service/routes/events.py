"""``GET /v1/events``: what happens, as it happens, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from core.errors import Problem
from core.spec.explain import shorten
from service import schemas
from service.context import Context
from service.http import examples, openapi
from service.http.errors import Invalid
from store.experiments import events as news

router = APIRouter(tags=["operations"])

MOST_IDS = 500
RETRY_MILLISECONDS = 1000
"""After which a reader that was cut off should come back."""


def _followed(
    context: Context,
    experiments: Annotated[
        str | None,
        Query(
            description=f"Ids of experiments, separated by commas, at most {MOST_IDS}; all experiments where left out.",
            min_length=1,
            max_length=40 * MOST_IDS,
            examples=[examples.ID],
        ),
    ] = None,
) -> frozenset[str] | None:
    if experiments is None:
        return None
    ids = list(dict.fromkeys(experiments.split(",")))
    pointer = "/query/experiments"
    if len(ids) > MOST_IDS:
        raise Invalid(
            Problem(pointer, "too_many", f"should be at most {MOST_IDS} ids", str(len(ids)))
        )
    with context.database.read() as tx:
        strange = news.unknown(tx, ids)
    if strange:
        message = "there is no such experiment"
        raise Invalid(
            *(
                Problem(pointer, "no_such_experiment", message, shorten(name))
                for name in strange[:20]
            )
        )
    return frozenset(ids)


@router.get(
    "/v1/events",
    response_class=EventSourceResponse,
    responses={200: openapi.stream(examples.STREAM), **openapi.problems(503)},
)
async def events(
    context: Context,
    experiment_ids: Annotated[frozenset[str] | None, Depends(_followed)],
    last: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            le=2**63 - 1,
            description="The id of the last event that was read: those after it come first.",
        ),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow experiments as server-sent events. The stream goes on until you close it.

    `state` comes with everything that happens to an experiment, the state that it is in then, and
    an id; `progress`, without one, about once a second with how far a running one is. First comes
    what happened after `Last-Event-ID`, or without it the history of the `experiments` that are
    named. A browser's `EventSource` sends it by itself when it comes back, also to a service that
    was restarted meanwhile.
    """
    yield ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS)
    async for found in context.feed.follow(experiment_ids, last):
        for experiment_id, event in found.happenings:
            state = schemas.StateEvent.from_record(experiment_id, event)
            yield ServerSentEvent(
                event="state", id=str(event.number), raw_data=state.model_dump_json()
            )
        for experiment_id, progress in found.progress:
            moved = schemas.ProgressEvent.from_record(experiment_id, progress)
            yield ServerSentEvent(event="progress", raw_data=moved.model_dump_json())
