"""Redis flushed, killed, or full of messages that nobody sent: it carries wake-ups, so nothing but time can be lost."""

import pytest

from store.queue.celery_app import WORK, celery_app
from store.settings import Settings
from tests.integration.worker.workplace import until
from tests.kit import sample_specs

pytestmark = pytest.mark.parametrize("workplace", ["sqlite"], indirect=True)

TINY = sample_specs.spec(
    optimizer={"kind": "gd", "steps": 5}, evaluation={"horizon": 8, "points": 2}, seeds=[0]
)


@pytest.fixture(scope="module", autouse=True)
def worker(workplace):
    return workplace.hire()


def ended_once(jobs):
    """Waits for all of them; whether each was claimed once, and completed once."""
    for job in jobs:
        job.until_ended()
    return all(job.events == [("submitted", 0), ("started", 1), ("completed", 1)] for job in jobs)


def test_a_flush_with_a_hundred_waiting_loses_none(workplace):
    jobs = [workplace.submit(TINY) for _ in range(100)]
    until(lambda: jobs[3].now.state.is_final)
    with workplace.redis.client() as redis:
        redis.flushall()
    assert not jobs[-1].now.state.is_final, "it was flushed in the middle"
    assert ended_once(jobs)


def test_a_flush_while_a_slot_is_idle_is_made_good_by_the_next_pass(workplace):
    """The wake-up itself is lost, with the bindings of the queues."""
    until(workplace.slots_are_idle)
    job = workplace.submit(TINY)
    with workplace.redis.client() as redis:
        redis.flushall()
    assert ended_once([job])


def test_wake_ups_that_come_five_times_and_tasks_that_nobody_knows_start_nothing_twice(
    workplace, worker
):
    jobs = [workplace.submit(TINY) for _ in range(10)]
    app = celery_app(Settings(broker_url=workplace.redis.url))
    for _ in range(5 * len(jobs)):
        app.send_task(WORK, queue="cpu")
    app.send_task("extrapolab.unknown", args=[{"id": "exp_none"}], queue="cpu")
    app.send_task(WORK, args=["unasked for"], queue="cpu")
    app.close()
    assert ended_once(jobs)
    assert ended_once([workplace.submit(TINY)]), "the worker goes on"
    assert worker.process.is_running()


def test_a_killed_redis_stops_nobody_and_may_come_back_empty(workplace):
    running = workplace.submit(
        sample_specs.spec(optimizer={"kind": "gd", "steps": 200_000})
    ).until_trained()
    before = [workplace.submit(TINY) for _ in range(3)]
    workplace.redis.kill()
    during = [workplace.submit(TINY) for _ in range(3)]
    assert ended_once([running, *before, *during])
    later = workplace.submit(TINY)
    assert ended_once([later]), "an idle slot looks by itself"
    workplace.redis.start_empty()
    after = [workplace.submit(TINY) for _ in range(3)]
    assert ended_once(after)
