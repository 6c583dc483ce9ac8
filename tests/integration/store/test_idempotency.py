"""Idempotency keys: the same request again gets the same answer, and nothing happens twice."""

import threading
import time

import pytest

from store.errors import KeyInFlight, KeyReused
from store.experiments import idempotency

REQUEST = ("key-1", "ada", "POST /v1/experiments", "hash of the body")
BODY = {"id": "exp_1", "n": 2**63, "nested": [None, 0.1]}


def test_a_new_key_has_no_answer_and_then_the_one_that_was_kept(database):
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) is None
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) == (202, BODY)


def test_a_key_with_another_request_is_refused(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    with database.write() as tx, pytest.raises(KeyReused):
        idempotency.reserve(tx, *REQUEST[:3], "another hash")


@pytest.mark.parametrize("place", [1, 2])
def test_another_owner_or_route_may_use_the_same_key(database, place):
    other = [*REQUEST]
    other[place] = "another"
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        assert idempotency.reserve(tx, *other) is None


def test_a_request_that_failed_leaves_its_key_free(database):
    def remember_and_stumble():
        with database.write() as tx:
            idempotency.reserve(tx, *REQUEST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        remember_and_stumble()
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) is None


def test_a_key_that_was_taken_without_an_answer_is_in_flight(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
    with database.write() as tx, pytest.raises(KeyInFlight):
        idempotency.reserve(tx, *REQUEST)


def test_an_equal_request_at_the_same_time_waits_for_the_answer(database):
    taken, answers = threading.Event(), []

    def second():
        taken.wait()
        with database.write() as tx:
            answers.append(idempotency.reserve(tx, *REQUEST))

    waiting = threading.Thread(target=second)
    waiting.start()
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        taken.set()
        time.sleep(0.3)
        assert answers == []
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    waiting.join()
    assert answers == [(202, BODY)]


def test_old_answers_are_forgotten_and_young_ones_kept(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
        idempotency.remove_old(tx, 60)
        assert idempotency.reserve(tx, *REQUEST) == (202, BODY)
        idempotency.remove_old(tx, -1)
        assert idempotency.reserve(tx, *REQUEST) is None
