"""The main theorem applied to a spec, within a budget that keeps requests short."""

from collections.abc import Iterable

import numpy as np

from core.cost import preparation_flop
from core.spec import ExperimentSpec, channels, has_closed_form, states
from core.theory import theorem
from core.warnings import MAX_OPERATIONS
from service import schemas
from store.records import RunRecord

TOO_LARGE = "The teacher, training length or sample is too large to check within a request."
NO_EIGENVALUES = "The teacher's eigenvalues could not be computed."


def check_theorem(spec: ExperimentSpec, runs: Iterable[RunRecord] = ()) -> schemas.Theorem:
    """Checks the assumptions of the main theorem on ``spec``, unless that would take too long.

    Args:
        spec: The spec.
        runs: Its ended runs, for the loss and the distance from gradient flow that they ended with.
    """
    if has_closed_form(spec.teacher, spec.student) and _operations(spec) > MAX_OPERATIONS:
        return schemas.Theorem.unchecked(TOO_LARGE)
    try:
        return schemas.Theorem.from_record(theorem.check(spec, [run.summary for run in runs]))
    except np.linalg.LinAlgError:  # numbers near the largest are legal
        return schemas.Theorem.unchecked(NO_EIGENVALUES)


def _operations(spec: ExperimentSpec) -> float:
    """Estimates the operations of a check: the teacher's eigenvalues, response and curvature."""
    m, p = channels(spec.teacher)
    response = 2.0 * spec.horizon * states(spec.teacher) ** 2 * m
    return preparation_flop(spec) + response + 10.0 * (spec.training.length * m * p) ** 3
