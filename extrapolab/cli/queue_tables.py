"""Tables and lines on worker slots and the queue."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.labels import duration
from extrapolab.cli.table_layout import styled, table
from extrapolab.models.experiments import Progress
from extrapolab.models.operations import Queue, QueuedExperiment, Worker

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def workers_table(workers: Iterable[Worker]) -> "Table":
    """One row per worker slot."""
    columns = ("name", "state", "runs", "progress", "speed", "left", "heartbeat", "id", "pid")
    rows = table(*columns, "trainer", "threads", "memory", "peak", "limit", folding=("runs",))
    for worker in workers:
        progress = worker.progress
        rows.add_row(
            worker.name or worker.host,
            styled(worker.state or "-"),
            worker.experiment_name or worker.experiment_id or "-",
            _share(progress),
            _speed(worker.seed_steps_per_second),
            _duration(progress.eta_seconds if progress else None),
            f"{duration(worker.heartbeat_age_seconds)} ago",
            worker.id,
            str(worker.pid),
            "-" if worker.trainer_pid is None else str(worker.trainer_pid),
            str(worker.threads),
            *map(_megabytes, (worker.memory_mb, worker.peak_memory_mb, worker.memory_limit_mb)),
        )
    rows.columns[0].no_wrap = rows.columns[7].no_wrap = True
    return rows


def print_queue(queue: Queue, console: "Console") -> None:
    """Prints the devices, and the next experiments in the order in which they start."""
    columns = ("device", "slots", "running", "waiting", "oldest waits", "empty in", "speed")
    rows = table(*columns)
    for device in queue.devices:
        rows.add_row(
            device.device,
            f"{device.slots:,}",
            f"{device.running:,}",
            f"{device.waiting:,}",
            _duration(device.oldest_wait_seconds),
            _duration(device.empty_in_seconds),
            _speed(device.seed_steps_per_second or None),
        )
    console.print(rows)
    for count, kind in ((queue.delayed, "delayed"), (queue.paused, "paused")):
        if count:
            console.print(f"{count:,} {kind}")
    if queue.next:
        console.print()
        console.print(_next_table(queue.next))
    if (missing := queue.waiting - len(queue.next)) > 0:
        console.print(f"and {missing:,} more")


def _next_table(waiting: Iterable[QueuedExperiment]) -> "Table":
    rows = table("starts in", "id", "name", "owner", "priority", "waits", folding=("name",))
    for queued in waiting:
        rows.add_row(
            _duration(queued.starts_in_seconds),
            queued.id,
            queued.name,
            queued.owner,
            str(queued.priority),
            duration(queued.waiting_seconds),
        )
    rows.columns[1].no_wrap = True
    return rows


def _megabytes(megabytes: float | None) -> str:
    return "-" if megabytes is None else f"{megabytes:,.0f} MB"


def _share(progress: Progress | None) -> str:
    """The part of the steps that is done, such as ``52 %``."""
    return "-" if progress is None or not progress.of else f"{progress.step / progress.of:.0%}"


def _speed(seed_steps_per_second: float | None) -> str:
    return "-" if seed_steps_per_second is None else f"{seed_steps_per_second:,.0f} seed-steps/s"


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
