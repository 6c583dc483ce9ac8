"""The engine of students that are trained on sequences.

They are non-linear students, students of non-linear teachers, and students with a readout.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from core import networks
from core.cost import measured_metrics
from core.cost.measuring import SHARED_WORK
from core.metrics import imbalance
from core.metrics.sequences import hankel_singular_values_of
from core.metrics.spectrum import effective_rank
from core.networks import Weights
from core.spec import ExperimentSpec, LinearStudent, channels
from core.systems import LinearSystem, eigenvalues
from core.training.engine import FinalState, InitialParameters
from core.training.layout import Layout
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import Teacher, mini_batches
from core.training.sequences.kernel import kernel_of
from core.training.sequences.measures import SequenceMeasures
from core.training.sequences.steppers import SequenceKernelStepper, SequenceStepper
from core.training.stepper import Stepper


class SequenceEngine:
    """See :class:`core.training.engine.Engine`.

    Measuring one point already runs over many sequences per seed, so more per call gain nothing.
    """

    points_per_call = 1

    def __init__(
        self,
        spec: ExperimentSpec,
        dtype: torch.dtype,
        device: torch.device,
        initial_parameters: InitialParameters | None,
    ) -> None:
        """For the student, teacher and optimizer of ``spec``."""
        self._spec, self._student = spec, spec.student
        network = networks.of_student(spec.student, *channels(spec.teacher))
        self.layout = Layout(network.shapes)
        self._starts = [
            networks.start(
                spec.student,
                network.shapes,
                seed,
                channels(spec.teacher),
                None if initial_parameters is None else initial_parameters[seed],
            )
            for seed in spec.seeds
        ]
        teacher = networks.of_teacher(spec.teacher)
        self._measures = SequenceMeasures(
            spec, network, Teacher(*teacher, torch.float64, device), device
        )
        self.response = self._measures.target.response
        batches = mini_batches(spec, Teacher(*teacher, dtype, device), dtype, device)
        kernel = kernel_of(network, device)
        self.stepper: Stepper
        if kernel is not None:
            self.stepper = SequenceKernelStepper(
                kernel, batches, spec.optimizer, self.layout, dtype
            )
        else:
            gradient = SequenceGradient(
                spec.student, network, self.layout, last=spec.training.outputs == "last"
            )
            self.stepper = SequenceStepper(gradient, batches, spec.optimizer, self.layout)

    def starts(self) -> np.ndarray:
        """See the protocol."""
        return self.layout.flatten(self._starts)

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol. Only linear students have metrics of A."""
        return _at_each_point(parameters, self._measure)

    def _measure(self, seeds: torch.Tensor) -> dict[str, np.ndarray]:
        weights = self._weights(seeds)
        metrics = self._measures.measure(weights)
        if not isinstance(self._student, LinearStudent):
            return metrics
        system = self._systems(weights)
        metrics["imbalance"] = imbalance(system)
        if SHARED_WORK["spectrum"] & measured_metrics(self._spec):
            with np.errstate(all="ignore"):
                spectrum = np.abs(eigenvalues(system.A))
                metrics["spectral_radius"] = spectrum[:, 0]
                metrics["eigenvalue_effective_rank"] = effective_rank(spectrum)
        return metrics

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        return _at_each_point(parameters, self._trajectories)

    def _trajectories(self, seeds: torch.Tensor) -> dict[str, np.ndarray]:
        names, weights, arrays = self._spec.evaluation.record, self._weights(seeds), {}
        if "response" in names:
            arrays["response"] = self._measures.responses(weights)
        if "eigenvalues" in names:
            with np.errstate(all="ignore"):
                poles = eigenvalues(self._systems(weights).A)
            arrays["eigenvalues"] = np.stack([poles.real, poles.imag], axis=-1)
        return arrays

    def final_metrics(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """See the protocol; this family has none."""
        del parameters, steps
        return {}

    def final_states(self, parameters: torch.Tensor) -> Sequence[FinalState]:
        """See the protocol."""
        weights = self._weights(parameters)
        arrays = {name: weight.cpu().numpy() for name, weight in weights.items()}
        response = self._measures.responses(weights)
        poles = np.empty((len(response), 0), complex)
        with np.errstate(all="ignore"):
            hankel = hankel_singular_values_of(response)
            if isinstance(self._student, LinearStudent):
                system = self._systems(weights)
                arrays |= {"A": system.A, "B": system.B, "C": system.C}
                poles = eigenvalues(system.A)
        final_states = []
        for i in range(len(response)):
            final_parameters = {name: array[i] for name, array in arrays.items()}
            final_states.append(FinalState(response[i], poles[i], hankel[i], final_parameters))
        return final_states

    def _weights(self, parameters: torch.Tensor) -> Weights:
        """The parameters by name, in float64, in which everything is measured."""
        return self.layout.views(parameters.double())

    def _systems(self, weights: Weights) -> LinearSystem:
        """A, B and C of a linear student, dense, batch axis first."""
        A, B = weights["A"].cpu().numpy(), weights["B"].cpu().numpy()
        if A.ndim == 2:
            A = A[:, :, None] * np.eye(A.shape[1])
        return LinearSystem(
            A, B, weights["C"].cpu().numpy() if "C" in weights else B.swapaxes(1, 2)
        )


def _at_each_point(
    parameters: torch.Tensor, measure: Callable[[torch.Tensor], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """``measure`` at each of the points (P, S, n), stacked."""
    points = [measure(seeds) for seeds in parameters]
    return {name: np.stack([point[name] for point in points]) for name in points[0]}
