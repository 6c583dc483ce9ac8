"""Progress of experiments, sweeps and bundles: bars on a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rich import filesize
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from extrapolab.client.answers.bundle import BundleProgress
from extrapolab.client.answers.formats import format_counts, format_left, format_speed
from extrapolab.client.handles.completion import changes
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.requests.imports import ImportProgress, ObserveImport
from extrapolab.models.experiments import ExperimentRecord
from extrapolab.models.sweeps import SweepRecord

MAX_BARS = 8
"""More experiments than these share one bar; each has its own only while it runs."""

LINE_SECONDS = 10.0
"""Least seconds between two lines on one experiment, unless its state changes."""

ShowRecords = Callable[[Sequence[ExperimentRecord]], None]
ShowSweep = Callable[[SweepRecord], None]
ShowBundle = Callable[[BundleProgress], None]


def show_progress(experiments: Sequence[Experiment], console: Console) -> None:
    """Shows the experiments' progress until all of them have ended."""
    is_terminal = console.is_terminal
    with (
        experiment_bars(console, len(experiments)) if is_terminal else experiment_lines(console)
    ) as show:
        for _ in changes(experiments):
            show([experiment.record for experiment in experiments])


def show_sweep_progress(sweep: Sweep, console: Console) -> None:
    """Shows the sweep's progress until nothing in it is pending."""
    with _sweep_bar(console) if console.is_terminal else _sweep_lines(console) as show:
        sweep.wait(observe=lambda refreshed: show(refreshed.record))


def bundle_progress(console: Console) -> AbstractContextManager[ShowBundle]:
    """Gives the function that shows a bundle's progress."""
    return bundle_bar(console) if console.is_terminal else bundle_lines(console)


@contextmanager
def experiment_bars(console: Console, count: int) -> Iterator[ShowRecords]:
    """Shows one bar per experiment or, for many, one for all and one per running experiment."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        TextColumn("{task.fields[state]}", markup=False),
        TextColumn("{task.fields[speed]}", style="progress.data.speed", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:
        total = progress.add_task(
            "experiments", total=count, visible=count > MAX_BARS, state="done", speed=""
        )

        def show(records: Sequence[ExperimentRecord]) -> None:
            for record in records:
                if record.id not in tasks:
                    tasks[record.id] = progress.add_task(
                        _title(record), total=_steps(record), visible=False, state="", speed=""
                    )
                progress.update(
                    tasks[record.id],
                    completed=_step(record),
                    state=record.state,
                    speed=format_speed(record),
                    visible=count <= MAX_BARS or record.state == "running",
                )
            progress.update(total, completed=sum(record.is_final for record in records))

        yield show


@contextmanager
def experiment_lines(console: Console) -> Iterator[ShowRecords]:
    """Prints a line per change of state, and now and then per running experiment."""
    printed: dict[str, tuple[str, float]] = {}

    def show(records: Sequence[ExperimentRecord]) -> None:
        now = time.monotonic()
        done = sum(record.is_final for record in records)
        for record in records:
            state, since = printed.get(record.id, ("", now))
            if record.state == state and (record.state != "running" or now - since < LINE_SECONDS):
                continue
            printed[record.id] = (record.state, now)
            if len(records) > MAX_BARS and state != record.state and not record.is_final:
                continue  # of many experiments, only ends and long trainings are printed
            step = ""
            if record.progress and not record.is_final:
                step = f"step {_step(record):,} of {_steps(record):,}"
            _print_line(
                console,
                f"[{done}/{len(records)}]",
                _title(record),
                record.state,
                step,
                format_speed(record),
            )

    yield show


@contextmanager
def _sweep_bar(console: Console) -> Iterator[ShowSweep]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("sweep", counts="")

        def show(record: SweepRecord) -> None:
            progress.update(
                task,
                description=record.name or record.id,
                completed=record.progress.done,
                total=record.progress.of,
                counts=f"{format_counts(record)}{format_left(record.eta_seconds)}",
            )

        yield show


@contextmanager
def _sweep_lines(console: Console) -> Iterator[ShowSweep]:
    """Prints a line now and then, and one at the end."""
    last_printed = -LINE_SECONDS

    def show(record: SweepRecord) -> None:
        nonlocal last_printed
        if not record.is_final and time.monotonic() - last_printed < LINE_SECONDS:
            return
        last_printed = time.monotonic()
        done = f"[{record.progress.done}/{record.progress.of}]"
        counts = f"{format_counts(record)}{format_left(record.eta_seconds)}"
        _print_line(console, done, record.name or record.id, counts)

    yield show


@contextmanager
def bundle_bar(console: Console) -> Iterator[ShowBundle]:
    """Shows a bar of the experiments that have arrived, and the bytes."""
    columns = (
        TextColumn("experiments"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[size]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None, size="")

        def show(bundle: BundleProgress) -> None:
            size = filesize.decimal(bundle.bytes)
            progress.update(task, completed=bundle.experiments, total=bundle.of, size=size)

        yield show


@contextmanager
def bundle_lines(console: Console) -> Iterator[ShowBundle]:
    """Prints a line now and then; nothing for a bundle that arrives at once."""
    last_printed = time.monotonic()

    def show(bundle: BundleProgress) -> None:
        nonlocal last_printed
        if time.monotonic() - last_printed < LINE_SECONDS:
            return
        last_printed = time.monotonic()
        done = f"[{bundle.experiments}/{'?' if bundle.of is None else bundle.of}]"
        _print_line(console, done, filesize.decimal(bundle.bytes))

    yield show


@contextmanager
def import_progress(console: Console) -> Iterator[ObserveImport]:
    """Shows how many rows of a file the lab has read: a bar on a terminal, now and then a line."""
    if console.is_terminal:
        columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=None)
            yield lambda shown: progress.update(task, completed=shown.done, total=shown.of)
        return
    last_printed = time.monotonic()

    def show(shown: ImportProgress) -> None:
        nonlocal last_printed
        if time.monotonic() - last_printed >= LINE_SECONDS:
            last_printed = time.monotonic()
            of = "?" if shown.of is None else f"{shown.of:,}"
            _print_line(console, f"[{shown.done:,}/{of} rows]")

    yield show


def _print_line(console: Console, *parts: str) -> None:
    console.print(Text("  ".join(part for part in parts if part)), soft_wrap=True)


def _title(record: ExperimentRecord) -> str:
    return record.name or record.id


def _steps(record: ExperimentRecord) -> int:
    return record.spec.optimizer.steps


def _step(record: ExperimentRecord) -> int:
    if record.state == "completed":  # its seeds may have stopped early
        return _steps(record)
    return record.progress.step if record.progress else 0
