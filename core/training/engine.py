"""The engine of a family of students: its parameter layout, its stepper and its measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from core.training.layout import Layout
from core.training.stepper import Stepper

Arrays = Mapping[str, np.ndarray]
InitialParameters = Mapping[int, Arrays]
"""The parameters, by seed and name, with which a ``from_experiment`` start begins."""


@dataclass(frozen=True)
class FinalState:
    """The final arrays of one seed.

    Attributes:
        response: (q, p, m).
        eigenvalues: Of A, complex, in falling order; empty for a student without A.
        hankel_singular_values: In falling order.
        parameters: By name, in the shapes of the result.
    """

    response: np.ndarray
    eigenvalues: np.ndarray
    hankel_singular_values: np.ndarray
    parameters: Arrays


class Engine(Protocol):
    """One family of students, built for one spec on one device.

    Attributes:
        stepper: Advances the parameters.
        response: The teacher's ĥ_0 .. ĥ_{q-1}, (q, p, m).
        points_per_call: The number of points that one call of ``measure`` should get.
    """

    stepper: Stepper
    response: np.ndarray
    points_per_call: int

    @property
    def layout(self) -> Layout:
        """The place of each parameter in the flat vectors."""
        ...

    def starts(self) -> np.ndarray:
        """The flat parameters (S, n) at which the seeds start, in float64."""
        ...

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """The metrics of :data:`core.result.METRICS` that this family has, each (P, S).

        ``parameters`` (P, S, n) are those of all S seeds at P points.
        """
        ...

    def final_metrics(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics measured only at the end, each (S,).

        ``parameters`` (S, n) are those after ``steps`` (S,).
        """
        ...

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """The arrays that ``evaluation.record`` names, at ``parameters`` (P, S, n).

        ``response`` (P, S, q, p, m), ``eigenvalues`` (P, S, d, 2), [re, im].
        """
        ...

    def final_states(self, parameters: torch.Tensor) -> Sequence[FinalState]:
        """The final arrays of each seed, at ``parameters`` (S, n)."""
        ...
