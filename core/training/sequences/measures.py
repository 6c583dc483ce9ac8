"""Measures students on sequences, every student at every point on the same inputs.

The response of a network that need not be linear is its output to an impulse minus its output to
zero input. Everything is in float64, whatever the training's dtype.
"""

import numpy as np
import torch
from torch import Tensor

from core.cost import measured_metrics
from core.losses import Target
from core.metrics import response_metrics
from core.metrics.sequences import (
    covariance_effective_rank,
    hankel_singular_values_of,
    sequence_metrics,
)
from core.metrics.spectrum import effective_rank
from core.networks import Network, Weights
from core.spec import ExperimentSpec, FiniteSampleLoss, channels
from core.training.sequences.gradient import loss_of
from core.training.sequences.inputs import (
    LabelledBatch,
    Teacher,
    colouring_matrix,
    evaluation_sequences,
    sample_inputs,
    to_device,
)
from core.training.sequences.kernel import kernel_of


class SequenceMeasures:
    """Measures the students of one experiment.

    Attributes:
        target: The teacher's response, (q, p, m). Its M is NaN: the loss is that on sequences.
    """

    def __init__(
        self, spec: ExperimentSpec, network: Network, teacher: Teacher, device: torch.device
    ) -> None:
        """For students of ``network`` and a teacher in float64."""
        self._network, self._kernel = network, kernel_of(network, device)
        self._tolerance = spec.evaluation.fit_tolerance
        self._metrics = measured_metrics(spec)
        self._last = spec.training.outputs == "last"
        self._impulses = _impulses(spec, device)
        k = spec.training.length
        self.target = Target(
            _response_of(teacher.outputs(self._impulses, last=False))[0],
            np.broadcast_to(np.nan, (k, k)),
        )
        self._sequences = to_device(evaluation_sequences(spec), torch.float64, device)[None]
        self._labels = teacher.outputs(self._sequences, last=False)
        deviation = self._labels - self._labels.mean(2, keepdim=True)
        self._variance = deviation.square().sum(-1).mean(2)[0].cpu().numpy()
        self._loss_batch = self._batch_of_loss(spec, teacher)

    def _batch_of_loss(self, spec: ExperimentSpec, teacher: Teacher) -> LabelledBatch | None:
        """The batch that the training loss is reported on; None if the evaluation sequences are."""
        loss, device, k = spec.training.loss, self._sequences.device, spec.training.length
        root = colouring_matrix(spec)
        if isinstance(loss, FiniteSampleLoss):
            inputs = sample_inputs(loss, k, torch.float64, device)
        elif root is not None:
            white = self._sequences[:, :k]
            inputs = (to_device(root, torch.float64, device) @ white.flatten(2)).view_as(white)
        else:
            return None
        return inputs, teacher.outputs(inputs, last=self._last)

    def responses(self, weights: Weights) -> np.ndarray:
        """The responses (S, q, p, m) of students with ``weights`` in float64."""
        steps = self._network.unroll(weights, self._impulses)
        return _response_of(torch.stack([output for _, output in steps], 1))

    def measure(self, weights: Weights) -> dict[str, np.ndarray]:
        """The metrics that every network has, each (S,)."""
        response = self.responses(weights)
        error, covariance = self._errors_and_covariance(weights)
        with np.errstate(all="ignore"):
            metrics = {
                **response_metrics(response, self.target, self._tolerance),
                **sequence_metrics(error, self._variance, self.target.length),
                "train_loss": self._train_loss(weights, error),
            }
            if "effective_rank" in self._metrics:
                metrics["effective_rank"] = effective_rank(hankel_singular_values_of(response))
            if covariance is not None:
                metrics["state_effective_rank"] = covariance_effective_rank(covariance)
        return metrics

    def _train_loss(self, weights: Weights, error: np.ndarray) -> np.ndarray:
        if self._loss_batch is None:
            k = self.target.length
            return error[:, k - 1] if self._last else error[:, :k].mean(1)
        inputs, labels = self._loss_batch
        return loss_of(self._outputs(weights, inputs), labels).cpu().numpy()

    def _outputs(self, weights: Weights, inputs: Tensor) -> Tensor:
        """The outputs that count in the loss."""
        if self._kernel is None:
            with torch.no_grad():
                return self._network.outputs(weights, inputs, last=self._last)
        flat = torch.cat([weights[name].flatten(1) for name in self._network.shapes], 1)
        return torch.cat([self._kernel.outputs(theta, inputs, last=self._last) for theta in flat])

    def _errors_and_covariance(self, weights: Weights) -> tuple[np.ndarray, np.ndarray | None]:
        """The errors on the evaluation sequences, and the spread of the states.

        Returns:
            Squared errors (S, q), and the covariance (S, d, d) of the states over sequences and
            times, None if no metric needs it.
        """
        needs_covariance = "state_effective_rank" in self._metrics
        errors, means = [], []
        second_moment = torch.zeros(1, dtype=torch.float64, device=self._labels.device)
        steps = self._network.unroll(weights, self._sequences)
        for (states, output), label in zip(steps, self._labels.unbind(1), strict=True):
            errors.append((output - label).square().sum(-1).mean(1))
            if needs_covariance:
                means.append(states.mean(1))
                second_moment = second_moment + states.mT @ states / states.shape[1]
        error = torch.stack(errors, 1).cpu().numpy()
        if not needs_covariance:
            return error, None
        mean = torch.stack(means).mean(0)
        covariance = second_moment / len(errors) - mean[:, :, None] * mean[:, None]
        return error, covariance.cpu().numpy()


def _impulses(spec: ExperimentSpec, device: torch.device) -> Tensor:
    """An impulse in each input channel, and zero input, (1, q, m + 1, m)."""
    m = channels(spec.teacher)[0]
    impulses = torch.zeros(1, spec.horizon, m + 1, m, dtype=torch.float64)
    impulses[0, 0, :m] = torch.eye(m)
    return impulses.to(device)


def _response_of(outputs: Tensor) -> np.ndarray:
    """The response (S, q, p, m) of the outputs (S, q, m + 1, p) to the impulses."""
    return (outputs[:, :, :-1] - outputs[:, :, -1:]).transpose(2, 3).cpu().numpy()
