"""Bulk actions on the experiments that a filter finds, or on some by their ids."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Any, TypeVar

from fastapi import APIRouter

from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.intake.bulk import change_selected
from store import bulk
from store.experiments.draft import Limits
from store.states import State

SelectionT = TypeVar("SelectionT", bound=schemas.Selection)
MakeAction = Callable[[SelectionT], bulk.Action]

router = APIRouter(tags=["experiments"])

SHARED = """
They are those that match `q`, or have one of `ids`. `expect_count` is the number of them that the
action concerns; if it has changed, nothing is done (409). Each experiment is changed in its turn:
one whose state doesn't allow it is in `refused`, with the reason.
"""


def _route(
    selection: type[SelectionT],
    answer: type[schemas.Changed] | type[schemas.Cancelled] = schemas.Changed,
    *,
    state: State | None,
    **example: Any,
) -> Callable[[MakeAction[SelectionT]], MakeAction[SelectionT]]:
    """Declares ``POST /v1/experiments:NAME``, named and described as the decorated function.

    Args:
        selection: The schema of the body, from which the function makes the action.
        answer: The schema of the answer.
        state: The state after it, in the example.
        example: What the example of the body has besides the selection.
    """

    def declare(make_action: MakeAction[SelectionT]) -> MakeAction[SelectionT]:
        def endpoint(context: Context, content: body.JsonBody) -> Any:
            parsed = body.parse(content, selection)
            done = change_selected(context, make_action(parsed), parsed)
            return answer.from_states(done.states, done.refused)

        after = answer.from_states({examples.ID: state}, {}).model_dump(mode="json")
        router.post(
            f"/v1/experiments:{make_action.__name__}",
            name=make_action.__name__,
            description=f"{cleandoc(make_action.__doc__ or '')}\n{SHARED}",
            response_model=answer,
            responses={
                200: openapi.answer("What was done to each.", after),
                **openapi.problems(400, 409, 413, 415, 503),
            },
            openapi_extra=openapi.body(selection, {**examples.CANCELLATION, **example}),
        )(endpoint)
        return make_action

    return declare


@_route(schemas.Cancellation, schemas.Cancelled, state=State.CANCELLED)
def cancel(_: schemas.Cancellation) -> bulk.Action:
    """Cancel all unfinished experiments of a selection."""
    return bulk.CANCEL


@_route(schemas.Retry, state=State.QUEUED, max_seconds=3600)
def retry(selection: schemas.Retry) -> bulk.Action:
    """Retry all failed and cancelled experiments of a selection, with new limits on demand."""
    return bulk.retry(Limits(selection.max_seconds, selection.max_memory_mb))


@_route(schemas.Selection, state=State.PAUSED)
def pause(_: schemas.Selection) -> bulk.Action:
    """Pause all queued and running experiments of a selection."""
    return bulk.PAUSE


@_route(schemas.Selection, state=State.QUEUED)
def resume(_: schemas.Selection) -> bulk.Action:
    """Resume all paused experiments of a selection."""
    return bulk.RESUME


@_route(schemas.Prioritisation, state=State.QUEUED, priority=10)
def prioritise(prioritisation: schemas.Prioritisation) -> bulk.Action:
    """Set the priority of all queued and paused experiments of a selection."""
    return bulk.prioritise(prioritisation.priority)


@_route(schemas.Tagging, state=State.QUEUED, add=["figure-2"], remove=["draft"])
def tag(tagging: schemas.Tagging) -> bulk.Action:
    """Add tags to all experiments of a selection, and remove others."""
    return bulk.tag(tagging.add, tagging.remove)


@_route(schemas.Selection, state=None)
def delete(_: schemas.Selection) -> bulk.Action:
    """Delete all experiments of a selection that have ended, with their results.

    Nothing brings them back. One stays while an unfinished experiment starts from it.
    """
    return bulk.REMOVE
