"""The room as a whole: what it never loads, and that nothing in it pretends."""

import subprocess
import sys
from pathlib import Path

import store
from store.queue.celery_app import celery_app
from store.settings import Settings

MODULES = sorted(
    f"store.{path.stem}"
    for path in Path(store.__file__).parent.rglob("*.py")
    if path.stem != "__init__"
)


def test_the_store_never_loads_torch_or_matplotlib():
    heavy = "[name for name in ('torch', 'matplotlib', 'fastapi') if name in sys.modules]"
    script = f"import sys, {', '.join(MODULES)}; print({heavy})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_celery_application_keeps_no_results_and_loses_no_training_with_its_broker():
    conf = celery_app(Settings()).conf
    assert conf.result_backend is None
    assert conf.task_ignore_result
    assert not conf.task_always_eager
    assert conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss
    assert {queue.name for queue in conf.task_queues} == {"cpu", "gpu"}
