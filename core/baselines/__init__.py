"""Baselines: methods without gradient descent that are given the same data.

They show which part of a result is due to gradient descent. :func:`baselines` computes those that a
spec names; each method has its own file. None of them depends on the student.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from core.baselines import kernel, least_squares, nuclear_norm, realisation, subspace, truncation
from core.baselines.estimate import Estimate
from core.losses import Target, target_of
from core.metrics import response_metrics
from core.pulse import beat
from core.result import METRICS, BaselineResult
from core.spec import Baseline, ExperimentSpec
from core.systems import eigenvalues

__all__ = ["Estimate", "baselines"]

METHODS: Mapping[Baseline, Callable[[ExperimentSpec, Target], Estimate]] = MappingProxyType(
    {
        "era": realisation.estimate,
        "balanced_truncation": truncation.estimate,
        "subspace": subspace.estimate,
        "least_squares": least_squares.estimate,
        "nuclear_norm": nuclear_norm.estimate,
        "kernel": kernel.estimate,
    }
)


def baselines(spec: ExperimentSpec) -> list[BaselineResult]:
    """The results of ``spec.evaluation.baselines``, in that order, for a linear teacher.

    A method that fails has a NaN response and a note with the reason; it never fails the
    experiment.
    """
    if not spec.evaluation.baselines:
        return []
    with np.errstate(all="ignore"):
        target = target_of(spec)
        return [_result(name, spec, target) for name in spec.evaluation.baselines]


def _result(name: Baseline, spec: ExperimentSpec, target: Target) -> BaselineResult:
    beat(f"the baseline {name}")
    try:
        estimate = METHODS[name](spec, target)
    except (np.linalg.LinAlgError, ValueError) as error:
        estimate = Estimate.missing(target, f"It could not be computed: {error}.")
    response, A = estimate.response, estimate.A
    poles = eigenvalues(A) if A.size else np.empty(0, complex)
    metrics = response_metrics(response, target, spec.evaluation.fit_tolerance)
    metrics["spectral_radius"] = np.abs(poles[0]) if A.size else np.array(np.nan)
    return BaselineResult(
        name=name,
        order=estimate.order,
        response=response.ravel().tolist() if response.shape[1:] == (1, 1) else response.tolist(),
        eigenvalues=[(pole.real, pole.imag) for pole in poles.tolist()],
        summary={metric: float(metrics[metric]) for metric in METRICS if metric in metrics},
        note=estimate.note,
    )
