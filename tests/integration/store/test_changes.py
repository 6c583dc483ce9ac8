"""Changes of many experiments take few statements, however many there are."""

from functools import partial

import pytest
from sqlalchemy import event

from store.errors import IllegalMove, NotFound
from store.experiments import changes
from store.states import State
from tests.integration.store.states import submit_in_state

MOST_STATEMENTS = 9

CHANGES = [
    (State.QUEUED, changes.request_cancel, State.CANCELLED),
    (State.QUEUED, changes.request_pause, State.PAUSED),
    (State.PAUSED, changes.resume, State.QUEUED),
    (State.CANCELLED, changes.retry, State.QUEUED),
    (State.QUEUED, partial(changes.prioritise, priority=3), State.QUEUED),
    (State.QUEUED, partial(changes.change_tags, add=["new"], remove=["t"]), State.QUEUED),
    (State.CANCELLED, changes.remove, None),
    (State.COMPLETED, changes.remove, None),
]


@pytest.mark.parametrize(("state", "change", "then"), CHANGES)
def test_a_change_of_many_takes_few_statements(repo, state, change, then):
    ids = [submit_in_state(repo, state) for _ in range(12)]
    statements = []
    event.listen(
        repo.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: statements.append(statement),
    )
    with repo.database.write() as tx:
        changed = change(tx, ids)
    assert changed.states == dict.fromkeys(ids, then)
    assert changed.refused == {}
    assert len(statements) <= MOST_STATEMENTS, statements
    if then is not None:
        assert {repo.get(name).state for name in ids} == {then}


def test_what_can_not_be_changed_is_left_with_its_reason(repo):
    running, completed, queued = (
        submit_in_state(repo, state) for state in (State.RUNNING, State.COMPLETED, State.QUEUED)
    )
    ids = [queued, completed, running, "exp_" + "0" * 32, "\0"]
    with repo.database.write() as tx:
        changed = changes.request_cancel(tx, ids)
    assert changed.states == {queued: State.CANCELLED, running: State.RUNNING}
    assert repo.get(running).cancel_requested
    assert [type(changed.refused[name]) for name in (completed, *ids[3:])] == [
        IllegalMove,
        NotFound,
        NotFound,
    ]
