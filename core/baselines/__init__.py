"""Methods without gradient descent, given the same data: what of a result is gradient descent's, and what anybody's?

:func:`baselines` makes those that a spec asks for, each in a file of its own. They say nothing of
the student.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from core.baselines import least_squares, realisation, subspace, truncation
from core.baselines.estimate import Estimate
from core.losses import Target, target_of
from core.metrics import response_metrics
from core.result import METRICS, BaselineResult
from core.spec import Baseline, ExperimentSpec
from core.systems import eigenvalues

__all__ = ["Estimate", "baselines"]

METHODS: Mapping[Baseline, Callable[[ExperimentSpec, Target], Estimate]] = MappingProxyType(
    {
        "era": realisation.of_spec,
        "balanced_truncation": truncation.of_spec,
        "subspace": subspace.of_spec,
        "least_squares": least_squares.of_spec,
    }
)


def baselines(spec: ExperimentSpec) -> list[BaselineResult]:
    """The methods of ``spec.evaluation.baselines``, in that order, on a spec with a linear teacher.

    A method that fails has NaN for its response and says why in its note; it never fails the
    experiment.
    """
    if not spec.evaluation.baselines:
        return []
    with np.errstate(all="ignore"):
        target = target_of(spec)
        return [_result(name, spec, target) for name in spec.evaluation.baselines]


def _result(name: Baseline, spec: ExperimentSpec, target: Target) -> BaselineResult:
    try:
        estimate = METHODS[name](spec, target)
    except (np.linalg.LinAlgError, ValueError) as error:
        estimate = Estimate.none(target, f"It could not be computed: {error}.")
    response, A = estimate.response, estimate.A
    measured = response_metrics(response, target, spec.evaluation.fit_tolerance)
    measured["spectral_radius"] = np.abs(eigenvalues(A))[0] if A.size else np.array(np.nan)
    return BaselineResult(
        name=name,
        order=estimate.order,
        response=response.ravel().tolist() if response.shape[1:] == (1, 1) else response.tolist(),
        eigenvalues=[(value.real, value.imag) for value in eigenvalues(A).tolist()]
        if A.size
        else [],
        summary={metric: float(measured[metric]) for metric in METRICS if metric in measured},
        note=estimate.note,
    )
