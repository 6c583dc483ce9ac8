"""The state of an experiment after its worker releases it: queued, paused, cancelled or failed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from store.db.tables import AnyRow, experiments
from store.records import EventKind, Failure
from store.states import State

DECISIVE_COLUMNS = (
    experiments.c.cancel_requested,
    experiments.c.pause_requested,
    experiments.c.attempts_without_progress.label("attempts_without_progress"),
)
"""The columns that decide the next state."""

END_EVENTS: Mapping[State, EventKind] = MappingProxyType(
    {
        State.CANCELLED: EventKind.CANCELLED,
        State.PAUSED: EventKind.PAUSED,
        State.FAILED: EventKind.FAILED,
    }
)
"""The event of a release into each state but queued."""


def released_state(row: AnyRow) -> State:
    """The state of an experiment whose attempt ended early through no fault of its own."""
    if row.cancel_requested:
        return State.CANCELLED
    return State.PAUSED if row.pause_requested else State.QUEUED


def state_after_failure(
    row: AnyRow, failure: Failure, max_attempts: int
) -> tuple[State, dict[str, Any]]:
    """The state of an experiment whose attempt failed, and the columns to set with it."""
    message = failure.message
    if failure.kind.is_transient:
        state = released_state(row)
        if state is State.CANCELLED or row.attempts_without_progress < max_attempts:
            return state, {}
        if row.attempts_without_progress > 1:
            message += (
                f" This happened {row.attempts_without_progress} times in a row;"
                " see the log, then retry."
            )
    return State.FAILED, {"failure_kind": failure.kind, "failure_message": message}
