"""The state machine allows exactly the legal moves."""

import itertools

import pytest

from store.errors import IllegalMove
from store.states import FINAL, MOVES, State, check_move

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
def test_only_legal_moves_are_allowed(state, to):
    if (state, to) in LEGAL:
        check_move(state, to)
    else:
        with pytest.raises(IllegalMove, match=f"an experiment that is {state}"):
            check_move(state, to)


def test_refusal_names_the_possible_moves():
    with pytest.raises(IllegalMove, match="cannot start an experiment that is paused: ") as paused:
        check_move(State.PAUSED, State.RUNNING)
    assert str(paused.value).endswith("it can only become cancelled or queued")
    with pytest.raises(IllegalMove, match="cannot retry an experiment that is completed: ") as done:
        check_move(State.COMPLETED, State.QUEUED, verb="retry")
    assert str(done.value).endswith("its state can't change any more")


def test_every_state_is_reachable_and_exactly_three_are_final():
    assert set().union(*MOVES.values()) == set(State)
    assert (
        {state for state in State if state.is_final}
        == FINAL
        == {"completed", "failed", "cancelled"}
    )


def test_final_state_is_left_only_for_the_queue():
    for state in FINAL:
        assert MOVES[state] <= {State.QUEUED}
