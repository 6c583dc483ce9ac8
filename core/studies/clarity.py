"""Balanced teachers of d̂ states, and how clearly each of their states shows in the response."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from core import teachers
from core.spec import BalancedTeacher
from core.systems import impulse_response

_POLES: Mapping[int, Sequence[tuple[float, ...]]] = {
    1: ((0.9,), (0.5,), (-0.6,)),
    2: ((0.9, -0.7), (0.9, 0.1), (0.9, 0.7)),
    3: ((0.9, 0.1, -0.8), (0.9, 0.5, 0.1), (0.9, 0.7, -0.6)),
    5: ((0.98, 0.65, 0.02, -0.65, -0.97), (0.9, 0.7, 0.5, 0.3, 0.1), (0.9, 0.7, 0.1, -0.5, -0.9)),
}
"""Poles of teachers with equal weights, by d̂: spread over both signs, positive, with a close pair.
"""


def teachers_of(states: int, random_seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The specs of teachers with 1, 2, 3 or 5 states: three listed, and one drawn per seed."""
    listed = [
        {
            "kind": "balanced",
            "eigenvalues": {"kind": "list", "values": poles},
            "weights": (1 / states,) * states,
        }
        for poles in _POLES[states]
    ]
    drawn = [{"kind": "balanced", "dim": states, "seed": seed} for seed in random_seeds]
    return listed + drawn


@cache
def clarity(teacher: BalancedTeacher) -> float:
    """The smallest over the largest eigenvalue of the Hankel matrix (ĥ_{i+j}), i, j < d̂.

    It is 1 for one state, and falls as poles come close, share a sign, or have little weight.
    """
    response = np.asarray(impulse_response(teachers.build(teacher), 2 * teacher.dim - 1)).ravel()
    index = np.arange(teacher.dim)
    eigenvalues = np.linalg.eigvalsh(response[index[:, None] + index])
    return float(eigenvalues[0] / eigenvalues[-1])
