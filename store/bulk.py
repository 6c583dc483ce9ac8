"""Actions on many experiments: which of them each concerns, and what it does to one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from store.experiments import repository, warm_start
from store.query import pages
from store.query.query import ExperimentQuery
from store.states import PENDING, RETRYABLE, WAITING, State

Change = Callable[[Connection, str], State | None]
"""Changes one experiment; returns its state afterwards, None if it is removed."""


@dataclass(frozen=True)
class Action:
    """An action on many experiments.

    Attributes:
        concerned: The experiments that it concerns, in words, such as ``unfinished experiments``.
        filter: The same as a filter; empty for all experiments.
        change: Changes one; raises IllegalMove if its state no longer allows that, or NotFound.
        read: Reads what ``change`` takes as further arguments, for all experiments of a batch.
    """

    concerned: str
    filter: str
    change: Callable[..., State | None]
    read: Callable[[Connection, Sequence[str]], Mapping[str, Any]] = lambda _tx, _ids: {}

    def prepare(self, tx: Connection, ids: Sequence[str]) -> Change:
        """The change of each experiment of a batch, within the transaction that changes them."""
        return partial(self.change, **self.read(tx, ids))


def _in_state(states: Iterable[State]) -> str:
    return f"state in ({', '.join(states)})"


CANCEL = Action("unfinished experiments", _in_state(PENDING), repository.request_cancel)
PAUSE = Action(
    "queued or running experiments",
    "state in (queued, running) and cancel_requested = false",
    repository.request_pause,
)
RESUME = Action(
    "paused experiments",
    "state = paused or (state = running and pause_requested = true)",
    repository.resume,
)
RETRY = Action("failed or cancelled experiments", _in_state(RETRYABLE), repository.retry)
REMOVE = Action(
    "experiments that have ended",
    _in_state(state for state in State if state.is_final),
    repository.remove,
    lambda tx, ids: {"dependents": warm_start.dependents(tx, ids)},
)


def prioritise(priority: int) -> Action:
    """The action that gives experiments a priority; higher ones are claimed first."""
    change = partial(repository.prioritise, priority=priority)
    return Action("queued or paused experiments", _in_state(WAITING), change)


def tag(add: Sequence[str], remove: Sequence[str]) -> Action:
    """The action that adds tags to experiments and removes others."""
    change = partial(repository.change_tags, add=add, remove=remove)
    return Action("experiments", "", change)


def matching(tx: Connection, action: Action, query: ExperimentQuery) -> list[str]:
    """The ids of the experiments that match a query and that an action concerns."""
    return pages.ids(tx, query.narrowed(action.filter))


def count_concerned(tx: Connection, action: Action, ids: Sequence[str]) -> int:
    """The number of these experiments that an action concerns."""
    chosen = ExperimentQuery.parse(action.filter or None).where_in("id", ids)
    return pages.count(tx, chosen)
