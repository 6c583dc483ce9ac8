"""The engine of linear students of linear teachers: loss and gradient in closed form."""

from collections.abc import Sequence

import numpy as np
import torch

from core import students
from core.losses import target_of
from core.metrics import measure
from core.spec import ExperimentSpec, LinearStudent, channels
from core.systems import LinearSystem, eigenvalues, hankel_singular_values, impulse_response
from core.training.engine import Arrays, End, Inherited
from core.training.gradient import gradient_of
from core.training.kernel import KernelStepper
from core.training.layout import LinearLayout
from core.training.stepper import Stepper, TorchStepper


class LinearEngine:
    """See :class:`core.training.engine.Engine`; ``target`` is what its students are trained towards."""

    def __init__(
        self, spec: ExperimentSpec, dtype: torch.dtype, device: torch.device, inherited: Inherited | None
    ) -> None:
        """For the linear student, linear teacher and optimizer of ``spec``."""
        assert isinstance(spec.student, LinearStudent)  # noqa: S101  # whoever chose this engine looked
        self._spec, self._student = spec, spec.student
        inputs, outputs = channels(spec.teacher)
        self.target = target_of(spec)
        self._starts = [
            students.start(self._student, seed, inputs, outputs, None if inherited is None else inherited[seed])
            for seed in spec.seeds
        ]
        self.layout = LinearLayout(self._student, inputs, outputs)
        self.response = self.target.response
        self.stepper = self._stepper(dtype, device)

    def _stepper(self, dtype: torch.dtype, device: torch.device) -> Stepper:
        """The fastest one that knows the spec: compiled loops on a CPU, else torch."""
        if device.type == "cpu" and KernelStepper.fits(self._spec):
            return KernelStepper(self._spec, self.layout, self.target, dtype)
        gradient = gradient_of(self.layout, self.target, dtype, device)
        return TorchStepper(gradient, self._spec.optimizer, self.layout)

    def starts(self) -> np.ndarray:
        """See the protocol."""
        return self.layout.flatten_systems(self._starts)

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        return measure(self.layout.systems(parameters), self._student, self.target)

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        asked = self._spec.evaluation.record
        if not asked:
            return {}
        systems = self.layout.systems(parameters)
        with np.errstate(all="ignore"):
            return {
                name: _pairs(eigenvalues(systems.A)) if name == "eigenvalues" else self._response_of(systems)
                for name in asked
            }

    def ends(self, parameters: torch.Tensor) -> Sequence[End]:
        """See the protocol."""
        systems = self.layout.systems(parameters)
        with np.errstate(all="ignore"):
            response = self._response_of(systems)
            poles, hankel = eigenvalues(systems.A), hankel_singular_values(systems, self.target.horizon)
        return [End(response[i], poles[i], hankel[i], _named(systems, i)) for i in range(len(self._spec.seeds))]

    def _response_of(self, systems: LinearSystem) -> np.ndarray:
        return impulse_response(systems, self.target.horizon)


def _pairs(values: np.ndarray) -> np.ndarray:
    return np.stack([values.real, values.imag], axis=-1)


def _named(systems: LinearSystem, i: int) -> Arrays:
    return {"A": systems.A[i], "B": systems.B[i], "C": systems.C[i]}
