"""The sequences that students are trained on, drawn on the host and moved to the device without waiting for it.

A mini-batch is a pure function of seed and step: a counter-based generator, Philox, whose key is
the seed and whose counter holds the step. No checkpoint holds a generator's state, and a seed sees
the same sequences in any company. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2,
3" (2011).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.losses import input_moments
from core.networks import Network, Weights
from core.spec import ExperimentSpec, FiniteSampleLoss, GradientFlow, PopulationLoss, channels
from core.training.sequences.kernel import kernel_of

FRESH = 128
"""Sequences per step of each seed where the inputs are drawn from the population and the spec names
no number."""

_TRAINING, _EVALUATION = 0, 1

Labelled = tuple[Tensor, Tensor]
"""Inputs (S or 1, k, N, m) and the teacher's outputs (S or 1, k or 1, N, p)."""


class MiniBatches(Protocol):
    """Where a step's sequences come from."""

    def at(self, steps: Sequence[int]) -> Labelled:
        """The sequences of each seed's step, on the device."""
        ...


class Teacher:
    """A teacher that labels sequences: its network and its weights, on one device."""

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
        """y_0 .. y_{k-1} (S, k, N, p) of inputs (S, k, N, m), or y_{k-1} alone."""
        if self._kernel is not None:
            return self._kernel.outputs(self._flat, inputs, last=last)
        seeds, _, sequences, _ = inputs.shape
        together = inputs.transpose(0, 1).flatten(1, 2)[None]
        with torch.no_grad():
            if last:
                made = self._network.outputs(self.weights, together, last=True)
            else:
                made = torch.stack(
                    [output for _, output in self._network.walk(self.weights, together)], 1
                )
        return made[0].unflatten(1, (seeds, sequences)).transpose(0, 1)


def mini_batches(
    spec: ExperimentSpec, teacher: Teacher, dtype: torch.dtype, device: torch.device
) -> MiniBatches:
    """The sequences that the spec's loss asks for: fresh ones, a whole sample, or subsets of it."""
    assert not isinstance(spec.optimizer, GradientFlow)  # noqa: S101  # validated: it has no gradient on sequences
    size, last = spec.optimizer.batch_size, spec.training.outputs == "last"
    if isinstance(spec.training.loss, PopulationLoss):
        return _Fresh(spec, teacher, size or FRESH, dtype, device)
    assert isinstance(spec.training.loss, FiniteSampleLoss)  # noqa: S101  # validated: it needs inputs
    inputs = moved(sample(spec.training.loss, spec.training.length), dtype, device)[None]
    labelled = (inputs, teacher.outputs(inputs, last=last))
    return (
        _Whole(labelled)
        if size is None or size >= inputs.shape[2]
        else _Subsets(spec.seeds, labelled, size)
    )


def sample(loss: FiniteSampleLoss, length: int) -> np.ndarray:
    """The N sequences of a finite sample, (k, N, 1), those of which :mod:`core.losses` takes the moments."""
    if loss.inputs is not None:
        return np.array(loss.inputs).T[..., None]
    generator, size = np.random.default_rng(loss.seed), (loss.sequences or 0, length)
    signs = loss.distribution == "rademacher"
    drawn = generator.choice([-1.0, 1.0], size) if signs else generator.standard_normal(size)
    return drawn.T[..., None]


def evaluation_sequences(spec: ExperimentSpec) -> np.ndarray:
    """Fresh white Gaussian sequences up to the horizon, (q, N, m), drawn by ``evaluation.seed``."""
    shape = (spec.horizon, spec.evaluation.sequences, channels(spec.teacher)[0])
    return _generator(spec.evaluation.seed, 0, _EVALUATION).standard_normal(shape)


def colour(spec: ExperimentSpec) -> np.ndarray | None:
    """R with R Rᵀ = E[x xᵀ], k x k, which colours white sequences; None where they stay white."""
    loss = spec.training.loss
    if not isinstance(loss, PopulationLoss) or loss.covariance is None:
        return None
    values, vectors = np.linalg.eigh(input_moments(spec.training))
    return vectors * np.sqrt(np.maximum(values, 0))


def moved(array: np.ndarray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The array on the device. The host goes on while it is copied."""
    tensor = torch.tensor(array, dtype=dtype)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _generator(seed: int, step: int, use: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, use], counter=[0, 0, step, 0]))


class _Fresh:
    """Gaussian sequences that no step sees again."""

    def __init__(
        self,
        spec: ExperimentSpec,
        teacher: Teacher,
        size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._seeds, self._teacher, self._last = (
            spec.seeds,
            teacher,
            spec.training.outputs == "last",
        )
        self._shape = (spec.training.length, size, channels(spec.teacher)[0])
        self._dtype, self._device = dtype, device
        root = colour(spec)
        self._root = None if root is None else moved(root, dtype, device)

    def at(self, steps: Sequence[int]) -> Labelled:
        """See :class:`MiniBatches`."""
        each = zip(self._seeds, steps, strict=True)
        drawn = np.stack(
            [_generator(seed, step, _TRAINING).standard_normal(self._shape) for seed, step in each]
        )
        inputs = moved(drawn, self._dtype, self._device)
        if self._root is not None:
            inputs = (self._root @ inputs.flatten(2)).view_as(inputs)
        return inputs, self._teacher.outputs(inputs, last=self._last)


class _Whole:
    """All of a sample in each step."""

    def __init__(self, labelled: Labelled) -> None:
        self._labelled = labelled

    def at(self, steps: Sequence[int]) -> Labelled:
        """See :class:`MiniBatches`."""
        del steps
        return self._labelled


class _Subsets:
    """``size`` different sequences of a sample in each step."""

    def __init__(self, seeds: Sequence[int], labelled: Labelled, size: int) -> None:
        self._seeds, self._labelled, self._size = seeds, labelled, size

    def at(self, steps: Sequence[int]) -> Labelled:
        """See :class:`MiniBatches`."""
        count, device = self._labelled[0].shape[2], self._labelled[0].device
        chosen = np.stack([
            _generator(seed, step, _TRAINING).choice(count, self._size, replace=False, shuffle=False)
            for seed, step in zip(self._seeds, steps, strict=True)
        ])  # fmt: skip
        index = moved(chosen, torch.int64, device)
        inputs, labels = (part[0][:, index].transpose(0, 1) for part in self._labelled)
        return inputs, labels
