"""The state of an experiment, and every legal move between states: here and nowhere else.

queued     a worker claims it: running; paused or cancelled at once running    completed, failed or
cancelled; lost or handed back by its worker: queued, or paused where that was asked for
paused     resumed: queued; cancelled at once
failed     retried: queued
cancelled  retried: queued completed  stays so
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from store.errors import IllegalMove


class State(StrEnum):
    """Where an experiment is. A diverged run is a result: its experiment is completed."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in FINAL


FINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
PENDING = tuple(state for state in State if state not in FINAL)
"""Where more may happen: those that are not final."""

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
"""From each state, the states that it may be followed by."""

RETRIED = frozenset(state for state in FINAL if State.QUEUED in MOVES[state])
"""Final states that an experiment can be taken out of."""

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
"""What it is called to bring an experiment into a state."""


def move(state: State, to: State, *, verb: str | None = None) -> State:
    """The state moved to.

    Args:
        state: Where the experiment is.
        to: Where it should go.
        verb: What the caller calls it, such as ``retry``, for the message.

    Raises:
        IllegalMove: The move isn't in :data:`MOVES`.
    """
    if to not in MOVES[state]:
        legal = " or ".join(sorted(MOVES[state])) or "nothing else"
        raise IllegalMove(state, verb or VERBS[to], f"it can become {legal}")
    return to
