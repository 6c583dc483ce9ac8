"""Experiments while they run: bars on a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from extrapolab.cli.tables import speed
from extrapolab.client.completion import changing
from extrapolab.client.experiment import Experiment
from extrapolab.models.experiments import ExperimentRecord

MOST_BARS = 8
"""More experiments than these get one bar for all, and a bar of their own only while they run."""

LINE_EVERY = 10.0
"""Seconds between two lines on one experiment where the output is no terminal, unless its state
changes."""

Show = Callable[[Sequence[ExperimentRecord]], None]


def watch(experiments: Sequence[Experiment], console: Console) -> None:
    """Shows the experiments' progress until each of them has ended."""
    with _bars(console, len(experiments)) if console.is_terminal else _lines(console) as show:
        for _ in changing(experiments):
            show([experiment.record for experiment in experiments])


@contextmanager
def _bars(console: Console, count: int) -> Iterator[Show]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        TextColumn("{task.fields[state]}", markup=False),
        TextColumn("{task.fields[speed]}", style="progress.data.speed", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:
        every = progress.add_task(
            "experiments", total=count, visible=count > MOST_BARS, state="done", speed=""
        )

        def show(records: Sequence[ExperimentRecord]) -> None:
            for record in records:
                if record.id not in tasks:
                    tasks[record.id] = progress.add_task(
                        title(record), total=_steps(record), visible=False, state="", speed=""
                    )
                progress.update(
                    tasks[record.id],
                    completed=_step(record),
                    state=record.state,
                    speed=speed(record),
                    visible=count <= MOST_BARS or record.state == "running",
                )
            progress.update(every, completed=sum(record.is_final for record in records))

        yield show


@contextmanager
def _lines(console: Console) -> Iterator[Show]:
    told: dict[str, tuple[str, float]] = {}

    def show(records: Sequence[ExperimentRecord]) -> None:
        now = time.monotonic()
        done = sum(record.is_final for record in records)
        for record in records:
            state, since = told.get(record.id, ("", now))
            if record.state == state and (record.state != "running" or now - since < LINE_EVERY):
                continue
            told[record.id] = (record.state, now)
            if len(records) > MOST_BARS and state != record.state and not record.is_final:
                continue  # of many, ends and long trainings are news
            step = (
                f"step {_step(record):,} of {_steps(record):,}"
                if record.progress and not record.is_final
                else ""
            )
            parts = (f"[{done}/{len(records)}]", title(record), record.state, step, speed(record))
            console.print("  ".join(part for part in parts if part))

    yield show


def title(record: ExperimentRecord) -> str:
    """What the experiment is called, by its id where it has no name."""
    return record.name or record.id


def _steps(record: ExperimentRecord) -> int:
    return record.spec.optimizer.steps


def _step(record: ExperimentRecord) -> int:
    if record.state == "completed":  # though its seeds may have stopped early
        return _steps(record)
    return record.progress.step if record.progress else 0
