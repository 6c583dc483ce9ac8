"""The Celery application that dispatchers and workers share.

Its messages are wake-ups; SQL is the queue. So nothing here has to survive: the dispatcher sends a
lost message again, and a duplicate finds nothing to claim. There is no result backend, and losing
the broker neither cancels training nor delays an HTTP request.
"""

from celery import Celery
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

from store.queue.devices import QUEUES
from store.settings import Settings

WORK = "extrapolab.work"
"""The one task: claim and run experiments for this worker's device until none is waiting."""

_TRANSPORT = "store.queue.redis_transport:Transport"
"""Imported, with Kombu's and Redis' own modules, when something connects."""


def celery_app(settings: Settings) -> Celery:
    """The application for ``settings.broker_url``; it connects on first use."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), _TRANSPORT))
    app = Celery("extrapolab", broker=settings.broker_url, backend=None)
    app.conf.update(
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        # else training that kills its worker would be redelivered for ever
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        task_publish_retry=False,  # the dispatcher's next pass is the retry
        task_queues=[Queue(name) for name in QUEUES.values()],
        task_default_queue=QUEUES["cpu"],
        task_create_missing_queues=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=0,
        task_time_limit=None,
        broker_transport_options={
            "visibility_timeout": 3600,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 3,
            "socket_timeout": 10,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "priority_steps": list(range(10)),
            "queue_order_strategy": "priority",
        },
    )
    return app
