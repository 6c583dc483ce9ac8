"""Redis flushed, killed or flooded: it only carries wake-ups, so only time is lost."""

import pytest

from store.queue.celery_app import WORK, celery_app
from store.settings import Settings
from tests.integration.worker.cluster import wait_for
from tests.kit import sample_specs

pytestmark = pytest.mark.parametrize("cluster", ["sqlite"], indirect=True)

TINY = sample_specs.spec(
    optimizer={"kind": "gd", "steps": 5}, evaluation={"horizon": 8, "points": 2}, seeds=[0]
)

ENDLESS = sample_specs.spec(optimizer={"kind": "gd", "steps": 10**9})


@pytest.fixture(scope="module", autouse=True)
def worker(cluster):
    return cluster.start_worker()


def each_ran_once(jobs):
    """Waits for all jobs; returns whether each was claimed and completed once."""
    for job in jobs:
        job.wait_for_end()
    return all(job.events == [("submitted", 0), ("started", 1), ("completed", 1)] for job in jobs)


def test_a_flush_loses_no_waiting_experiment(cluster):
    jobs = [cluster.submit(TINY) for _ in range(100)]
    wait_for(lambda: jobs[3].experiment.state.is_final)
    with cluster.redis.client() as redis:
        redis.flushall()
    assert not jobs[-1].experiment.state.is_final, "the flush came too late"
    assert each_ran_once(jobs)


def test_a_wake_up_lost_in_a_flush_is_sent_again(cluster):
    """The bindings of the queues are lost, too."""
    wait_for(cluster.slots_are_idle)
    job = cluster.submit(TINY)
    with cluster.redis.client() as redis:
        redis.flushall()
    assert each_ran_once([job])


def test_repeated_wake_ups_and_unknown_tasks_start_nothing_twice(cluster, worker):
    jobs = [cluster.submit(TINY) for _ in range(10)]
    app = celery_app(Settings(broker_url=cluster.redis.url))
    for _ in range(5 * len(jobs)):
        app.send_task(WORK, queue="cpu")
    app.send_task("extrapolab.unknown", args=[{"id": "exp_none"}], queue="cpu")
    app.send_task(WORK, args=["unexpected"], queue="cpu")
    app.close()
    assert each_ran_once(jobs)
    assert each_ran_once([cluster.submit(TINY)]), "the worker keeps working"
    assert worker.process.is_running()


def test_a_killed_redis_stops_nothing_and_may_come_back_empty(cluster):
    running = cluster.submit(
        sample_specs.spec(optimizer={"kind": "gd", "steps": 200_000})
    ).wait_for_steps()
    before = [cluster.submit(TINY) for _ in range(3)]
    cluster.redis.kill()
    during = [cluster.submit(TINY) for _ in range(3)]
    assert each_ran_once([running, *before, *during])
    later = cluster.submit(TINY)
    assert each_ran_once([later]), "an idle slot polls for work"
    cluster.redis.start_empty()
    after = [cluster.submit(TINY) for _ in range(3)]
    assert each_ran_once(after)


def test_a_redis_that_restarts_during_a_training_ends_no_worker(cluster, worker):
    wait_for(cluster.slots_are_idle)
    training = cluster.submit(ENDLESS).wait_for_steps()
    with cluster.redis.client() as redis:
        wait_for(lambda: redis.hlen("unacked"))  # the wake-up of this training
    cluster.redis.kill()
    cluster.redis.start_empty()
    with cluster.redis.client() as redis:
        wait_for(lambda: any("brpop" in client["cmd"] for client in redis.client_list()))
    assert worker.process.is_running()
    training.cancel()
    assert training.wait_for_end().attempts == 1
    assert each_ran_once([cluster.submit(TINY)])


def test_a_closed_channel_is_a_lost_connection_to_recover_from(cluster):
    """The task of a training that ends after Redis was lost is acknowledged on such a channel."""
    app = celery_app(Settings(broker_url=cluster.redis.url))
    with app.connection_for_write() as connection:
        channel = connection.channel()
        channel.close()
        with pytest.raises(connection.connection_errors, match="the channel is closed"):
            channel._create_client()
    app.close()
