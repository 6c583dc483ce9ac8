"""Balanced teachers of d̂ states, and how clearly each of their states shows in the response."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from core import teachers
from core.spec import BalancedTeacher, LinearTeacher, states
from core.systems import impulse_response

_POLES: Mapping[int, Sequence[tuple[float, ...]]] = {
    1: ((0.9,), (0.5,), (-0.6,), (0.7,), (-0.9,)),
    2: ((0.9, -0.7), (0.9, 0.1), (0.9, 0.7), (0.95, -0.3), (0.5, -0.6), (0.3, -0.9)),
    3: (
        (0.9, 0.1, -0.8),
        (0.9, 0.5, 0.1),
        (0.9, 0.7, -0.6),
        (0.95, -0.15, -0.9),
        (1.0, 0.1, -0.9),
        (0.98, 0.1, -0.95),
        (0.85, 0.1, -0.9),
    ),
    5: ((0.98, 0.65, 0.02, -0.65, -0.97), (0.9, 0.7, 0.5, 0.3, 0.1), (0.9, 0.7, 0.1, -0.5, -0.9)),
}
"""Poles of teachers with equal weights, by d̂: of both signs and far apart, positive, a close pair.
"""

_FIVE: Sequence[tuple[float, ...]] = (
    (0.99, 0.7, -0.05, -0.6, -0.98),
    (0.98, 0.55, -0.1, -0.7, -0.99),
    (1.0, 0.65, 0.05, -0.6, -0.99),
    (0.99, 0.6, 0.1, -0.65, -1.0),
)
"""More poles for d̂ = 5, whose states show clearly only if they span both signs and those at the
ends have less weight.
"""

_WEIGHTS_OF_FIVE = (0.15, 0.2, 0.3, 0.2, 0.15)


def teachers_of(
    dim: int, random_seeds: Sequence[int], clearer_than: float = 0.0
) -> list[dict[str, Any]]:
    """The specs of teachers with 1, 2, 3 or 5 states: those listed, and one drawn per seed."""
    listed = [(poles, (1 / dim,) * dim) for poles in _POLES[dim]]
    if dim == len(_WEIGHTS_OF_FIVE):
        listed += [(poles, _WEIGHTS_OF_FIVE) for poles in _FIVE]
    specs: list[dict[str, Any]] = [
        *(
            {
                "kind": "balanced",
                "eigenvalues": {"kind": "list", "values": poles},
                "weights": weights,
            }
            for poles, weights in listed
        ),
        *({"kind": "balanced", "dim": dim, "seed": seed} for seed in random_seeds),
    ]
    return [one for one in specs if clarity(BalancedTeacher(**one)) > clearer_than]


@cache
def clarity(teacher: LinearTeacher) -> float:
    """The smallest over the largest eigenvalue of the Hankel matrix (ĥ_{i+j}), i, j < d̂.

    It is 1 for one state, and falls as poles come close, share a sign, or have little weight.
    """
    dim = states(teacher)
    response = np.asarray(impulse_response(teachers.build(teacher), 2 * dim - 1)).ravel()
    index = np.arange(dim)
    eigenvalues = np.linalg.eigvalsh(response[index[:, None] + index])
    return float(eigenvalues[0] / eigenvalues[-1])
