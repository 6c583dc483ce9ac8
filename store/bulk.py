"""Actions on many experiments: which of them each concerns, and what it does to them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from store.experiments import changes
from store.experiments.changes import Changes
from store.experiments.draft import Limits
from store.query import pages
from store.query.query import ExperimentQuery
from store.states import PENDING, RETRYABLE, WAITING, State


@dataclass(frozen=True)
class Action:
    """An action on many experiments.

    Attributes:
        concerned: The experiments that it concerns, in words, such as ``unfinished experiments``.
        filter: The same as a filter; empty for all experiments.
        change: Changes those of given ids that it can.
    """

    concerned: str
    filter: str
    change: Callable[[Connection, Sequence[str]], Changes]


def _in_state(states: Iterable[State]) -> str:
    return f"state in ({', '.join(states)})"


CANCEL = Action("unfinished experiments", _in_state(PENDING), changes.request_cancel)
PAUSE = Action(
    "queued or running experiments",
    "state in (queued, running) and cancel_requested = false",
    changes.request_pause,
)
RESUME = Action(
    "paused experiments",
    "state = paused or (state = running and pause_requested = true)",
    changes.resume,
)
RETRY = Action("failed or cancelled experiments", _in_state(RETRYABLE), changes.retry)
REMOVE = Action(
    "experiments that have ended",
    _in_state(state for state in State if state.is_final),
    changes.remove,
)


def retry(limits: Limits) -> Action:
    """The action that queues failed and cancelled experiments again, with new limits."""
    return replace(RETRY, change=partial(changes.retry, limits=limits))


def prioritise(priority: int) -> Action:
    """The action that gives experiments a priority; higher ones are claimed first."""
    change = partial(changes.prioritise, priority=priority)
    return Action("queued or paused experiments", _in_state(WAITING), change)


def tag(add: Sequence[str], remove: Sequence[str]) -> Action:
    """The action that adds tags to experiments and removes others."""
    change = partial(changes.change_tags, add=add, remove=remove)
    return Action("experiments", "", change)


def matching(tx: Connection, action: Action, query: ExperimentQuery) -> list[str]:
    """The ids of the experiments that match a query and that an action concerns."""
    return pages.ids(tx, query.narrowed(action.filter))


def count_concerned(tx: Connection, action: Action, ids: Sequence[str]) -> int:
    """The number of these experiments that an action concerns."""
    chosen = ExperimentQuery.parse(action.filter or None).where_in("id", ids)
    return pages.count(tx, chosen)
