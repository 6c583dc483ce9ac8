"""The engine of students that are trained on sequences: non-linear ones, those of non-linear teachers, readouts."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from core import networks
from core.metrics import imbalance
from core.metrics.sequences import hankel_singular_values_of
from core.metrics.spectrum import effective_rank
from core.networks import Weights
from core.spec import ExperimentSpec, LinearStudent, channels
from core.systems import LinearSystem, eigenvalues
from core.training.engine import End, Inherited
from core.training.layout import Layout
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import Teacher, mini_batches
from core.training.sequences.kernel import kernel_of
from core.training.sequences.measures import SequenceMeasures
from core.training.sequences.steppers import SequenceKernelStepper, SequenceStepper
from core.training.stepper import Stepper


class SequenceEngine:
    """See :class:`core.training.engine.Engine`.

    Its seeds walk through many sequences already; points would be more.
    """

    points_at_once = 1

    def __init__(
        self,
        spec: ExperimentSpec,
        dtype: torch.dtype,
        device: torch.device,
        inherited: Inherited | None,
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
                None if inherited is None else inherited[seed],
            )
            for seed in spec.seeds
        ]
        teacher = networks.of_teacher(spec.teacher)
        self._measures = SequenceMeasures(
            spec, network, Teacher(*teacher, torch.float64, device), device
        )
        self.response = self._measures.target.response
        drawn = mini_batches(spec, Teacher(*teacher, dtype, device), dtype, device)
        kernel = kernel_of(network, device)
        self.stepper: Stepper
        if kernel is not None:
            self.stepper = SequenceKernelStepper(kernel, drawn, spec.optimizer, self.layout, dtype)
        else:
            gradient = SequenceGradient(
                spec.student, network, self.layout, last=spec.training.outputs == "last"
            )
            self.stepper = SequenceStepper(gradient, drawn, spec.optimizer, self.layout)

    def starts(self) -> np.ndarray:
        """See the protocol."""
        return self.layout.flatten(self._starts)

    def measure(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol. What is about A is of linear students alone."""
        return _at_each(parameters, self._measure)

    def _measure(self, seeds: torch.Tensor) -> dict[str, np.ndarray]:
        weights = self._weights(seeds)
        measures = self._measures.measure(weights)
        if not isinstance(self._student, LinearStudent):
            return measures
        system = self._systems(weights)
        with np.errstate(all="ignore"):
            spectrum = np.abs(eigenvalues(system.A))
            return measures | {
                "imbalance": imbalance(system),
                "spectral_radius": spectrum[:, 0],
                "eigenvalue_effective_rank": effective_rank(spectrum),
            }

    def trajectories(self, parameters: torch.Tensor) -> dict[str, np.ndarray]:
        """See the protocol."""
        return _at_each(parameters, self._trajectories)

    def _trajectories(self, seeds: torch.Tensor) -> dict[str, np.ndarray]:
        asked, weights, found = self._spec.evaluation.record, self._weights(seeds), {}
        if "response" in asked:
            found["response"] = self._measures.responses(weights)
        if "eigenvalues" in asked:
            with np.errstate(all="ignore"):
                poles = eigenvalues(self._systems(weights).A)
            found["eigenvalues"] = np.stack([poles.real, poles.imag], axis=-1)
        return found

    def at_the_end(self, parameters: torch.Tensor, steps: np.ndarray) -> dict[str, np.ndarray]:
        """See the protocol; there is nothing such."""
        del parameters, steps
        return {}

    def ends(self, parameters: torch.Tensor) -> Sequence[End]:
        """See the protocol."""
        weights = self._weights(parameters)
        named = {name: weight.cpu().numpy() for name, weight in weights.items()}
        response = self._measures.responses(weights)
        poles = np.empty((len(response), 0), complex)
        with np.errstate(all="ignore"):
            hankel = hankel_singular_values_of(response)
            if isinstance(self._student, LinearStudent):
                system = self._systems(weights)
                named |= {"A": system.A, "B": system.B, "C": system.C}
                poles = eigenvalues(system.A)
        return [
            End(response[i], poles[i], hankel[i], {name: array[i] for name, array in named.items()})
            for i in range(len(response))
        ]

    def _weights(self, parameters: torch.Tensor) -> Weights:
        """In float64, in which everything is measured."""
        return self.layout.views(parameters.double())

    def _systems(self, weights: Weights) -> LinearSystem:
        """A, B and C of a linear student, dense, batch axis first."""
        A, B = weights["A"].cpu().numpy(), weights["B"].cpu().numpy()
        dense = A[:, :, None] * np.eye(A.shape[1]) if A.ndim == 2 else A
        return LinearSystem(
            dense, B, weights["C"].cpu().numpy() if "C" in weights else B.swapaxes(1, 2)
        )


def _at_each(
    parameters: torch.Tensor, look: Callable[[torch.Tensor], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What ``look`` finds at each of the points (P, S, n), stacked."""
    found = [look(seeds) for seeds in parameters]
    return {name: np.stack([point[name] for point in found]) for name in found[0]}
