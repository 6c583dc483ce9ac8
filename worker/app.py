"""The Celery application of a worker: one task, and what happens when a worker and its slots begin and end.

    celery -A worker.app worker -c SLOTS -Q cpu      on a GPU machine, with EXTRAPOLAB_DEVICE=cuda:
    -Q gpu

The parent and its children, one per slot, never load torch; each slot has a trainer process that
does.
"""

import logging
import sys
from functools import cache
from typing import Any

from celery import signals

from store.db import schema
from store.errors import SchemaMismatch, StoreUnavailable
from store.queue.celery_app import WORK, celery_app
from store.settings import Settings
from worker.settings import WorkerSettings
from worker.shutdown import Leash
from worker.slot import Slot

logger = logging.getLogger(__name__)

settings, own = Settings(), WorkerSettings()
app = celery_app(settings)
leash = Leash()


@app.task(name=WORK, acks_late=True, ignore_result=True)
def work() -> None:
    """Works on what waits for this worker's device until nothing does.

    A wake-up without content: it may come late, twice or when there is nothing to do, and one that
    is lost is sent again. Experiments are claimed in SQL, so it may run anywhere at any time.
    """
    slot().work()


@cache
def slot() -> Slot:
    """The slot of this Celery child process."""
    return Slot(leash, settings, own, slots=app.conf.worker_concurrency)


@signals.celeryd_after_setup.connect
def _begin_worker(instance: Any, **_: object) -> None:
    """Parent, before it forks: tells the slots how many they are, and refuses a database that isn't ours."""
    app.conf.worker_concurrency = instance.concurrency
    try:
        schema.check(settings.database_url)
    except (SchemaMismatch, ValueError) as error:
        sys.exit(str(error))
    except StoreUnavailable as error:
        logger.warning("starting all the same: %s", error)


@signals.worker_shutting_down.connect
def _end_worker(**_: object) -> None:
    """Parent, told to stop: so are the slots, which hand back what they are doing."""
    leash.let_go()


@signals.worker_process_init.connect
def _begin_slot(**_: object) -> None:
    slot()


@signals.worker_process_shutdown.connect
def _end_slot(**_: object) -> None:
    if slot.cache_info().currsize:
        slot().close()
