"""The cost of measuring a recorded point, metric by metric, as orders of magnitude.

The metrics of a response always count as measured: the response gives them almost for free. Those
that need a decomposition are chosen (:func:`core.cost.measured_metrics`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from core.cost.flow import free_parameters
from core.spec import (
    ExperimentSpec,
    LinearStudent,
    channels,
    has_closed_form,
    has_white_inputs,
)

SHARED_WORK: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "spectrum": frozenset(
            {"spectral_radius", "spectral_distance", "eigenvalue_effective_rank"}
        ),
        "hankel": frozenset({"effective_rank"}),
        "states": frozenset({"state_effective_rank"}),
        "invariant": frozenset({"invariant_drift"}),
        "sharpness": frozenset({"sharpness"}),
        "gauss_newton": frozenset({"gauss_newton_sharpness"}),
    }
)
"""The metrics that can be chosen, by the work that they share: one of them brings the others."""

_PRODUCTS = {"sharpness": 60, "gauss_newton": 8}
"""Products with the Hessian that Lanczos's method takes, at most one for each parameter: the
sharpness takes most, near a saddle."""

_POINT, _POINT_PER_LAG = 1e6, 5e3
"""Operations that would take as long as NumPy's calls for a point, and for each lag of it."""

_EIGENVALUES = {"general": 60.0, "symmetric": 20.0, "diagonal": 0.0}
"""Operations for the eigenvalues of A, in units of d³: most solvers run on single vectors."""

_PRODUCT_SLOWNESS = 6
"""How much longer an operation takes on single vectors than in the training's loops."""

_PER_LAG = 2.5e4
"""Operations that would take as long as NumPy's two calls for each lag of such a product."""

ALL_METRICS = frozenset().union(*SHARED_WORK.values())
"""The metrics that can be chosen."""


def work_per_point(spec: ExperimentSpec) -> dict[str, float]:
    """Operations that one seed's point takes for each entry of :data:`SHARED_WORK`.

    A work that the student has no use for takes none.
    """
    return _closed_form(spec) if has_closed_form(spec.teacher, spec.student) else _sequences(spec)


def base_flop(spec: ExperimentSpec) -> float:
    """Operations that one seed's point takes without a metric that can be chosen, in closed form.

    Its response up to the horizon, and what follows from it.
    """
    d, q, (m, p) = spec.student.dim, spec.horizon, channels(spec.teacher)
    return _POINT + _POINT_PER_LAG * q + 10.0 * q * d * d * m * p


def point_flop(spec: ExperimentSpec, metrics: frozenset[str]) -> float:
    """Operations that one seed's point takes for ``metrics``."""
    return sum(flop for name, flop in work_per_point(spec).items() if SHARED_WORK[name] & metrics)


def _closed_form(spec: ExperimentSpec) -> dict[str, float]:
    """Of a linear student that is trained in closed form."""
    d, k, q = spec.student.dim, spec.training.length, spec.horizon
    m, p = channels(spec.teacher)
    states = min(d, q // 2 * m * p)
    lags = 0 if has_white_inputs(spec.training) else 2.0 * k * k * m * p
    product = _PRODUCT_SLOWNESS * (12.0 * k * m * d * d + lags) + _PER_LAG * k
    is_general = isinstance(spec.student, LinearStudent) and spec.student.structure == "general"
    return {
        "spectrum": _eigenvalues(spec),
        "hankel": 4.0 * q * d * d * m * p + 20.0 * states**3,
        "states": 4.0 * q * d * d * m + 4.0 * d**3,
        "invariant": 8.0 * d**3 if is_general else 0.0,
        **{name: min(count, free_parameters(spec)) * product for name, count in _PRODUCTS.items()},
    }


def _sequences(spec: ExperimentSpec) -> dict[str, float]:
    """Of a student that is trained on sequences: only linear ones have eigenvalues."""
    d, q, (m, p) = spec.student.dim, spec.horizon, channels(spec.teacher)
    return {
        "spectrum": _eigenvalues(spec),
        "hankel": 20.0 * (q // 2 * max(m, p)) ** 3,
        "states": 2.0 * spec.evaluation.sequences * q * d * d + 4.0 * d**3,
    }


def _eigenvalues(spec: ExperimentSpec) -> float:
    """Operations for the eigenvalues of A."""
    if not isinstance(spec.student, LinearStudent):
        return 0.0
    return _EIGENVALUES[spec.student.structure] * spec.student.dim**3


def measuring_numbers(spec: ExperimentSpec, metrics: frozenset[str]) -> int:
    """Numbers in memory while a point of one seed with a closed form is measured.

    Its parameters and their images under A, responses, and directions of the Hessian.
    """
    d, k, q, (m, p) = spec.student.dim, spec.training.length, spec.horizon, channels(spec.teacher)
    directions = 4 * d * d + 4 * k * d * m * p if "sharpness" in metrics else 0
    return 4 * d * d + 3 * q * d * m * p // 2 + directions


def numbers_per_point(spec: ExperimentSpec) -> int:
    """Numbers by which points are grouped: parameters, and C A^r and A^s B up to the horizon."""
    d, q, (m, p) = spec.student.dim, spec.horizon, channels(spec.teacher)
    return 4 * d * d + 3 * q * d * m * p
