"""What the command line shows of experiments, seeds, workers and studies: one function per thing."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.spec import ExperimentSpec, GradientFlow
from extrapolab.records import Claim, ExperimentRecord, Run, StudyRecord, Worker
from extrapolab.terminal import duration, moment, number, styled, table


def experiments_table(records: Iterable[ExperimentRecord]) -> Table:
    """One line per experiment."""
    rows = table("id", "state", "progress", "seeds", "created", "name", "tags")
    for record in records:
        rows.add_row(
            record.id,
            styled(record.state),
            _progress(record),
            _outcomes(record.runs),
            moment(record.created_at),
            record.name,
            " ".join(record.tags),
        )
    rows.columns[0].no_wrap = True
    return rows


def runs_table(runs: Iterable[Run]) -> Table:
    """One line per seed: how it ended, and its errors beside what predicting zero would give."""
    rows = table("seed", "outcome", "steps", "fit error", "extrapolation error", "zero baseline")
    for run in runs:
        errors = [number(run.summary.get(name)) for name in ("fit_error", "extrapolation_error", "zero_baseline")]
        outcome = styled(run.outcome) if run.outcome else Text("-")
        rows.add_row(str(run.seed), outcome, "-" if run.steps is None else str(run.steps), *errors)
    for column in rows.columns[2:]:
        column.justify = "right"
    return rows


def workers_table(workers: Iterable[Worker]) -> Table:
    """One line per worker slot."""
    rows = table("host", "pid", "trainer", "device", "threads", "last heartbeat", "runs")
    for worker in workers:
        rows.add_row(
            worker.host,
            str(worker.pid),
            "-" if worker.trainer_pid is None else str(worker.trainer_pid),
            worker.device,
            str(worker.threads),
            f"{duration(worker.heartbeat_age_seconds)} ago",
            worker.experiment_id or "idle",
        )
    return rows


def describe(record: ExperimentRecord, to: Console) -> None:
    """What a person asks of one experiment, on a few lines."""
    to.print(Text.assemble((record.name or record.id, "bold"), "  ", styled(record.state)))
    facts = {
        "id": record.id,
        "tags": " ".join(record.tags),
        "setup": setup_line(record.spec),
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


def setup_line(spec: ExperimentSpec) -> str:
    """What is trained on what, on one line."""
    teacher, student, optimizer = spec.teacher, spec.student, spec.optimizer
    dim = f" (d̂ = {teacher.dim})" if hasattr(teacher, "dim") else ""
    pace = f"to time {optimizer.time:g}" if isinstance(optimizer, GradientFlow) else f"at {optimizer.lr:g}"
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
    if progress is None or record.is_final:
        return ""
    parts = []
    if progress.steps_per_second is not None:
        parts.append(f"{progress.steps_per_second:,.0f} steps/s")
    if progress.eta_seconds is not None:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return ", ".join(parts)


def _progress(record: ExperimentRecord) -> str:
    progress = record.progress
    if progress is None or record.state != "running":
        return ""
    return f"{progress.step:,} / {progress.of:,}  {speed(record)}".rstrip()


def _outcomes(runs: Iterable[Run]) -> str:
    outcomes = [run.outcome for run in runs if run.outcome]
    return ", ".join(f"{outcomes.count(o)} {o.replace('_', ' ')}" for o in dict.fromkeys(outcomes))


def _took(record: ExperimentRecord) -> str:
    if record.started_at is None or record.finished_at is None:
        return ""
    return duration((record.finished_at - record.started_at).total_seconds())


def studies_table(studies: Iterable[StudyRecord]) -> Table:
    """One line per study."""
    rows = table("name", "experiments", "question")
    for study in studies:
        sizes = ", ".join(f"{size} {count}" for size, count in study.experiments.items())
        rows.add_row(study.name, sizes, study.question)
    return rows


def claims_table(claims: Iterable[Claim]) -> Table:
    """A claim in words, below it as an inequality, and the number that decides it."""
    rows = table("verdict", "claim", "value")
    for claim in claims:
        words = Text.assemble(claim.claim, "\n", (claim.inequality, "dim"))
        rows.add_row(styled(claim.verdict), words, number(claim.value))
    return rows
