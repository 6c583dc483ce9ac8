"""The engine of linear students of linear teachers: loss and gradient in closed form."""

from collections.abc import Sequence

import numpy as np
import torch

from core import students
from core.cost import points_at_once
from core.errors import IntegrationFailed
from core.losses import target_of
from core.metrics import Reference, measure
from core.spec import ExperimentSpec, GradientFlow, LinearStudent, channels
from core.systems import LinearSystem, eigenvalues, hankel_singular_values, impulse_response
from core.training.closed_form.flow import Flow, FlowStepper
from core.training.closed_form.gradient import gradient_of
from core.training.closed_form.kernel import KernelStepper, fits
from core.training.engine import Arrays, End, Inherited
from core.training.layout import LinearLayout
from core.training.schedule import time_at
from core.training.stepper import Stepper, TorchStepper


class LinearEngine:
    """See :class:`core.training.engine.Engine`; ``target`` is what its students are trained towards."""

    def __init__(
        self,
        spec: ExperimentSpec,
        dtype: torch.dtype,
        device: torch.device,
        inherited: Inherited | None,
    ) -> None:
        """For the linear student, linear teacher and optimizer of ``spec``."""
        assert isinstance(spec.student, LinearStudent)  # noqa: S101  # whoever chose this engine looked
        self._spec, self._student = spec, spec.student
        inputs, outputs = channels(spec.teacher)
        self.target = target_of(spec)
        self._starts = [
            students.start(
                self._student,
                seed,
                inputs,
                outputs,
                inherited=None if inherited is None else inherited[seed],
                fits=self.target.response[: self.target.length + 1, 0, 0],
            )
            for seed in spec.seeds
        ]
        self.layout = LinearLayout(self._student, inputs, outputs)
        self.response = self.target.response
        self._reference = Reference.of(
            spec, self.target, self.layout.systems(torch.from_numpy(self.starts()))
        )
        self.points_at_once = points_at_once(spec)
        self.stepper = self._stepper(dtype, device)

    def _stepper(self, dtype: torch.dtype, device: torch.device) -> Stepper:
        """The fastest one that knows the spec: compiled loops on a CPU, else torch."""
        optimizer = self._spec.optimizer
        if isinstance(optimizer, GradientFlow):
            return FlowStepper(optimizer, self._flow())
        if device.type == "cpu" and fits(self._spec):
            return KernelStepper(optimizer, self.layout, self.target, dtype)
        return TorchStepper(
            gradient_of(self.layout, self.target, dtype, device), optimizer, self.layout
        )

    def _flow(self) -> Flow:
        return Flow(self._spec, self.layout, self.target)

    def starts(self) -> np.ndarray:
        """See the protocol."""
        return self.layout.flatten_systems(self._starts)

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        return measure(self.layout.systems(parameters), self._reference)

    def at_the_end(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """See the protocol. ``flow_distance`` is NaN where the flow could not be followed."""
        if not self._spec.evaluation.flow:
            return {}
        flow, ends = self._flow(), []
        for theta, time in zip(self.starts(), time_at(self._spec.optimizer, steps), strict=True):
            try:
                ends.append(flow.follow(theta, time))
            except IntegrationFailed:  # the training itself is sound
                ends.append(np.full_like(theta, np.nan))
        followed = self.layout.systems(torch.from_numpy(np.stack(ends)))
        with np.errstate(all="ignore"):
            apart = self._response_of(self.layout.systems(parameters)) - self._response_of(followed)
        return {"flow_distance": np.abs(apart).max((1, 2, 3))}

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        asked = self._spec.evaluation.record
        if not asked:
            return {}
        systems = self.layout.systems(parameters)
        with np.errstate(all="ignore"):
            return {
                name: _pairs(eigenvalues(systems.A))
                if name == "eigenvalues"
                else self._response_of(systems)
                for name in asked
            }

    def ends(self, parameters: torch.Tensor) -> Sequence[End]:
        """See the protocol."""
        systems = self.layout.systems(parameters)
        with np.errstate(all="ignore"):
            response = self._response_of(systems)
            poles, hankel = (
                eigenvalues(systems.A),
                hankel_singular_values(systems, self.target.horizon),
            )
        return [
            End(response[i], poles[i], hankel[i], _named(systems, i))
            for i in range(len(self._spec.seeds))
        ]

    def _response_of(self, systems: LinearSystem) -> np.ndarray:
        return impulse_response(systems, self.target.horizon)


def _pairs(values: np.ndarray) -> np.ndarray:
    return np.stack([values.real, values.imag], axis=-1)


def _named(systems: LinearSystem, i: int) -> Arrays:
    return {"A": systems.A[i], "B": systems.B[i], "C": systems.C[i]}
