"""Linear systems as networks: A, B, C and a readout, run on sequences.

C s_{t+1} = Σ_j h_j x_{t-j}: the response h_j = C A^j B takes k matrix-vector products and is
convolved with the inputs. No state is stored, and the cost of A doesn't grow with the number of
sequences.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.networks import readout

Weights = Mapping[str, Tensor]
"""``A`` (S, d, d), or its diagonal (S, d); ``B`` (S, d, m); ``C`` (S, p, d), absent if it is Bᵀ;
``W1`` .. of a readout."""


def response(weights: Weights, length: int) -> Tensor:
    """h_j = C A^j B for j < ``length``, (S, length, p, m), differentiable."""
    A, B = weights["A"], weights["B"]
    rows = [weights.get("C", B.mT)]
    for _ in range(length - 1):
        rows.append(rows[-1] * A[:, None] if A.ndim == 2 else rows[-1] @ A)
    return (torch.cat(rows, 1) @ B).unflatten(1, (length, rows[0].shape[1]))


def outputs(weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
    """The outputs y_0 .. y_{k-1}, or only y_{k-1}, differentiable by the weights.

    Args:
        weights: The parameters.
        inputs: (S, k, N, m), or (1, k, N, m) for all seeds.
        last: Return only y_{k-1}.

    Returns:
        (S, k, N, p), or (S, 1, N, p).
    """
    seeds, (_, length, sequences, m) = len(weights["B"]), inputs.shape
    newest_first = inputs.flip(1).transpose(2, 3).flatten(1, 2).expand(seeds, -1, -1)
    h = response(weights, length)
    if last:
        taps = h.transpose(1, 2)[:, None]
    else:  # taps[t, i] = h_{i-(k-1-t)}, zero if the input k-1-i comes after t
        padded = torch.nn.functional.pad(h, (0, 0, 0, 0, length - 1, 0))
        taps = padded.unfold(1, length, 1).permute(0, 1, 2, 4, 3)
    count, p = taps.shape[1:3]
    convolved = taps.reshape(seeds, count * p, length * m) @ newest_first
    values = convolved.view(seeds, count, p, sequences).transpose(2, 3).flatten(1, 2)
    return readout.apply(weights, values).unflatten(1, (count, sequences))


def unroll(weights: Weights, inputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields s_{t+1} (S, N, d) and y_t (S, N, p) for each t, holding only the current state."""
    A, B = weights["A"], weights["B"]
    C = weights.get("C", B.mT)
    state = B.new_zeros(len(B), inputs.shape[2], B.shape[1])
    for t in range(inputs.shape[1]):
        from_state = state * A[:, None] if A.ndim == 2 else state @ A.mT
        state = from_state + inputs[:, t] @ B.mT
        yield state, readout.apply(weights, state @ C.mT)
