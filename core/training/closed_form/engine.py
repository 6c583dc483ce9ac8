"""The engine of linear students of linear teachers: loss and gradient in closed form."""

from collections.abc import Sequence

import numpy as np
import torch

from core import students
from core.cost import points_per_call
from core.errors import IntegrationFailed
from core.losses import target_of
from core.metrics import Reference, measure
from core.spec import ExperimentSpec, GradientFlow, channels, has_full_norms
from core.systems import LinearSystem, eigenvalues, hankel_singular_values, impulse_response
from core.training.closed_form.flow import Flow, FlowStepper
from core.training.closed_form.gradient import DiagonalGradient, gradient_of
from core.training.closed_form.kernel import KernelStepper, is_supported
from core.training.engine import FinalState, InitialParameters
from core.training.layout import LinearLayout
from core.training.schedule import training_time
from core.training.stepper import Stepper, TorchStepper


class LinearEngine:
    """See :class:`core.training.engine.Engine`.

    Attributes:
        target: The response and loss matrix that its students are trained towards.
    """

    def __init__(
        self,
        spec: ExperimentSpec,
        dtype: torch.dtype,
        device: torch.device,
        initial_parameters: InitialParameters | None,
    ) -> None:
        """For a spec with a linear student and a linear teacher."""
        self._spec, self._student = spec, spec.linear_student
        inputs, outputs = channels(spec.teacher)
        self.target = target_of(spec)
        self._starts = [
            students.start(
                self._student,
                seed,
                inputs,
                outputs,
                initial_parameters=None if initial_parameters is None else initial_parameters[seed],
                teacher_response=self.target.response[: self.target.length + 1, 0, 0],
            )
            for seed in spec.seeds
        ]
        self.layout = LinearLayout(self._student, inputs, outputs)
        self.response = self.target.response
        self._reference = Reference.of(
            spec, self.target, self.layout.systems(torch.from_numpy(self.starts()))
        )
        self.points_per_call = points_per_call(spec)
        self.stepper = self._stepper(dtype, device)

    def _stepper(self, dtype: torch.dtype, device: torch.device) -> Stepper:
        """The fastest stepper that supports the spec: compiled loops on a CPU, else torch."""
        optimizer = self._spec.optimizer
        if isinstance(optimizer, GradientFlow):
            return FlowStepper(optimizer, self._flow())
        if device.type == "cpu" and is_supported(self._spec):
            return KernelStepper(optimizer, self.layout, self.target, dtype)
        gradient = gradient_of(self.layout, self.target, dtype, device)
        norm = gradient.sum_of_full_norms if isinstance(gradient, DiagonalGradient) else None
        return TorchStepper(
            gradient, optimizer, self.layout, norm if has_full_norms(optimizer) else None
        )

    def _flow(self) -> Flow:
        return Flow(self._spec, self.layout, self.target)

    def starts(self) -> np.ndarray:
        """See the protocol."""
        return self.layout.flatten_systems(self._starts)

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        return measure(self.layout.systems(parameters), self._reference)

    def final_metrics(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """See the protocol. ``flow_distance`` is NaN if the flow could not be integrated."""
        if not self._spec.evaluation.flow:
            return {}
        flow, endpoints = self._flow(), []
        times = training_time(self._spec.optimizer, steps)
        for theta, time in zip(self.starts(), times, strict=True):
            try:
                endpoints.append(flow.integrate(theta, time))
            except IntegrationFailed:  # the training itself is sound
                endpoints.append(np.full_like(theta, np.nan))
        flow_systems = self.layout.systems(torch.from_numpy(np.stack(endpoints)))
        with np.errstate(all="ignore"):
            trained = self._response_of(self.layout.systems(parameters))
            distance = trained - self._response_of(flow_systems)
        return {"flow_distance": np.abs(distance).max((1, 2, 3))}

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        names = self._spec.evaluation.record
        if not names:
            return {}
        systems = self.layout.systems(parameters)
        arrays: dict[str, np.ndarray] = {}
        with np.errstate(all="ignore"):
            for name in names:
                if name == "eigenvalues":
                    poles = eigenvalues(systems.A)
                    arrays[name] = np.stack([poles.real, poles.imag], axis=-1)
                else:
                    arrays[name] = self._response_of(systems)
        return arrays

    def final_states(self, parameters: torch.Tensor) -> Sequence[FinalState]:
        """See the protocol."""
        systems = self.layout.systems(parameters)
        with np.errstate(all="ignore"):
            response = self._response_of(systems)
            poles = eigenvalues(systems.A)
            hankel = hankel_singular_values(systems, self.target.horizon)
        A, B, C = systems.A, systems.B, systems.C
        return [
            FinalState(response[i], poles[i], hankel[i], {"A": A[i], "B": B[i], "C": C[i]})
            for i in range(len(self._spec.seeds))
        ]

    def _response_of(self, systems: LinearSystem) -> np.ndarray:
        return impulse_response(systems, self.target.horizon)
