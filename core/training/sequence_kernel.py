"""Non-linear networks on a CPU: compiled, parts of each seed's sequences on several threads.

A seed's numbers do not depend on its company, nor on how many threads there are, to the bit.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from core.networks import Network, Recurrent
from core.training.loops import networks

_PARTS, _PART = 4, 128
"""A seed's sequences are cut into so many parts at most, of so many at least, whoever works on them."""

Work = Callable[[int, int, int, int, networks.Room], None]
"""What is done to one part: a seed, the part's number, its first sequence, where it ends, room of the thread."""


class SequenceKernel:
    """A network's outputs, and the gradient of its loss: :class:`core.training.sequence_gradient.OnSequences`."""

    def __init__(self, network: Recurrent) -> None:
        """For a network whose parameters lie in the order of its shapes."""
        self._network = network
        self._threads = ThreadPoolExecutor(os.cpu_count())
        self._rooms: dict[tuple[networks.Sizes, int], networks.Room] = {}

    def __call__(self, flat: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The loss (S,) and its gradient (S, n) at ``flat`` (S, n)."""
        theta = flat.contiguous().numpy()
        inputs, labels = (part.contiguous().numpy() for part in batch)
        sizes, cuts = self._sizes(inputs), _cuts(inputs.shape[2])
        losses = np.empty((len(theta), len(cuts) - 1), theta.dtype)
        gradients = np.empty((*losses.shape, theta.shape[1]), theta.dtype)

        def work(seed: int, i: int, begin: int, end: int, room: networks.Room) -> None:
            given = inputs[seed % len(inputs)], labels[seed % len(labels)]
            into = gradients[seed, i]
            losses[seed, i] = networks.loss_and_gradient(theta[seed], *given, begin, end, into, room, sizes)

        self._over_parts(work, len(theta), cuts, sizes, theta.dtype)
        return torch.from_numpy(losses.sum(1)), torch.from_numpy(gradients.sum(1))

    def outputs(self, flat: Tensor, inputs: Tensor, *, last: bool) -> Tensor:
        """The outputs (S, k, N, p) for inputs (S, k, N, m) of one network, or the last alone, at ``flat`` (n,)."""
        theta, given = flat.numpy(), inputs.contiguous().numpy()
        sizes, (seeds, length, sequences, _) = self._sizes(given), given.shape
        made = np.empty((seeds, 1 if last else length, sequences, self._network.outputs_), theta.dtype)

        def work(seed: int, _: int, begin: int, end: int, room: networks.Room) -> None:
            networks.outputs(theta, given[seed], begin, end, made[seed], room, sizes)

        self._over_parts(work, seeds, _cuts(sequences), sizes, theta.dtype)
        return torch.from_numpy(made)

    def _sizes(self, inputs: np.ndarray) -> networks.Sizes:
        _, length, sequences, _ = inputs.shape
        return networks.sizes_of(self._network, length, sequences, inputs.dtype)

    def _over_parts(
        self, work: Work, seeds: int, cuts: list[int], sizes: networks.Sizes, dtype: np.dtype[np.floating]
    ) -> None:
        """Does the work on every part of every seed."""
        parts = [(seed, i, *ends) for seed in range(seeds) for i, ends in enumerate(pairwise(cuts))]
        threads = min(torch.get_num_threads(), len(parts))

        def share(thread: int) -> None:
            if (sizes, thread) not in self._rooms:
                self._rooms[sizes, thread] = networks.room_for(sizes, dtype)
            for part in parts[thread::threads]:
                work(*part, self._rooms[sizes, thread])

        if threads == 1:
            share(0)
        else:
            list(self._threads.map(share, range(threads)))


def kernel_of(network: Network, device: torch.device) -> SequenceKernel | None:
    """The kernel of a network that the compiled loops know, on a device that they run on."""
    return SequenceKernel(network) if isinstance(network, Recurrent) and device.type == "cpu" else None


def _cuts(sequences: int) -> list[int]:
    """Where parts begin and end."""
    parts = max(1, min(_PARTS, sequences // _PART))
    return [sequences * i // parts for i in range(parts + 1)]
