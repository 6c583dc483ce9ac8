"""What the command line shows of experiments, seeds, sweeps, workers and studies: one function per thing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.result import BaselineResult
from core.spec import ExperimentSpec, GradientFlow, SweepSpec
from core.spec.axis import Axis, GridAxis, ZipAxis
from core.spec.sweep import brief
from extrapolab.cli.terminal import duration, moment, number, styled, table
from extrapolab.client.figure import Figure
from extrapolab.client.reproduction import Reproduction
from extrapolab.models.experiments import (
    Comparison,
    ExperimentRecord,
    Group,
    Place,
    QueryField,
    Run,
    Theorem,
    Worker,
)
from extrapolab.models.sweeps import SweepGrid, SweepMember, SweepRecord, SweepRow, SweepWarning

MOST_VALUES = 8
"""Values of an axis that are told one by one."""


def experiments_table(records: Iterable[ExperimentRecord]) -> Table:
    """One line per experiment."""
    rows = table(
        "id",
        "state",
        "name",
        "seeds",
        "progress",
        "created",
        "tags",
        folding=("name", "seeds", "progress"),
    )
    for record in records:
        rows.add_row(
            record.id,
            styled(record.state),
            record.name,
            _outcomes(record.runs) + (" (imported)" if record.source == "import" else ""),
            _progress(record),
            moment(record.created_at),
            " ".join(record.tags),
        )
    rows.columns[0].no_wrap = True
    return rows


def runs_table(runs: Iterable[Run], *, on_sequences: bool = False) -> Table:
    """One line per seed: how it ended, and its errors beside what predicting zero would give.

    Args:
        runs: The seeds.
        on_sequences: Whether to show the errors on fresh sequences too, which a non-linear student
            is judged by.
    """
    names = ["fit_error", "extrapolation_error", "zero_baseline"]
    names += ["sequence_fit_error", "sequence_extrapolation_error"] if on_sequences else []
    rows = table("seed", "outcome", "steps", *(name.replace("_", " ") for name in names))
    for run in runs:
        errors = [number(run.summary.get(name)) for name in names]
        outcome = styled(run.outcome) if run.outcome else Text("-")
        rows.add_row(str(run.seed), outcome, "-" if run.steps is None else str(run.steps), *errors)
    for column in rows.columns[2:]:
        column.justify = "right"
    return rows


def baselines_table(baselines: Iterable[BaselineResult]) -> Table:
    """One line per method without gradient descent."""
    rows = table("baseline", "order", "fit error", "extrapolation error", "note", folding=("note",))
    for found in baselines:
        errors = [number(found.summary.get(name)) for name in ("fit_error", "extrapolation_error")]
        rows.add_row(found.name.replace("_", " "), str(found.order), *errors, found.note)
    for column in rows.columns[1:4]:
        column.justify = "right"
    return rows


def theorem_table(found: Theorem) -> Table:
    """One line per assumption of the main theorem: whether it holds, by how much, and what was found."""
    rows = table("verdict", "assumption", "margin", "", folding=("assumption", ""))
    for assumption in found.assumptions:
        verdict = {True: "holds", False: "fails", None: "unknown"}[assumption.holds]
        rows.add_row(
            styled(verdict), assumption.name, number(assumption.margin), assumption.sentence
        )
    rows.columns[2].justify = "right"
    return rows


def measure_line(found: Theorem) -> str:
    """The teacher's measure, and whether training can tell it from others, on one line."""
    if found.measure is None:
        return "The teacher's response is no nonnegative measure's, as a balanced one's would be."
    pairs = zip(found.measure.weights, found.measure.atoms, strict=True)
    sums = " + ".join(f"{number(weight)} δ({number(atom)})" for weight, atom in pairs)
    known = "determines it" if found.measure.unique else "leaves others possible"
    return f"The teacher's measure: {sums}; the training length {known}."


def workers_table(workers: Iterable[Worker]) -> Table:
    """One line per worker slot."""
    rows = table(
        "id", "state", "device", "last heartbeat", "runs", "host", "pid", "trainer", "threads"
    )
    for worker in workers:
        rows.add_row(
            worker.id,
            styled(worker.state or "-"),
            worker.device,
            f"{duration(worker.heartbeat_age_seconds)} ago",
            worker.experiment_id or "-",
            worker.host,
            str(worker.pid),
            "-" if worker.trainer_pid is None else str(worker.trainer_pid),
            str(worker.threads),
        )
    rows.columns[0].no_wrap = True
    return rows


def describe(record: ExperimentRecord, to: Console) -> None:
    """What a person asks of one experiment, on a few lines."""
    to.print(Text.assemble((record.name or record.id, "bold"), "  ", styled(record.state)))
    facts = {
        "id": record.id,
        "imported": _imported(record),
        "tags": " ".join(record.tags),
        "notes": record.spec.notes,
        "setup": setup_line(record.spec),
        "in line": _place(record.queue),
        "limits": _limits(record),
        "progress": _progress(record),
        "failure": f"{record.error.kind}: {record.error.sentence}" if record.error else "",
        "device": record.device or "",
        "attempts": str(record.attempts) if record.attempts > 1 else "",
        "created": moment(record.created_at),
        "took": _took(record),
    }
    lines = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        if fact:
            lines.add_row(name, fact)
    to.print(lines)
    say_warnings(record.warnings, to)
    if any(run.outcome for run in record.runs):
        to.print(runs_table(record.runs))


def _imported(record: ExperimentRecord) -> str:
    """Where an experiment is from that was not computed here."""
    if record.source != "import":
        return ""
    told = record.provenance or {}
    origin = f"; {told['origin']}" if "origin" in told else ""
    return f"from {told.get('file', 'a file')} (sha256 {told.get('sha256', '')[:12]}){origin}"


def setup_line(spec: ExperimentSpec) -> str:
    """What is trained on what, on one line."""
    teacher, student, optimizer = spec.teacher, spec.student, spec.optimizer
    dim = f" (d̂ = {teacher.dim})" if hasattr(teacher, "dim") else ""
    pace = (
        f"to time {optimizer.time:g}"
        if isinstance(optimizer, GradientFlow)
        else f"at {optimizer.lr:g}"
    )
    return (
        f"{teacher.kind} teacher{dim}, {student.words} (d = {student.dim}), "
        f"k = {spec.training.length}, q = {spec.horizon}, {optimizer.kind} {pace}, "
        f"{optimizer.steps:,} steps, {len(spec.seeds)} seed{'s' if len(spec.seeds) > 1 else ''}"
    )


def say_warnings(warnings: Iterable[str], to: Console) -> None:
    """One line per warning."""
    for warning in warnings:
        to.print(f"  warning: {warning}", style="yellow")


def speed(record: ExperimentRecord) -> str:
    """Steps per second and the time left, where they are known."""
    progress = record.progress
    if progress is None or record.state != "running":
        return ""
    parts = []
    if progress.steps_per_second is not None:
        parts.append(f"{progress.steps_per_second:,.0f} steps/s")
    if progress.eta_seconds is not None:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return ", ".join(parts)


def _place(place: Place | None) -> str:
    if place is None:
        return ""
    soon = "" if place.eta_seconds is None else f", starts in about {duration(place.eta_seconds)}"
    return f"at {place.position:,}{soon}"


def _limits(record: ExperimentRecord) -> str:
    """What it was submitted with that may hold it up, or end it."""
    later = record.not_before if record.state == "queued" else None
    parts = (
        f"not before {moment(later)}" if later else "",
        f"{duration(record.max_seconds)} of training" if record.max_seconds else "",
        f"{record.max_memory_mb:,} MB" if record.max_memory_mb else "",
    )
    return ", ".join(part for part in parts if part)


def _progress(record: ExperimentRecord) -> str:
    progress = record.progress
    if progress is None or record.state not in {"running", "paused"}:
        return ""
    return f"{progress.step:,} / {progress.of:,}  {speed(record)}".rstrip()


def _outcomes(runs: Iterable[Run]) -> str:
    outcomes = [run.outcome for run in runs if run.outcome]
    return ", ".join(f"{outcomes.count(o)} {o.replace('_', ' ')}" for o in dict.fromkeys(outcomes))


def _took(record: ExperimentRecord) -> str:
    if record.started_at is None or record.finished_at is None:
        return ""
    return duration((record.finished_at - record.started_at).total_seconds())


def sweeps_table(records: Iterable[SweepRecord]) -> Table:
    """One line per sweep."""
    rows = table("id", "state", "name", "experiments", "created", folding=("name", "experiments"))
    for record in records:
        rows.add_row(
            record.id, styled(record.state), record.name, counts(record), moment(record.created_at)
        )
    rows.columns[0].no_wrap = True
    return rows


def counts(record: SweepRecord) -> str:
    """How many experiments of a sweep are in each state that one is in."""
    return ", ".join(f"{count:,} {state}" for state, count in record.counts.items() if count)


def axis_lines(axes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each axis on one line, with its values; of many the first and the last ones."""
    yield from map(_axis_line, SweepSpec.model_validate({"base": {}, "axes": [*axes]}).axes)


def _axis_line(axis: Axis) -> str:
    if isinstance(axis, ZipAxis | GridAxis):
        return f"{axis.kind} ({'; '.join(map(_axis_line, axis.axes))})"
    values = [brief(value) for point in axis.points() for value in point.values()]
    if (count := len(values)) > MOST_VALUES:
        return f"{axis.path}: {', '.join([*values[: MOST_VALUES - 2], '...', values[-1]])} ({count:,} values)"
    return f"{axis.path}: {', '.join(values)}"


def members_table(members: Sequence[SweepMember]) -> Table:
    """One line per experiment of a sweep, with its coordinates; where there are statistics, a column for each."""
    paths = _united(member.coordinates for member in members)
    flat = [member.flat if isinstance(member, SweepRow) else {} for member in members]
    own = {*paths, "experiment", "state"}
    columns = [name for name in _united(flat) if name not in own]
    rows = table(*(path.rpartition(".")[2] for path in paths), "state", *columns, "experiment")
    for member, numbers in zip(members, flat, strict=True):
        where = [brief(member.coordinates.get(path, "-")) for path in paths]
        rows.add_row(
            *where,
            styled(member.state),
            *(_cell(numbers.get(name)) for name in columns),
            member.experiment,
        )
    return rows


def grid_tables(grid: SweepGrid) -> list[Table]:
    """A table for each metric and statistic, crossing two axes; what has no number is told by its state."""
    down, across = (axis.path.rpartition(".")[2] for axis in (grid.rows, grid.columns))
    found = []
    for metric, by in grid.metrics.items():
        for statistic, numbers in by.items():
            rows = table(down, *(f"{across} = {brief(value)}" for value in grid.columns.values))
            rows.title = f"{statistic} {metric.replace('_', ' ')}"
            for value, states, line in zip(grid.rows.values, grid.states, numbers, strict=True):
                cells = (
                    number(x) if state in {"completed", "diverged"} else state
                    for state, x in zip(states, line, strict=True)
                )
                rows.add_row(brief(value), *cells)
            found.append(rows)
    return found


def recipes_table(figures: Iterable[Figure]) -> Table:
    """One line per saved figure: what it shows, and of what."""
    rows = table("id", "kind", "y", "x", "series", "query", "name")
    for figure in figures:
        of = figure.recipe
        parts = (of[name] or "-" for name in ("kind", "y", "x", "series", "query", "name"))
        rows.add_row(figure.id, *parts)
    return rows


def say_doubts(warnings: Iterable[SweepWarning], to: Console) -> None:
    """One line per warning about experiments of a sweep."""
    for warning in warnings:
        where = ", ".join(f"{path} = {brief(value)}" for path, value in warning.first.items())
        about = f"at {where}" + (
            f" and {warning.experiments - 1} more" if warning.experiments > 1 else ""
        )
        to.print(f"  warning: {warning.message} ({about})", style="yellow")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return number(value) if isinstance(value, float) else brief(value)


def _united(keys: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for one in keys for name in one))


def fields_table(fields: Iterable[QueryField]) -> Table:
    """One line per name that a filter can ask about."""
    rows = table("name", "kind", "of", "meaning", folding=("meaning",))
    for field in fields:
        rows.add_row(field.name, field.kind, field.scope, ", ".join(field.choices) or field.meaning)
    return rows


def groups_table(groups: Sequence[Group]) -> Table:
    """One line per group of runs, a column for each statistic."""
    flat = [group.flat for group in groups]
    columns = [name for name in _united(flat) if name not in {"experiments", "newest", "name"}]
    rows = table(*columns, "name", folding=("name",))
    for line in flat:
        rows.add_row(
            *(_cell(line[name]) for name in columns),
            line["name"] if line["experiments"] == 1 else "",
        )
    return rows


def comparison_table(found: Comparison, metrics: Sequence[str]) -> Table:
    """A column per experiment: what differs, how its runs ended, and medians of metrics."""
    ids = [one.id for one in found.experiments]
    rows = table("", *ids, folding=ids)
    rows.add_row("state", *(styled(one.state) for one in found.experiments))
    for difference in found.differences:
        rows.add_row(
            difference.path,
            *("-" if value is None else brief(value) for value in difference.values),
        )
    rows.add_row(
        "outcomes",
        *(
            ", ".join(f"{n} {o}" for o, n in one.outcomes.items()) or "-"
            for one in found.experiments
        ),
    )
    for name in metrics:
        sides = found.metrics.get(name, (None,) * len(found.experiments))
        rows.add_row(
            f"median {name}", *("-" if side is None else number(side["median"]) for side in sides)
        )
    return rows


def deviations_table(found: Reproduction) -> Table:
    """One line per array: the largest deviation, absolute and in units of the array's largest entry."""
    rows = table("array", "largest deviation", "relative", "")
    for deviation in found.deviations:
        verdict = "" if deviation.passed is None else "same" if deviation.passed else "differs"
        rows.add_row(
            deviation.array, number(deviation.largest), number(deviation.relative), verdict
        )
    return rows
