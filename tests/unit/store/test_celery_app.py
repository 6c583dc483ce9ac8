"""The configuration of the Celery application."""

from store.queue.celery_app import celery_app
from store.settings import Settings


def test_celery_keeps_no_results_and_survives_a_lost_broker():
    conf = celery_app(Settings()).conf
    assert conf.result_backend is None
    assert conf.task_ignore_result
    assert not conf.task_always_eager
    assert conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss
    assert {queue.name for queue in conf.task_queues} == {"cpu", "gpu"}
