"""The compiled loops of non-linear networks on a CPU: chunks of sequences on several threads.

No bit of a seed's numbers depends on the other seeds or on the number of threads.
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

_MAX_CHUNKS, _MIN_CHUNK = 4, 128
"""The most chunks that a seed's sequences are cut into, and the fewest sequences of a chunk.

They don't depend on the number of threads.
"""

ChunkFunction = Callable[[int, int, int, int, networks.Workspace], None]
"""Works on one chunk: index of the seed, index of the chunk, first sequence, end, workspace."""


class SequenceKernel:
    """Computes a network's outputs, and its loss with the gradient."""

    def __init__(self, network: Recurrent) -> None:
        """For a network whose parameters are flattened in the order of its shapes."""
        self._network = network
        self._threads = ThreadPoolExecutor(os.cpu_count())
        self._workspaces: dict[tuple[networks.Sizes, int], networks.Workspace] = {}

    def gradient(
        self, flat: Tensor, batch: tuple[Tensor, Tensor], seeds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The loss (R,) and its gradient (R, n) of the R ``seeds``, rows of ``flat`` (S, n).

        See :class:`core.training.sequences.gradient.SequenceGradient`.
        """
        theta = flat.contiguous().numpy()
        inputs, labels = (part.contiguous().numpy() for part in batch)
        _, length, sequences, _ = inputs.shape
        bounds = _chunk_bounds(sequences)
        losses = np.empty((len(seeds), len(bounds) - 1), theta.dtype)
        gradients = np.empty((*losses.shape, theta.shape[1]), theta.dtype)
        sizes = networks.sizes_of(self._network, length, sequences, theta.dtype)

        def compute(
            row: int, chunk: int, begin: int, end: int, workspace: networks.Workspace
        ) -> None:
            seed = seeds[row]
            losses[row, chunk] = networks.loss_and_gradient(
                theta[seed],
                inputs[seed % len(inputs)],
                labels[seed % len(labels)],
                begin,
                end,
                gradients[row, chunk],
                workspace,
                sizes,
            )

        self._map_chunks(compute, len(seeds), bounds, sizes, theta.dtype)
        return losses.sum(1), gradients.sum(1)

    def outputs(self, flat: Tensor, inputs: Tensor, *, last: bool) -> Tensor:
        """The outputs (S, k, N, p) of one network ``flat`` (n,) for inputs (S, k, N, m).

        With ``last``, only the last outputs, (S, 1, N, p).
        """
        theta, sequences = flat.numpy(), inputs.contiguous().numpy()
        seeds, length, count, _ = sequences.shape
        shape = (seeds, 1 if last else length, count, self._network.output_size)
        outputs = np.empty(shape, theta.dtype)
        one_step = 1  # each step overwrites the one before
        sizes = networks.sizes_of(self._network, one_step, count, theta.dtype)

        def compute(seed: int, _: int, begin: int, end: int, workspace: networks.Workspace) -> None:
            networks.outputs(theta, sequences[seed], begin, end, outputs[seed], workspace, sizes)

        self._map_chunks(compute, seeds, _chunk_bounds(count), sizes, theta.dtype)
        return torch.from_numpy(outputs)

    def _map_chunks(
        self,
        compute: ChunkFunction,
        seeds: int,
        bounds: list[int],
        sizes: networks.Sizes,
        dtype: np.dtype[np.floating],
    ) -> None:
        """Calls ``compute`` for every chunk of every seed."""
        chunks = [
            (seed, chunk, begin, end)
            for seed in range(seeds)
            for chunk, (begin, end) in enumerate(pairwise(bounds))
        ]
        threads = min(torch.get_num_threads(), len(chunks))

        def compute_share(thread: int) -> None:
            if (sizes, thread) not in self._workspaces:
                self._workspaces[sizes, thread] = networks.workspace_for(sizes, dtype)
            for chunk in chunks[thread::threads]:
                compute(*chunk, self._workspaces[sizes, thread])

        if threads == 1:
            compute_share(0)
        else:
            list(self._threads.map(compute_share, range(threads)))


def kernel_of(network: Network, device: torch.device) -> SequenceKernel | None:
    """The kernel of a network, if the compiled loops support it on this device."""
    if isinstance(network, Recurrent) and device.type == "cpu":
        return SequenceKernel(network)
    return None


def _chunk_bounds(sequences: int) -> list[int]:
    """The first sequence of each chunk, and the end of the last."""
    chunks = max(1, min(_MAX_CHUNKS, sequences // _MIN_CHUNK))
    return [sequences * i // chunks for i in range(chunks + 1)]
