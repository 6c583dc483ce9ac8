"""Events in the order of their commits: none is lost to a reader, however late it is committed."""

import pytest
from sqlalchemy import update

from store.db.tables import experiments
from store.experiments import events, staging
from store.records import EventKind
from store.transition import record_event


def write(tx, experiment_id, attempt):
    record_event(tx, experiment_id, EventKind.PAUSE_REQUESTED, at=0.0, attempt=attempt)


def attempts(found):
    return [event.attempt for _, event in found]


def hide(tx, experiment_id, batch_id):
    """Makes an experiment one of a staged batch."""
    change = update(experiments).where(experiments.c.id == experiment_id)
    tx.execute(change.values(staged_batch_id=batch_id))


def unknown_after(tx, last):
    """The attempts of the events that a reader of the last one is sent."""
    return attempts(events.since(tx, last)[0])


@pytest.fixture
def reading(repo):
    """A submitted experiment, and a reader that has read its events."""
    experiment_id = repo.submit().id
    with repo.database.read() as tx:
        return experiment_id, events.now_read(tx), events.newest_number(tx)


def read_all(repo, mark):
    """The attempts of all events after a mark, and the mark after them."""
    found = []
    while True:
        with repo.database.read() as tx:
            page, mark = events.after(tx, mark)
        found += attempts(page)
        if len(page) < events.EVENTS_PER_QUERY:
            return found, mark


def test_each_event_comes_once(repo, reading, monkeypatch):
    monkeypatch.setattr(events, "EVENTS_PER_QUERY", 3)
    experiment_id, mark, _ = reading
    with repo.database.write() as tx:
        for attempt in range(1, 8):
            write(tx, experiment_id, attempt)
    found, mark = read_all(repo, mark)
    assert found == [*range(1, 8)]
    assert read_all(repo, mark)[0] == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_event_that_is_committed_long_after_later_ones_is_read(repo, reading):
    experiment_id, mark, first = reading
    with repo.database.engine.connect() as late, late.begin() as slow:
        write(late, experiment_id, 1)
        with repo.database.write() as tx:
            for attempt in range(2, 400):
                write(tx, experiment_id, attempt)
        found, mark = read_all(repo, mark)
        assert found == [*range(2, 400)]
        with repo.database.read() as tx:
            last = events.newest_number(tx)
            assert unknown_after(tx, first) == [*range(2, 400)]
        slow.commit()
    assert read_all(repo, mark)[0] == [1]
    with repo.database.read() as tx:
        assert unknown_after(tx, last) == [1], "nor is it lost to one who reconnects"
        assert unknown_after(tx, first) == [*range(1, 400)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_events_of_a_staged_batch_come_when_it_is_published(repo, reading):
    experiment_id, mark, _ = reading
    staged = repo.submit(rerun=True).id
    with repo.database.write() as tx:
        batch_id = staging.open_batch(tx)
        hide(tx, staged, batch_id)
        write(tx, staged, 1)
    with repo.database.write() as tx:
        write(tx, experiment_id, 2)
    found, mark = read_all(repo, mark)
    assert found == [2]
    with repo.database.write() as tx:
        staging.publish(tx, batch_id)
    assert read_all(repo, mark)[0] == [0, 1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_last_event_that_was_removed_loses_nothing(repo, reading):
    experiment_id, _, _ = reading
    removed = repo.submit(rerun=True).id
    with repo.database.engine.connect() as late, late.begin() as slow:
        write(late, experiment_id, 1)
        with repo.database.write() as tx:
            write(tx, removed, 2)
        with repo.database.write() as tx:
            last = events.newest_number(tx)
            tx.exec_driver_sql("DELETE FROM experiments WHERE id = %s", (removed,))
        slow.commit()
    with repo.database.read() as tx:
        assert 1 in unknown_after(tx, last)


def test_a_staged_batch_is_not_known_to_one_who_read_before_it_was_published(repo, reading):
    _, _, first = reading
    staged = repo.submit(rerun=True).id
    with repo.database.write() as tx:
        batch_id = staging.open_batch(tx)
        hide(tx, staged, batch_id)
        write(tx, staged, 1)
    with repo.database.read() as tx:
        last, now_read = events.newest_number(tx), events.now_read(tx)
    assert last == first
    with repo.database.write() as tx:
        staging.publish(tx, batch_id)
    assert read_all(repo, now_read)[0] == [0, 1]
    with repo.database.read() as tx:
        assert unknown_after(tx, last) == [0, 1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_who_is_cut_off_within_a_long_replay_loses_nothing(repo, reading, monkeypatch):
    experiment_id, mark, first = reading
    monkeypatch.setattr(events, "EVENTS_PER_QUERY", 3)

    def replay(mark):
        with repo.database.read() as tx:
            page, mark = events.since(tx, first, mark=mark)
            return attempts(page), page[-1][1].number, mark

    with repo.database.engine.connect() as late, late.begin() as slow:
        write(late, experiment_id, 1)
        with repo.database.write() as tx:
            for attempt in (2, 3, 4, 5):
                write(tx, experiment_id, attempt)
        page, _, replayed = replay(events.Mark())
        assert page == [2, 3, 4]
        slow.commit()
    with repo.database.write() as tx:
        write(tx, experiment_id, 6)
    page, last, _ = replay(replayed)
    assert page == [5]
    with repo.database.read() as tx:
        assert unknown_after(tx, last) == [1, 6], "what the stream would have sent next"
    assert read_all(repo, mark)[0] == [*range(1, 7)]
