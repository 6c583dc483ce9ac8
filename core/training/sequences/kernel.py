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
"""A seed's sequences are cut into so many parts at most, of so many at least, whoever works on
them."""

Work = Callable[[int, int, int, int, networks.Room], None]
"""What is done to one part: a seed's place, the part's, its first sequence, where it ends, the
thread's room."""


class SequenceKernel:
    """A network's outputs, and its loss with the gradient of that."""

    def __init__(self, network: Recurrent) -> None:
        """For a network whose parameters lie in the order of its shapes."""
        self._network = network
        self._threads = ThreadPoolExecutor(os.cpu_count())
        self._rooms: dict[tuple[networks.Sizes, int], networks.Room] = {}

    def gradient(
        self, flat: Tensor, batch: tuple[Tensor, Tensor], seeds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The loss (R,) and its gradient (R, n) at ``flat`` (S, n), of R of the ``seeds``, counted from 0.

        See :class:`core.training.sequences.gradient.SequenceGradient`.
        """
        theta = flat.contiguous().numpy()
        inputs, labels = (part.contiguous().numpy() for part in batch)
        _, length, sequences, _ = inputs.shape
        cuts = _cuts(sequences)
        losses = np.empty((len(seeds), len(cuts) - 1), theta.dtype)
        gradients = np.empty((*losses.shape, theta.shape[1]), theta.dtype)
        sizes = networks.sizes_of(self._network, length, sequences, theta.dtype)

        def work(place: int, i: int, begin: int, end: int, room: networks.Room) -> None:
            seed = seeds[place]
            given = inputs[seed % len(inputs)], labels[seed % len(labels)]
            into = gradients[place, i]
            losses[place, i] = networks.loss_and_gradient(
                theta[seed], *given, begin, end, into, room, sizes
            )

        self._over_parts(work, len(seeds), cuts, sizes, theta.dtype)
        return losses.sum(1), gradients.sum(1)

    def outputs(self, flat: Tensor, inputs: Tensor, *, last: bool) -> Tensor:
        """The outputs (S, k, N, p) for inputs (S, k, N, m) of one network at ``flat`` (n,), or the last alone."""
        theta, given = flat.numpy(), inputs.contiguous().numpy()
        seeds, length, sequences, _ = given.shape
        made = np.empty(
            (seeds, 1 if last else length, sequences, self._network.outputs_), theta.dtype
        )
        sizes = networks.sizes_of(
            self._network, 1, sequences, theta.dtype
        )  # each step forgets the one before

        def work(seed: int, _: int, begin: int, end: int, room: networks.Room) -> None:
            networks.outputs(theta, given[seed], begin, end, made[seed], room, sizes)

        self._over_parts(work, seeds, _cuts(sequences), sizes, theta.dtype)
        return torch.from_numpy(made)

    def _over_parts(
        self,
        work: Work,
        seeds: int,
        cuts: list[int],
        sizes: networks.Sizes,
        dtype: np.dtype[np.floating],
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
    return (
        SequenceKernel(network) if isinstance(network, Recurrent) and device.type == "cpu" else None
    )


def _cuts(sequences: int) -> list[int]:
    """Where parts begin and end."""
    parts = max(1, min(_PARTS, sequences // _PART))
    return [sequences * i // parts for i in range(parts + 1)]
