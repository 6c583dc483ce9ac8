"""Events in the order of their commits: none is lost to a reader, however late it is committed."""

import pytest

from store.experiments import events, staging
from store.records import EventKind
from store.transition import record_event


def write(tx, experiment_id, attempt):
    record_event(tx, experiment_id, EventKind.PAUSE_REQUESTED, at=0.0, attempt=attempt)


def attempts(found):
    return [event.attempt for _, event in found]


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
            assert attempts(events.since(tx, first)) == [*range(2, 400)]
        slow.commit()
    assert read_all(repo, mark)[0] == [1]
    with repo.database.read() as tx:
        assert attempts(events.since(tx, last)) == [1], "nor is it lost to one who reconnects"
        assert attempts(events.since(tx, first)) == [*range(1, 400)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_events_of_a_staged_batch_come_when_it_is_published(repo, reading):
    experiment_id, mark, _ = reading
    staged = repo.submit(rerun=True).id
    with repo.database.write() as tx:
        batch_id = staging.open_batch(tx)
        tx.exec_driver_sql("UPDATE experiments SET arrival = %s WHERE id = %s", (batch_id, staged))
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
        assert 1 in attempts(events.since(tx, last))
