"""The Celery application of a worker: its one task, and the start and end of worker and slots.

    celery -A worker.app worker -c SLOTS -Q cpu
    celery -A worker.app worker -c SLOTS -Q gpu     with EXTRAPOLAB_DEVICE=cuda, on a GPU machine

The parent and its children, one per slot, never load torch; the trainer process of each slot does.
"""

import logging
import sys
from functools import cache
from typing import Any

from celery import signals

from store import process_log
from store.db import schema
from store.errors import SchemaMismatch, StoreUnavailable, UnsuitableDatabase
from store.queue.celery_app import WORK, celery_app
from store.settings import Settings
from worker.settings import WorkerSettings
from worker.shutdown import ShutdownPipe
from worker.slot import Slot

logger = logging.getLogger(__name__)

settings, worker_settings = Settings(), WorkerSettings()
app = celery_app(settings)
shutdown = ShutdownPipe()


@app.task(name=WORK, acks_late=True, ignore_result=True)
def work() -> None:
    """Trains experiments until none waits for this worker's device.

    The wake-up carries no content: it may come late, twice or for nothing, and a lost one is sent
    again. Experiments are claimed in SQL, so any slot can run it at any time.
    """
    slot().work()


@cache
def slot() -> Slot:
    """The slot of this Celery child process."""
    return Slot(shutdown, settings, worker_settings, slots=app.conf.worker_concurrency)


@signals.setup_logging.connect
def _configure_logging(loglevel: int, **_: object) -> None:
    """Replaces Celery's logging by that of all processes of a lab."""
    process_log.configure("worker", loglevel)


@signals.celeryd_after_setup.connect
def _before_fork(instance: Any, **_: object) -> None:
    """Parent: passes the number of slots on, and refuses a database that it can't work on."""
    app.conf.worker_concurrency = instance.concurrency
    try:
        schema.check(settings.database_url)
    except (SchemaMismatch, UnsuitableDatabase, ValueError) as error:
        sys.exit(str(error))
    except StoreUnavailable as error:
        logger.warning("starting without the database: %s", error)


@signals.worker_shutting_down.connect
def _request_stop(**_: object) -> None:
    """Parent: asks the slots to hand back their work."""
    shutdown.request_stop()


@signals.worker_process_init.connect
def _start_slot(**_: object) -> None:
    slot()


@signals.worker_process_shutdown.connect
def _close_slot(**_: object) -> None:
    if slot.cache_info().currsize:
        slot().close()
