"""Students on sequences, measured: the same fresh sequences and the same impulses for every student at every point.

The response of a network that need not be linear is its output to a one-hot input minus its output
to zero input. Everything is in float64, whatever the training's dtype.
"""

import numpy as np
import torch
from torch import Tensor

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
    Labelled,
    Teacher,
    colour,
    evaluation_sequences,
    moved,
    sample,
)
from core.training.sequences.kernel import kernel_of


class SequenceMeasures:
    """What the students of one experiment are measured against.

    Attributes:
        target: The teacher's response, (q, p, m); its M, which sequences stand in for, is NaN.
    """

    def __init__(
        self, spec: ExperimentSpec, network: Network, teacher: Teacher, device: torch.device
    ) -> None:
        """For students of ``network``; the teacher is one in float64."""
        self._network, self._kernel = network, kernel_of(network, device)
        self._tolerance, self._last = spec.evaluation.fit_tolerance, _last(spec)
        self._impulses = _impulses(spec, device)
        k = spec.training.length
        self.target = Target(
            _response_of(teacher.outputs(self._impulses, last=False))[0],
            np.broadcast_to(np.nan, (k, k)),
        )
        self._sequences = moved(evaluation_sequences(spec), torch.float64, device)[None]
        self._labels = teacher.outputs(self._sequences, last=False)
        deviation = self._labels - self._labels.mean(2, keepdim=True)
        self._variance = deviation.square().sum(-1).mean(2)[0].cpu().numpy()
        self._held = self._training_sequences(spec, teacher)

    def _training_sequences(self, spec: ExperimentSpec, teacher: Teacher) -> Labelled | None:
        """What the training loss is reported on; None where the fresh sequences up to k are it."""
        loss, device, root = spec.training.loss, self._sequences.device, colour(spec)
        if isinstance(loss, FiniteSampleLoss):
            inputs = moved(sample(loss, spec.training.length), torch.float64, device)[None]
        elif root is not None:
            white = self._sequences[:, : spec.training.length]
            inputs = (moved(root, torch.float64, device) @ white.flatten(2)).view_as(white)
        else:
            return None
        return inputs, teacher.outputs(inputs, last=self._last)

    def responses(self, weights: Weights) -> np.ndarray:
        """(S, q, p, m) of students with ``weights`` in float64."""
        return _response_of(
            torch.stack([output for _, output in self._network.walk(weights, self._impulses)], 1)
        )

    def measure(self, weights: Weights) -> dict[str, np.ndarray]:
        """Every metric that any network has, each (S,)."""
        response, (error, covariance) = self.responses(weights), self._walk(weights)
        with np.errstate(all="ignore"):
            return {
                **response_metrics(response, self.target, self._tolerance),
                **sequence_metrics(error, self._variance, self.target.length),
                "train_loss": self._train_loss(weights, error),
                "effective_rank": effective_rank(hankel_singular_values_of(response)),
                "state_effective_rank": covariance_effective_rank(covariance),
            }

    def _train_loss(self, weights: Weights, error: np.ndarray) -> np.ndarray:
        if self._held is None:
            k = self.target.length
            return error[:, k - 1] if self._last else error[:, :k].mean(1)
        inputs, labels = self._held
        return loss_of(self._outputs(weights, inputs), labels).cpu().numpy()

    def _outputs(self, weights: Weights, inputs: Tensor) -> Tensor:
        """Those that count."""
        if self._kernel is None:
            with torch.no_grad():
                return self._network.outputs(weights, inputs, last=self._last)
        flat = torch.cat([weights[name].flatten(1) for name in self._network.shapes], 1)
        return torch.cat([self._kernel.outputs(own, inputs, last=self._last) for own in flat])

    def _walk(self, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Squared errors (S, q) on the fresh sequences; the states' covariance (S, d, d) over sequences and times."""
        errors, total, second = (
            [],
            [],
            torch.zeros(1, dtype=torch.float64, device=self._labels.device),
        )
        walk = self._network.walk(weights, self._sequences)
        for (states, output), label in zip(walk, self._labels.unbind(1), strict=True):
            errors.append((output - label).square().sum(-1).mean(1))
            total.append(states.mean(1))
            second = second + states.mT @ states / states.shape[1]
        mean = torch.stack(total).mean(0)
        covariance = second / len(errors) - mean[:, :, None] * mean[:, None]
        return torch.stack(errors, 1).cpu().numpy(), covariance.cpu().numpy()


def _last(spec: ExperimentSpec) -> bool:
    return spec.training.outputs == "last"


def _impulses(spec: ExperimentSpec, device: torch.device) -> Tensor:
    """One one-hot sequence per input channel, then silence, (1, q, m + 1, m)."""
    m = channels(spec.teacher)[0]
    impulses = torch.zeros(1, spec.horizon, m + 1, m, dtype=torch.float64)
    impulses[0, 0, :m] = torch.eye(m)
    return impulses.to(device)


def _response_of(outputs: Tensor) -> np.ndarray:
    """The response (S, q, p, m) of the outputs (S, q, m + 1, p) to impulses."""
    return (outputs[:, :, :-1] - outputs[:, :, -1:]).transpose(2, 3).cpu().numpy()
