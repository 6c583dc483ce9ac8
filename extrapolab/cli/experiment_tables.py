"""Tables and lines on experiments."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.labels import duration, value_words
from extrapolab.cli.result_tables import runs_table
from extrapolab.cli.table_layout import format_cell, grid, outcome_counts, styled, table, text
from extrapolab.client.answers.formats import format_speed, format_time
from extrapolab.models.experiments import Cost, ExperimentRecord, QueuePosition

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from core.spec import ExperimentSpec

USUAL_COLUMNS = ("id", "state", "name", "seeds", "progress", "created", "tags")


def experiments_table(
    records: Iterable[ExperimentRecord],
    sorted_by: Sequence[str] = (),
    further: Mapping[str, Sequence[Any]] | None = None,
) -> "Table":
    """One row per experiment.

    Args:
        records: The experiments.
        sorted_by: Columns to show first, so that a narrow terminal keeps them.
        further: The values of those that aren't usual columns, one for each experiment.
    """
    columns = dict.fromkeys(["id", "state", *sorted_by, *USUAL_COLUMNS])
    rows = table(*columns, folding=("name", "seeds", "progress"))
    for place, record in enumerate(records):
        cells: dict[str, str | Text] = {
            "id": record.id,
            "state": styled(record.state),
            "name": record.name,
            "seeds": outcome_counts(Counter(run.outcome for run in record.runs if run.outcome))
            + (" (imported)" if record.source == "import" else ""),
            "progress": _progress(record),
            "created": format_time(record.created_at),
            "tags": " ".join(record.tags),
            **{name: format_cell(values[place]) for name, values in (further or {}).items()},
        }
        rows.add_row(*(cells[name] for name in columns))
    rows.columns[0].no_wrap = True
    return rows


def print_experiment(record: ExperimentRecord, console: "Console") -> None:
    """Prints the facts about an experiment, its warnings and its runs."""
    console.print(text((record.name or record.id, "bold"), "  ", styled(record.state)))
    facts = {
        "id": record.id,
        "imported": _import_source(record),
        "tags": " ".join(record.tags),
        "notes": record.spec.notes,
        "setup": setup_line(record.spec),
        "queue": _queue_position(record.queue),
        "limits": _limits(record),
        "progress": _progress(record),
        "failure": f"{record.error.kind}: {record.error.sentence}" if record.error else "",
        "device": record.device or "",
        "attempts": str(record.attempts) if record.attempts > 1 else "",
        "created": format_time(record.created_at),
        "took": _training_time(record),
    }
    rows = grid()
    for name, fact in facts.items():
        if fact:
            rows.add_row(name, fact)
    console.print(rows)
    print_warnings(record.warnings, console)
    if any(run.outcome for run in record.runs):
        console.print(runs_table(record.runs))


def setup_line(spec: "ExperimentSpec") -> str:
    """Teacher, student, lengths and optimizer on one line."""
    teacher, student, optimizer = spec.teacher, spec.student, spec.optimizer
    dim = f" (d̂ = {teacher.dim})" if hasattr(teacher, "dim") else ""
    if optimizer.kind == "gradient_flow":
        pace = f"to time {optimizer.time:g}"
    else:
        pace = f"at {optimizer.lr:g}"
    return (
        f"{value_words(teacher.kind)} teacher{dim}, {student.words} (d = {student.dim}), "
        f"k = {spec.training.length}, q = {spec.horizon}, {optimizer.kind} {pace}, "
        f"{optimizer.steps:,} steps, {len(spec.seeds)} seed{'s' if len(spec.seeds) > 1 else ''}"
    )


def print_warnings(warnings: Iterable[str], console: "Console") -> None:
    """Prints one line per warning about a spec."""
    for warning in warnings:
        console.print(f"  warning: {warning}", style="yellow")


def expected_time(cost: Cost) -> str:
    """The estimated time on the lab's slots; the operations if nothing tells how long they take."""
    if cost.seconds is None:
        return f"{cost.flop:.2g} flop (how long is unknown: no experiment has completed here yet)"
    if cost.lab_seconds is None:
        return f"{duration(cost.seconds)} on one slot (no worker is up)"
    slots = "slot" if cost.slots == 1 else f"{cost.slots:,} slots"
    return f"{duration(cost.lab_seconds)} on this lab's {slots}"


def _import_source(record: ExperimentRecord) -> str:
    """The file and origin of an imported experiment."""
    if record.source != "import":
        return ""
    provenance = record.provenance or {}
    digest = provenance.get("sha256", "")[:12]
    origin = f"; {provenance['origin']}" if "origin" in provenance else ""
    return f"from {provenance.get('file', 'a file')} (sha256 {digest}){origin}"


def _queue_position(queue: QueuePosition | None) -> str:
    if queue is None:
        return ""
    eta = queue.eta_seconds
    start = "" if eta is None else f", starts in about {duration(eta)}"
    return f"position {queue.position:,}{start}"


def _limits(record: ExperimentRecord) -> str:
    """The limits that can delay or end the experiment."""
    not_before = record.not_before if record.state == "queued" else None
    parts = (
        f"not before {format_time(not_before)}" if not_before else "",
        f"{duration(record.max_seconds)} of training" if record.max_seconds else "",
        f"{record.max_memory_mb:,} MB" if record.max_memory_mb else "",
    )
    return ", ".join(part for part in parts if part)


def _progress(record: ExperimentRecord) -> str:
    progress = record.progress
    if progress is None or record.state not in {"running", "paused"}:
        return ""
    return f"{progress.step:,} / {progress.of:,}  {format_speed(record)}".rstrip()


def _training_time(record: ExperimentRecord) -> str:
    if record.started_at is None or record.finished_at is None:
        return ""
    return duration((record.finished_at - record.started_at).total_seconds())
