"""The demo: the study of the balanced teacher, from queueing to a verdict."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.result import ExperimentResult, Outcome
from core.spec import (
    BalancedTeacher,
    ExperimentSpec,
    GaussianStart,
    LinearStudent,
    ListedEigenvalues,
)
from core.statistics import statistic, values_of_runs
from extrapolab.cli.arguments import STUDY_FIGURE
from extrapolab.cli.study_tables import claims_table
from extrapolab.cli.table_layout import table
from extrapolab.client.answers.formats import format_number
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.study import Size
from extrapolab.client.lab import Lab
from extrapolab.client.progress import show_progress
from extrapolab.models.experiments import Run
from extrapolab.models.studies import Report

STUDY = "balanced"

NEAR_ZERO = 0.01
"""Largest scale of a start that is called near zero."""


def run_demo(lab: Lab, size: Size, folder: Path, out: Console) -> Report:
    """Runs what is missing of the study, prints its results, and writes its figure to ``folder``.

    Returns:
        The study's report, with the verdict on every claim.

    Raises:
        ExperimentFailed: One of its experiments failed.
        ExperimentCancelled: One of its experiments was cancelled.
    """
    study = lab.study(STUDY, size)
    experiments = study.submit()
    if all(experiment.state == "completed" for experiment in experiments):
        out.print(
            f"All {len(experiments)} experiments of the study are in the lab: nothing to compute."
        )
    else:
        out.print(
            f"{len(experiments)} experiments, which keep running if you press Ctrl-C: {study.page}"
        )
        show_progress(experiments, out)
    experiments = [experiment.wait() for experiment in experiments]
    near_zero = _select(experiments, _is_near_zero)
    general = _select(experiments, _is_large_general)
    longest = near_zero[-1]
    report = study.report()

    _print_heading(out, "Verdict")
    out.print(_verdict("a near-zero start", near_zero))
    out.print(_verdict("a large general start (A without structure)", general))
    _print_heading(out, "Claims of the study, judged by these experiments")
    out.print(claims_table(report.claims))
    _print_heading(
        out, "Beyond the training length k: max |error| of the impulse response, median over seeds"
    )
    out.print(_errors_table(near_zero, general))
    k = longest.spec.training.length
    _print_heading(out, f"Poles of the teacher, and of near-zero students at k = {k}")
    out.print(_poles_table(_teacher(longest), longest.result()))
    _print_heading(out, "Figure")
    folder.mkdir(parents=True, exist_ok=True)
    for extension in ("svg", "png"):
        out.print(str(study.figure(STUDY_FIGURE, folder / f"{STUDY_FIGURE}.{extension}").resolve()))
    _print_heading(out, "Look further")
    out.print(f"{study.page}  the study")
    out.print(f"{longest.page}  an experiment")
    out.print(f"{lab.url}/docs  the documentation")
    return report


def _print_heading(out: Console, text: str) -> None:
    out.print()
    out.print(Text(text, style="bold"))


def _is_near_zero(spec: ExperimentSpec) -> bool:
    start = spec.student.start
    return isinstance(start, GaussianStart) and start.scale <= NEAR_ZERO


def _is_large_general(spec: ExperimentSpec) -> bool:
    student = spec.student
    if not isinstance(student, LinearStudent) or not isinstance(student.start, GaussianStart):
        return False
    return student.structure == "general" and student.start.scale > NEAR_ZERO


def _select(
    experiments: Sequence[Experiment], predicate: Callable[[ExperimentSpec], bool]
) -> list[Experiment]:
    """Returns the experiments whose spec satisfies the predicate, by training length."""
    selected = [experiment for experiment in experiments if predicate(experiment.spec)]
    return sorted(selected, key=lambda experiment: experiment.spec.training.length)


def _verdict(start: str, experiments: Sequence[Experiment]) -> str:
    """Says how a start fits and extrapolates at the lengths above the threshold."""
    above = [
        experiment
        for experiment in experiments
        if experiment.spec.training.length > _threshold(experiment)
    ]
    runs = [run for experiment in above for run in experiment.runs]
    worst = max(above, key=lambda experiment: _error(experiment) / _baseline(experiment))
    factor, k = _error(worst) / _baseline(worst), worst.spec.training.length
    tolerance = worst.spec.evaluation.fit_tolerance
    return (
        f"From {start}, {_fitted(runs)} seeds fit the training lengths "
        f"k > 2 d̂ = {_threshold(worst)} within {100 * tolerance:g} % of the largest response. "
        f"Beyond k, their median error is up to {format_number(factor)} times that of predicting "
        f"zero (at k = {k})."
    )


def _errors_table(near_zero: Sequence[Experiment], general: Sequence[Experiment]) -> Table:
    """One row per training length: how both starts fit, and their errors beyond it."""
    rows = table("k", "", "predicting zero", "near-zero start", "fit", "large general start", "fit")
    for near, large in zip(near_zero, general, strict=True):
        k = near.spec.training.length
        rows.add_row(
            str(k),
            "> 2 d̂" if k > _threshold(near) else "",
            format_number(_baseline(near)),
            format_number(_error(near)),
            _fitted(near.runs),
            format_number(_error(large)),
            _fitted(large.runs),
        )
    return rows


def _threshold(experiment: Experiment) -> int:
    """2 d̂; the theorem needs a longer training length."""
    return 2 * _teacher(experiment).dim


def _teacher(experiment: Experiment) -> BalancedTeacher:
    teacher = experiment.spec.teacher
    if not isinstance(teacher, BalancedTeacher):
        raise TypeError(
            f"the study {STUDY} has a balanced teacher; that of {experiment.id} is {teacher.kind}"
        )
    return teacher


def _baseline(experiment: Experiment) -> float:
    """The error beyond k of predicting zero; all seeds have the same teacher."""
    return experiment.runs[0].summary["zero_baseline"]


def _error(experiment: Experiment) -> float:
    """The median extrapolation error; a diverged seed counts as infinite."""
    return statistic("median", values_of_runs(experiment.runs, ["extrapolation_error"])[:, 0])


def _fitted(runs: Sequence[Run]) -> str:
    return f"{sum(run.outcome is Outcome.FITTED for run in runs)} of {len(runs)}"


def _poles_table(teacher: BalancedTeacher, result: ExperimentResult) -> Table:
    """The teacher's poles above each seed's largest ones, with the size of the seed's next pole."""
    eigenvalues = teacher.eigenvalues
    teacher_poles = eigenvalues.values if isinstance(eigenvalues, ListedEigenvalues) else ()
    count = len(teacher_poles)
    rows = table("", *(f"pole {i + 1}" for i in range(count)), "largest of the others")
    rows.add_row("teacher", *(f"{pole:.6f}" for pole in sorted(teacher_poles, reverse=True)))
    for run in result.runs:
        poles = [complex(*pair) for pair in run.eigenvalues]  # by decreasing absolute value
        largest = sorted(poles[:count], key=lambda pole: -pole.real)
        next_pole = format_number(abs(poles[count]))
        rows.add_row(f"seed {run.seed}", *map(_format_pole, largest), next_pole)
    return rows


def _format_pole(pole: complex) -> str:
    return f"{pole.real:.6f}" if pole.imag == 0 else f"{pole:.6f}"
