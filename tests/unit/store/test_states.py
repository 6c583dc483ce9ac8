"""The state machine: which moves are legal, and that there is no other."""

import itertools

import pytest

from store.errors import IllegalMove
from store.states import FINAL, MOVES, State, move

LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "queued"),
    ("queued", "paused"),
    ("running", "paused"),
    ("paused", "queued"),
    ("paused", "cancelled"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)))
def test_exactly_the_legal_moves_can_be_made(state, to):
    if (state, to) in LEGAL:
        assert move(state, to) is to
    else:
        with pytest.raises(IllegalMove, match=f"an experiment that is {state}"):
            move(state, to)


def test_a_refusal_says_what_is_possible():
    with pytest.raises(
        IllegalMove,
        match="cannot retry an experiment that is completed: it can become nothing else",
    ):
        move(State.COMPLETED, State.QUEUED, verb="retry")


def test_every_state_can_be_reached_and_only_final_ones_have_ended():
    reached = set().union(*MOVES.values())
    assert reached == set(State)
    assert (
        {state for state in State if state.is_final}
        == FINAL
        == {"completed", "failed", "cancelled"}
    )


def test_no_final_state_is_followed_by_another_without_being_queued_first():
    for state in FINAL:
        assert MOVES[state] <= {State.QUEUED}
