"""The infinite-width theory's prediction for experiments of the infinite-width study."""

import numpy as np

from core import students, teachers
from core.evidence import Evidence, RunEvidence
from core.losses import loss_matrix
from core.spec import GradientDescent, LinearStudent, WideStart
from core.statistics import statistic
from core.systems import LinearSystem, impulse_response
from core.theory.wide import rates_of, trained_response


def distance(experiment: Evidence) -> float:
    """Median over seeds of max_j |h_j - predicted h_j|, over all lags."""
    distances = [
        np.abs(run.response.ravel() - predicted(experiment, run)).max()
        for run in experiment.runs
        if run.response is not None
    ]
    return statistic("median", distances)


def preference(experiment: Evidence) -> float:
    """Median over seeds of the distance from the plain least norm over that from the theory's."""
    theory, plain = (
        np.array([_limit_distance(experiment, run, is_plain=is_plain) for run in experiment.runs])
        for is_plain in (False, True)
    )
    return statistic("median", plain / theory)


def largest_response(experiment: Evidence) -> float:
    """max_j |ĥ_j|."""
    return float(np.abs(impulse_response(_teacher(experiment), experiment.spec.horizon)).max())


def predicted(experiment: Evidence, run: RunEvidence) -> np.ndarray:
    """The response that the theory predicts from the seed's start, (q,).

    Raises:
        TypeError: The experiment has no wide start, or was not trained by plain gradient descent.
    """
    optimizer = experiment.spec.optimizer
    if not isinstance(optimizer, GradientDescent):
        raise TypeError(f"{optimizer.kind} is not plain gradient descent")
    return _trained(
        experiment,
        run,
        rates=rates_of(wide_start(experiment)[1], experiment.spec.training.length),
        time=optimizer.lr * run.steps,
        lr=optimizer.lr,
    )


def wide_start(experiment: Evidence) -> tuple[LinearStudent, WideStart]:
    """The student of an experiment, and its start, where it is known to be wide.

    Raises:
        TypeError: It is another start, or another network.
    """
    student = experiment.spec.linear_student
    if not isinstance(student.start, WideStart):
        raise TypeError(f"a start of kind {student.start.kind} is not wide")
    return student, student.start


def _limit_distance(experiment: Evidence, run: RunEvidence, *, is_plain: bool) -> float:
    """max_{j<k} |h_j - h_j of infinite time|, with the theory's rates or with equal ones."""
    if run.response is None:
        return np.nan
    k = experiment.spec.training.length
    rates = np.ones(k) if is_plain else rates_of(wide_start(experiment)[1], k)
    limit = _trained(experiment, run, rates=rates, time=np.inf)
    return float(np.abs(run.response.ravel() - limit)[:k].max())


def _trained(
    experiment: Evidence,
    run: RunEvidence,
    *,
    rates: np.ndarray,
    time: float,
    lr: float | None = None,
) -> np.ndarray:
    """The theory's response after ``time``, (q,)."""
    spec = experiment.spec
    student, _ = wide_start(experiment)
    start = impulse_response(students.start(student, run.seed, 1, 1), spec.horizon)
    teacher = impulse_response(_teacher(experiment), spec.horizon)
    M = loss_matrix(spec.training)
    return trained_response(start, teacher, M, rates=rates, time=time, lr=lr).ravel()


def _teacher(experiment: Evidence) -> LinearSystem:
    return teachers.build(experiment.spec.linear_teacher)
