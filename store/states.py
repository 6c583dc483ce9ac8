"""The states of an experiment and the legal moves between them.

queued     claimed: running; paused; cancelled
running    ended: completed, failed or cancelled; lost or handed back: queued or paused
paused     resumed: queued; cancelled
failed     retried: queued
cancelled  retried: queued
completed  none
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from store.errors import IllegalMove


class State(StrEnum):
    """The state of an experiment. A diverged run is a result: its experiment is completed."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether only a retry changes the state."""
        return self in FINAL


FINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
PENDING = tuple(state for state in State if state not in FINAL)
WAITING = (State.QUEUED, State.PAUSED)
"""Pending states without a worker, in which the priority can change."""

MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.RUNNING, State.PAUSED, State.CANCELLED}),
        State.RUNNING: frozenset(
            {State.COMPLETED, State.FAILED, State.CANCELLED, State.QUEUED, State.PAUSED}
        ),
        State.PAUSED: frozenset({State.QUEUED, State.CANCELLED}),
        State.COMPLETED: frozenset(),
        State.FAILED: frozenset({State.QUEUED}),
        State.CANCELLED: frozenset({State.QUEUED}),
    }
)
"""The states that may follow each state."""

RETRYABLE = frozenset(state for state in FINAL if State.QUEUED in MOVES[state])
"""Final states that a retry leaves."""

VERBS: Mapping[State, str] = MappingProxyType(
    {
        State.QUEUED: "queue",
        State.RUNNING: "start",
        State.PAUSED: "pause",
        State.COMPLETED: "complete",
        State.FAILED: "fail",
        State.CANCELLED: "cancel",
    }
)
"""The verb for a move into each state."""


def check_move(state: State, to: State, *, verb: str | None = None) -> None:
    """Checks that a move is legal.

    Args:
        state: The current state.
        to: The state to move to.
        verb: The verb for the message, such as ``retry``; by default that of :data:`VERBS`.

    Raises:
        IllegalMove: The move isn't in :data:`MOVES`.
    """
    if to not in MOVES[state]:
        legal = " or ".join(sorted(MOVES[state]))
        reason = f"it can only become {legal}" if legal else "its state can't change any more"
        raise IllegalMove(state, verb or VERBS[to], reason)
