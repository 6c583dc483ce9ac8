"""Notifications wait for what they are about, and are claimed, repeated and fenced."""

import pytest
from sqlalchemy import update

from store import notifications
from store.db.database import now
from store.db.user_tables import notifications as table
from store.experiments import changes
from store.experiments.draft import Options
from store.notifications import MAX_ATTEMPTS, Subject, SubjectKind, Target
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import K, draft

TEAM = Target("https://example.org/secret", "https://example.org/…")


def request(database, *subjects):
    with database.write() as tx:
        for subject in subjects:
            notifications.request(tx, subject, [TEAM], owner="ada", origin="http://lab")


def ended(database):
    with database.read() as tx:
        return notifications.find_ended(tx)


def claim(database):
    with database.write() as tx:
        return notifications.claim(tx)


def settle(database, claimed, error=None, *, final=False):
    with database.write() as tx:
        notifications.settle(tx, claimed, error, final=final)


def end_pauses(database):
    with database.write() as tx:
        tx.execute(update(table).where(table.c.next_at.is_not(None)).values(next_at=0.0))


def states(database):
    with database.read() as tx:
        found, _ = notifications.page(tx, limit=None)
    return [str(notification.state) for notification in found]


def test_a_notification_waits_for_the_end_or_the_removal(database, repo):
    claims = [repo.begin() for _ in range(3)]
    request(database, *(Subject.of_id(each.experiment_id) for each in claims))
    assert ended(database) == []
    repo.complete(claims[1])
    repo.complete(claims[2])
    with database.write() as tx:
        changes.remove(tx, [claims[2].experiment_id])
    assert sorted(ended(database)) == [2, 3]


def test_a_sweep_and_a_study_wait_for_their_last_experiment(database, repo):
    with database.write() as tx:
        sweep = sweep_submission.submit(tx, draft(K), owner="ada", options=Options())
    study = Subject(SubjectKind.STUDY, "balanced/quick", [sweep.id])
    request(database, Subject.of_id(sweep.id), study)
    for _ in K["values"]:
        assert ended(database) == []
        repo.complete(repo.claim())
    assert sorted(ended(database)) == [1, 2]


def test_each_is_claimed_once_at_a_time_and_its_outcome_is_fenced(database):
    request(database, Subject(SubjectKind.TEST))
    first = claim(database)
    assert [each.attempts for each in first] == [1]
    assert claim(database) == []
    end_pauses(database)  # the lease is over
    second = claim(database)
    settle(database, first, "too late", final=True)
    assert states(database) == ["due"]
    settle(database, second)
    settle(database, second, "twice", final=True)
    assert states(database) == ["sent"]
    with database.read() as tx:
        [kept], _ = notifications.page(tx, limit=1)
    assert (kept.target.address, kept.target.shown, kept.error) == ("", TEAM.shown, None)


def test_a_target_is_sent_one_message_at_a_time(database):
    request(database, Subject(SubjectKind.TEST))
    first = claim(database)
    request(database, Subject(SubjectKind.TEST, "another"))
    assert claim(database) == []
    settle(database, first, "no answer")
    assert [each.number for each in claim(database)] == [2]


def test_a_clock_that_is_set_back_silences_no_target(database):
    request(database, Subject(SubjectKind.TEST))
    settle(database, claim(database))
    with database.write() as tx:
        tx.execute(update(table).values(ended_at=now(tx) + 3600))
    request(database, Subject(SubjectKind.TEST))
    assert [each.number for each in claim(database)] == [2]


def test_any_number_can_end_at_once(database, repo):
    request(database, Subject.of_id(repo.submit().id))
    with database.write() as tx:
        notifications.mark_due(tx, range(2**16, -1, -1))
    assert states(database) == ["due"]


def test_attempts_end(database):
    request(database, Subject(SubjectKind.TEST))
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        settle(database, claim(database), "no answer")
        with database.read() as tx:
            [seen], _ = notifications.page(tx, limit=1)
            pauses.append(seen.next_at and seen.next_at - now(tx))
        end_pauses(database)
    assert pauses[:-1] == [pytest.approx(10.0 * 4**n, abs=9) for n in range(MAX_ATTEMPTS - 1)]
    assert (seen.state, seen.error, pauses[-1]) == ("failed", "no answer", None)
    assert claim(database) == []
    with database.write() as tx:
        tx.execute(update(table).values(ended_at=now(tx) - notifications.KEEP_SECONDS - 1))
        notifications.remove_old(tx)
    assert states(database) == []


def test_a_message_whose_senders_die_is_given_up(database):
    request(database, Subject(SubjectKind.TEST))
    for _ in range(MAX_ATTEMPTS):
        assert len(claim(database)) == 1
        end_pauses(database)
    assert claim(database) == []
    assert states(database) == ["failed"]


def test_equal_requests_are_one_until_they_are_sent(database, repo):
    subject = Subject.of_id(repo.submit().id)
    request(database, subject, subject)
    assert states(database) == ["waiting"]
