"""Actions on many experiments: which of them each concerns, and what it does to one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, or_, true

from store.db.tables import experiments
from store.db.visible import visible_experiments
from store.experiments import repository, warm_start
from store.query import pages
from store.query.query import ExperimentQuery
from store.query.statistics import Condition
from store.states import PENDING, RETRYABLE, WAITING, State

Change = Callable[[Connection, str], State | None]
"""Changes one experiment; returns its state afterwards, None if it is removed."""


@dataclass(frozen=True)
class Action:
    """An action on many experiments.

    Attributes:
        concerned: The experiments that it concerns, in words, such as ``unfinished experiments``.
        condition: The same in SQL.
        change: Changes one; raises IllegalMove if its state no longer allows that, or NotFound.
        read: Reads what ``change`` takes as further arguments, for all experiments of a batch.
    """

    concerned: str
    condition: Condition
    change: Callable[..., State | None]
    read: Callable[[Connection, Sequence[str]], Mapping[str, Any]] = lambda _tx, _ids: {}

    def prepare(self, tx: Connection, ids: Sequence[str]) -> Change:
        """The change of each experiment of a batch, within the transaction that changes them."""
        return partial(self.change, **self.read(tx, ids))


def _in_state(*states: State) -> Condition:
    return experiments.c.state.in_(states)


CANCEL = Action("unfinished experiments", _in_state(*PENDING), repository.request_cancel)
PAUSE = Action(
    "queued or running experiments",
    and_(_in_state(State.QUEUED, State.RUNNING), ~experiments.c.cancel_requested),
    repository.request_pause,
)
RESUME = Action(
    "paused experiments",
    or_(
        _in_state(State.PAUSED),
        and_(_in_state(State.RUNNING), experiments.c.pause_requested),
    ),
    repository.resume,
)
RETRY = Action("failed or cancelled experiments", _in_state(*RETRYABLE), repository.retry)
REMOVE = Action(
    "experiments that have ended",
    ~_in_state(*PENDING),
    repository.remove,
    lambda tx, ids: {"dependents": warm_start.dependents(tx, ids)},
)


def prioritise(priority: int) -> Action:
    """The action that gives experiments a priority; higher ones are claimed first."""
    change = partial(repository.prioritise, priority=priority)
    return Action("queued or paused experiments", _in_state(*WAITING), change)


def tag(add: Sequence[str], remove: Sequence[str]) -> Action:
    """The action that adds tags to experiments and removes others."""
    change = partial(repository.change_tags, add=add, remove=remove)
    return Action("experiments", true(), change)


def matching(tx: Connection, action: Action, query: ExperimentQuery) -> list[str]:
    """The ids of the experiments that match a query and that an action concerns."""
    return pages.ids(tx, query, action.condition)


def count_concerned(tx: Connection, action: Action, ids: Sequence[str]) -> int:
    """The number of these experiments that an action concerns."""
    chosen = visible_experiments(experiments.c.id).where(experiments.c.id.in_(list(ids)))
    return len(tx.scalars(chosen.where(action.condition)).all())
