"""The sequences that students are trained on, drawn on the host and copied without waiting.

A mini-batch is a pure function of seed and step, by the counter-based generator Philox: its key is
the seed, and its counter contains the step. So a checkpoint needs no generator state, and the
sequences of a seed don't depend on the other seeds. Source: Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3" (2011).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.cost.networks import FRESH_SEQUENCES
from core.losses import input_moments, sample
from core.networks import Network, Weights
from core.spec import ExperimentSpec, FiniteSampleLoss, GradientFlow, PopulationLoss, channels
from core.training.sequences.kernel import kernel_of

_TRAINING, _EVALUATION = 0, 1
"""Parts of the generator's key that keep training and evaluation apart."""

LabelledBatch = tuple[Tensor, Tensor]
"""Inputs (S or 1, k, N, m) and the teacher's outputs (S or 1, k or 1, N, p)."""


class MiniBatches(Protocol):
    """The source of the sequences of each step."""

    def at(self, steps: Sequence[int]) -> LabelledBatch:
        """The sequences of each seed at its step, on the device."""
        ...


class Teacher:
    """A teacher that labels sequences: its network and weights, on one device."""

    def __init__(
        self,
        network: Network,
        weights: Mapping[str, np.ndarray],
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """For weights without an axis of seeds."""
        self._network = network
        self.weights: Weights = {
            name: torch.tensor(weight, dtype=dtype, device=device)[None]
            for name, weight in weights.items()
        }
        self._flat = torch.cat([weight.ravel() for weight in self.weights.values()])
        self._kernel = kernel_of(network, device)

    def outputs(self, inputs: Tensor, *, last: bool) -> Tensor:
        """The outputs y_0 .. y_{k-1} (S, k, N, p) for inputs (S, k, N, m), or only y_{k-1}."""
        if self._kernel is not None:
            return self._kernel.outputs(self._flat, inputs, last=last)
        seeds, _, sequences, _ = inputs.shape
        one_batch = inputs.transpose(0, 1).flatten(1, 2)[None]
        with torch.no_grad():
            if last:
                outputs = self._network.outputs(self.weights, one_batch, last=True)
            else:
                steps = self._network.unroll(self.weights, one_batch)
                outputs = torch.stack([output for _, output in steps], 1)
        return outputs[0].unflatten(1, (seeds, sequences)).transpose(0, 1)


def mini_batches(
    spec: ExperimentSpec, teacher: Teacher, dtype: torch.dtype, device: torch.device
) -> MiniBatches:
    """The mini-batches of the spec's loss: fresh sequences, a whole sample, or subsets of it."""
    assert not isinstance(spec.optimizer, GradientFlow)  # noqa: S101  # validated: it needs a closed form
    size, last = spec.optimizer.batch_size, spec.training.outputs == "last"
    if isinstance(spec.training.loss, PopulationLoss):
        return _FreshSequences(spec, teacher, size or FRESH_SEQUENCES, dtype, device)
    assert isinstance(spec.training.loss, FiniteSampleLoss)  # noqa: S101  # validated: it needs inputs
    inputs = sample_inputs(spec.training.loss, spec.training.length, dtype, device)
    labelled = (inputs, teacher.outputs(inputs, last=last))
    if size is None or size >= inputs.shape[2]:
        return _WholeSample(labelled)
    return _Subsets(spec.seeds, labelled, size)


def sample_inputs(
    loss: FiniteSampleLoss, length: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """The N sequences of a finite sample, (1, k, N, 1), on the device."""
    return to_device(sample(loss, length).T[..., None], dtype, device)[None]


def evaluation_sequences(spec: ExperimentSpec) -> np.ndarray:
    """White Gaussian sequences up to the horizon, (q, N, m), drawn by ``evaluation.seed``."""
    shape = (spec.horizon, spec.evaluation.sequences, channels(spec.teacher)[0])
    return _generator(spec.evaluation.seed, 0, _EVALUATION).standard_normal(shape)


def colouring_matrix(spec: ExperimentSpec) -> np.ndarray | None:
    """R, k x k, with R Rᵀ = E[x xᵀ], which colours white sequences; None for white inputs."""
    loss = spec.training.loss
    if not isinstance(loss, PopulationLoss) or loss.covariance is None:
        return None
    values, vectors = np.linalg.eigh(input_moments(spec.training))
    return vectors * np.sqrt(np.maximum(values, 0))


def to_device(array: np.ndarray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Copies the array to the device; the host doesn't wait."""
    tensor = torch.tensor(array, dtype=dtype)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _generator(seed: int, step: int, use: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, use], counter=[0, 0, step, 0]))


class _FreshSequences:
    """New Gaussian sequences in each step."""

    def __init__(
        self,
        spec: ExperimentSpec,
        teacher: Teacher,
        size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._seeds, self._teacher = spec.seeds, teacher
        self._last = spec.training.outputs == "last"
        self._shape = (spec.training.length, size, channels(spec.teacher)[0])
        self._dtype, self._device = dtype, device
        root = colouring_matrix(spec)
        self._root = None if root is None else to_device(root, dtype, device)

    def at(self, steps: Sequence[int]) -> LabelledBatch:
        """See :class:`MiniBatches`."""
        sequences = [
            _generator(seed, step, _TRAINING).standard_normal(self._shape)
            for seed, step in zip(self._seeds, steps, strict=True)
        ]
        inputs = to_device(np.stack(sequences), self._dtype, self._device)
        if self._root is not None:
            inputs = (self._root @ inputs.flatten(2)).view_as(inputs)
        return inputs, self._teacher.outputs(inputs, last=self._last)


class _WholeSample:
    """All of a sample in each step."""

    def __init__(self, labelled: LabelledBatch) -> None:
        self._labelled = labelled

    def at(self, steps: Sequence[int]) -> LabelledBatch:
        """See :class:`MiniBatches`."""
        del steps
        return self._labelled


class _Subsets:
    """``size`` different sequences of a sample in each step."""

    def __init__(self, seeds: Sequence[int], labelled: LabelledBatch, size: int) -> None:
        self._seeds, self._labelled, self._size = seeds, labelled, size

    def at(self, steps: Sequence[int]) -> LabelledBatch:
        """See :class:`MiniBatches`."""
        count, device = self._labelled[0].shape[2], self._labelled[0].device
        chosen = []
        for seed, step in zip(self._seeds, steps, strict=True):
            generator = _generator(seed, step, _TRAINING)
            chosen.append(generator.choice(count, self._size, replace=False, shuffle=False))
        index = to_device(np.stack(chosen), torch.int64, device)
        inputs, labels = (part[0][:, index].transpose(0, 1) for part in self._labelled)
        return inputs, labels
