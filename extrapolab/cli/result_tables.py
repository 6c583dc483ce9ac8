"""Tables on results: runs, baselines, the theorem, comparisons, reproductions."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from core.labels import briefs
from core.result import BaselineResult
from extrapolab.cli.table_layout import outcome_counts, styled, table
from extrapolab.client.answers.formats import format_number
from extrapolab.models.experiments import Comparison, Run, Theorem

if TYPE_CHECKING:
    from rich.table import Table

    from extrapolab.client.reproduction import Reproduction


def runs_table(runs: Iterable[Run], *, on_sequences: bool = False) -> "Table":
    """One row per seed: its outcome, and its errors beside those of predicting zero.

    Args:
        runs: The runs.
        on_sequences: Whether to show the errors on fresh sequences too, which judge a non-linear
            student.
    """
    names = ["fit_error", "extrapolation_error", "zero_baseline"]
    if on_sequences:
        names += ["sequence_fit_error", "sequence_extrapolation_error"]
    rows = table("seed", "outcome", "steps", *(name.replace("_", " ") for name in names))
    for run in runs:
        outcome = styled(run.outcome.words) if run.outcome else styled("-")
        steps = "-" if run.steps is None else str(run.steps)
        errors = [format_number(run.summary.get(name)) for name in names]
        rows.add_row(str(run.seed), outcome, steps, *errors)
    for column in rows.columns[2:]:
        column.justify = "right"
    return rows


def baselines_table(baselines: Iterable[BaselineResult]) -> "Table":
    """One row per baseline, a method without gradient descent."""
    rows = table("baseline", "order", "fit error", "extrapolation error", "note", folding=("note",))
    for baseline in baselines:
        rows.add_row(
            baseline.name.replace("_", " "),
            str(baseline.order),
            format_number(baseline.summary.get("fit_error")),
            format_number(baseline.summary.get("extrapolation_error")),
            baseline.note,
        )
    for column in rows.columns[1:4]:
        column.justify = "right"
    return rows


def theorem_table(theorem: Theorem) -> "Table":
    """One row per assumption of the main theorem: its verdict, its margin, and the reason."""
    rows = table("verdict", "assumption", "margin", "", folding=("assumption", ""))
    for assumption in theorem.assumptions:
        verdict = {True: "holds", False: "fails", None: "unknown"}[assumption.holds]
        margin = format_number(assumption.margin)
        rows.add_row(styled(verdict), assumption.name, margin, assumption.sentence)
    rows.columns[2].justify = "right"
    return rows


def measure_line(theorem: Theorem) -> str:
    """The teacher's measure on one line, and whether the training length determines it."""
    measure = theorem.measure
    if measure is None:
        return (
            "The teacher's response is not the moments of a nonnegative measure, "
            "as a balanced teacher's is."
        )
    terms = " + ".join(
        f"{format_number(weight)} δ({format_number(atom)})"
        for weight, atom in zip(measure.weights, measure.atoms, strict=True)
    )
    verdict = "determines it" if measure.unique else "leaves others possible"
    return f"The teacher's measure: {terms}; the training length {verdict}."


def comparison_table(comparison: Comparison, metrics: Sequence[str]) -> "Table":
    """One column per experiment: the fields that differ, outcomes, and medians of metrics."""
    experiments = comparison.experiments
    labels = [experiment.label or experiment.id for experiment in experiments]
    rows = table("", *labels, folding=labels)
    rows.add_row("id", *(experiment.id for experiment in experiments))
    rows.add_row("state", *(styled(experiment.state) for experiment in experiments))
    for difference in comparison.differences:
        rows.add_row(difference.path, *briefs(difference.values))
    rows.add_row(
        "outcomes", *(outcome_counts(experiment.outcomes) or "-" for experiment in experiments)
    )
    for name in metrics:
        columns = comparison.metrics.get(name, (None,) * len(experiments))
        medians = (
            "-" if statistics is None else format_number(statistics["median"])
            for statistics in columns
        )
        rows.add_row(f"median {name}", *medians)
    return rows


def deviations_table(reproduction: "Reproduction") -> "Table":
    """One row per array: its largest deviation, absolute and relative to its largest entry."""
    rows = table("array", "largest deviation", "relative", "")
    for deviation in reproduction.deviations:
        verdict = {True: "same", False: "differs", None: ""}[deviation.passed]
        largest, relative = format_number(deviation.largest), format_number(deviation.relative)
        rows.add_row(deviation.array, largest, relative, verdict)
    return rows
