"""The demo: the study of the balanced teacher, from queueing to a verdict that a researcher reads in a minute."""

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
from extrapolab.cli.progress import watch
from extrapolab.cli.study_tables import claims_table
from extrapolab.cli.terminal import number, table
from extrapolab.client.experiment import Experiment
from extrapolab.client.lab import Lab
from extrapolab.client.study import Size
from extrapolab.models.experiments import Run
from extrapolab.models.studies import Report

STUDY = "balanced"
FIGURE = "extrapolation"

NEAR_ZERO = 0.01
"""Largest scale of a start that is called near zero."""


def demo(lab: Lab, size: Size, folder: Path, out: Console) -> Report:
    """Runs the study in ``lab`` as far as it isn't there, says what came out, and writes its figure to ``folder``.

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
        out.print(f"{len(experiments)} experiments at {lab.url}; Ctrl-C leaves them to the lab.")
        watch(experiments, out)
    experiments = [experiment.wait() for experiment in experiments]
    near_zero, general = (
        _chosen(experiments, _is_near_zero),
        _chosen(experiments, _is_large_general),
    )

    _head(out, "Verdict")
    out.print(_sentence("a near-zero start", near_zero))
    out.print(_sentence("a large general start (A without structure)", general))
    _head(out, "Claims of the study, judged by these experiments")
    report = study.report()
    out.print(claims_table(report.claims))
    _head(out, "Past the training length k: max |error| of the impulse response, median over seeds")
    out.print(_errors_table(near_zero, general))
    best = near_zero[-1]
    _head(
        out,
        f"Poles: the teacher's, and those of the student from a near-zero start at k = {best.spec.training.length}",
    )
    out.print(_poles_table(_teacher(best), best.result()))
    _head(out, "Figure")
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("svg", "png"):
        out.print(str(study.figure(FIGURE, folder / f"{FIGURE}.{ending}").resolve()))
    _head(out, "Look further")
    for what, url in (
        ("report", study.url),
        ("an experiment", best.url),
        ("the HTTP interface", f"{lab.url}/docs"),
    ):
        out.print(f"{url}  {what}")
    return report


def _head(out: Console, text: str) -> None:
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


def _chosen(
    experiments: Sequence[Experiment], choose: Callable[[ExperimentSpec], bool]
) -> list[Experiment]:
    """Those that ``choose`` takes, by training length."""
    chosen = [experiment for experiment in experiments if choose(experiment.spec)]
    return sorted(chosen, key=lambda experiment: experiment.spec.training.length)


def _sentence(start: str, chosen: Sequence[Experiment]) -> str:
    """What the start led to at the lengths above the threshold."""
    above = [
        experiment
        for experiment in chosen
        if experiment.spec.training.length > _threshold(experiment)
    ]
    runs = [run for experiment in above for run in experiment.runs]
    worst = max(above, key=lambda experiment: _error(experiment) / _baseline(experiment))
    factor, k = _error(worst) / _baseline(worst), worst.spec.training.length
    tolerance = worst.spec.evaluation.fit_tolerance
    return (
        f"From {start} {_fitted(runs)} seeds fit the training lengths k > 2 d̂ = {_threshold(worst)} "
        f"within {100 * tolerance:g} % of the largest response. "
        f"Past k their median error is up to {number(factor)} times that of answering zero (at k = {k})."
    )


def _errors_table(near_zero: Sequence[Experiment], general: Sequence[Experiment]) -> Table:
    """Both starts side by side: how many seeds fit length k, and what they do past it."""
    rows = table("k", "", "answering zero", "near-zero start", "fit", "large general start", "fit")
    for near, large in zip(near_zero, general, strict=True):
        k = near.spec.training.length
        rows.add_row(
            str(k),
            "> 2 d̂" if k > _threshold(near) else "",
            number(_baseline(near)),
            *(
                cell
                for experiment in (near, large)
                for cell in (number(_error(experiment)), _fitted(experiment.runs))
            ),
        )
    return rows


def _threshold(experiment: Experiment) -> int:
    """2 d̂: the theorem needs a training length above it."""
    return 2 * _teacher(experiment).dim


def _teacher(experiment: Experiment) -> BalancedTeacher:
    teacher = experiment.spec.teacher
    if not isinstance(teacher, BalancedTeacher):
        raise TypeError(
            f"the study {STUDY} has a balanced teacher, the one of {experiment.id} is {teacher.kind}"
        )
    return teacher


def _baseline(experiment: Experiment) -> float:
    """The error past k of a student that answers zero; all seeds have the same teacher."""
    return experiment.runs[0].summary["zero_baseline"]


def _error(experiment: Experiment) -> float:
    """The median extrapolation error; a diverged seed counts as infinite."""
    return statistic("median", values_of_runs(experiment.runs, ["extrapolation_error"])[:, 0])


def _fitted(runs: Sequence[Run]) -> str:
    return f"{sum(run.outcome is Outcome.FITTED for run in runs)} of {len(runs)}"


def _poles_table(teacher: BalancedTeacher, result: ExperimentResult) -> Table:
    """The teacher's poles, below them as many of the largest of each seed, and how large the seed's next one is."""
    poles = teacher.eigenvalues.values if isinstance(teacher.eigenvalues, ListedEigenvalues) else ()
    rows = table("", *(f"pole {i + 1}" for i in range(len(poles))), "largest of the others")
    rows.add_row("teacher", *(f"{pole:.6f}" for pole in sorted(poles, reverse=True)))
    for run in result.runs:
        found = [
            complex(*eigenvalue) for eigenvalue in run.eigenvalues
        ]  # by falling absolute value
        largest = sorted(found[: len(poles)], key=lambda value: -value.real)
        rows.add_row(f"seed {run.seed}", *map(_pole, largest), number(abs(found[len(poles)])))
    return rows


def _pole(value: complex) -> str:
    return f"{value.real:.6f}" if value.imag == 0 else f"{value:.6f}"
