"""What training asks of a family of students: how their parameters lie, how they move, what is measured on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from core.training.layout import Layout
from core.training.stepper import Stepper

Arrays = Mapping[str, np.ndarray]
Inherited = Mapping[int, Arrays]
"""The final parameters of a finished experiment by seed and name: where the start
``from_experiment`` begins."""


@dataclass(frozen=True)
class End:
    """The final arrays of one seed.

    Attributes:
        response: (q, p, m).
        eigenvalues: Of A, complex, falling; empty where there is no A.
        hankel_singular_values: Falling.
        parameters: By name, in the shapes of the result.
    """

    response: np.ndarray
    eigenvalues: np.ndarray
    hankel_singular_values: np.ndarray
    parameters: Arrays


class Engine(Protocol):
    """One family of students, made for one spec on one device.

    Attributes:
        stepper: What moves the parameters.
        response: The teacher's ĥ_0 .. ĥ_{q-1}, (q, p, m).
        points_at_once: How many points one call of ``measure`` should get.
    """

    stepper: Stepper
    response: np.ndarray
    points_at_once: int

    @property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat vectors."""
        ...

    def starts(self) -> np.ndarray:
        """The flat parameters (S, n) at which the seeds start, in float64."""
        ...

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """Those metrics of :data:`core.result.METRICS` that such a student has, of the seeds at P points.

        Each (P, S), of ``parameters`` (P, S, n).
        """
        ...

    def at_the_end(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics that are looked at only once, each (S,), of ``parameters`` (S, n) after ``steps`` (S,)."""
        ...

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """What ``evaluation.record`` asks for, of ``parameters`` (P, S, n).

        ``response`` (P, S, q, p, m), ``eigenvalues`` (P, S, d, 2), [re, im].
        """
        ...

    def ends(self, parameters: torch.Tensor) -> Sequence[End]:
        """The final arrays of each seed."""
        ...
