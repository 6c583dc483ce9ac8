"""The readout: a network without biases after C, y = W_n relu(... relu(W_1 C s)).

Source: Slutzky et al. (2025), the experiments with a state space model inside a neural network.
"""

from collections.abc import Mapping

from torch import Tensor


def names(layers: int) -> tuple[str, ...]:
    """The names of the weights: W1, W2, .."""
    return tuple(f"W{layer}" for layer in range(1, layers + 1))


def shapes(inputs: int, width: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights by name, for ``hidden`` hidden layers.

    Example:
        >>> shapes(1, 15, 2, 1)
        {'W1': (15, 1), 'W2': (15, 15), 'W3': (1, 15)}
    """
    widths = [inputs, *[width] * hidden, outputs]
    return {name: (widths[i + 1], widths[i]) for i, name in enumerate(names(hidden + 1))}


def apply(weights: Mapping[str, Tensor], values: Tensor) -> Tensor:
    """The readout of ``values`` = C s, (S, N, p); without a weight W1, the values themselves.

    Args:
        weights: Parameters by name, each with a leading axis of seeds; other names are ignored.
        values: C s.
    """
    layers = [weights[name] for name in names(len(weights)) if name in weights]
    for i, weight in enumerate(layers):
        values = (values if i == 0 else values.relu()) @ weight.mT
    return values
