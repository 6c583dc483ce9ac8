"""Idempotency keys give the same request the same answer."""

import threading
import time

import pytest

from store.errors import KeyInFlight, KeyReused
from store.experiments import idempotency

REQUEST = ("key-1", "ada", "POST /v1/experiments", "hash of the body")
BODY = {"id": "exp_1", "n": 2**63, "nested": [None, 0.1]}


def test_reserved_key_has_the_stored_answer(database):
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) is None
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) == (202, BODY)


def test_key_of_another_request_is_refused(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    with database.write() as tx, pytest.raises(KeyReused):
        idempotency.reserve(tx, *REQUEST[:3], "another hash")


def test_finding_an_answer_reserves_nothing(database):
    with database.read() as tx:
        assert idempotency.find_answer(tx, *REQUEST) is None
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) is None
        with pytest.raises(KeyInFlight):
            idempotency.find_answer(tx, *REQUEST)
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    with database.read() as tx:
        assert idempotency.find_answer(tx, *REQUEST) == (202, BODY)
        with pytest.raises(KeyReused):
            idempotency.find_answer(tx, *REQUEST[:3], "another hash")


@pytest.mark.parametrize("part", [1, 2])
def test_keys_belong_to_one_owner_and_route(database, part):
    other = [*REQUEST]
    other[part] = "another"
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        assert idempotency.reserve(tx, *other) is None


def test_failed_request_leaves_its_key_free(database):
    def reserve_and_fail():
        with database.write() as tx:
            idempotency.reserve(tx, *REQUEST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reserve_and_fail()
    with database.write() as tx:
        assert idempotency.reserve(tx, *REQUEST) is None


def test_reserved_key_without_an_answer_is_in_flight(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
    with database.write() as tx, pytest.raises(KeyInFlight):
        idempotency.reserve(tx, *REQUEST)


def test_concurrent_equal_request_waits_for_the_answer(database):
    reserved, answers = threading.Event(), []

    def second():
        reserved.wait()
        with database.write() as tx:
            answers.append(idempotency.reserve(tx, *REQUEST))

    waiting = threading.Thread(target=second)
    waiting.start()
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        reserved.set()
        time.sleep(0.3)
        assert answers == []
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
    waiting.join()
    assert answers == [(202, BODY)]


def test_only_old_answers_are_removed(database):
    with database.write() as tx:
        idempotency.reserve(tx, *REQUEST)
        idempotency.store_answer(tx, *REQUEST, status=202, body=BODY)
        idempotency.remove_old(tx, 60)
        assert idempotency.reserve(tx, *REQUEST) == (202, BODY)
        idempotency.remove_old(tx, -1)
        assert idempotency.reserve(tx, *REQUEST) is None
