"""The networks of students and teachers on sequences, for a batch of seeds at once.

Axes are seeds S, time, sequences N, channels; S may be 1 if all seeds share the inputs. As
everywhere, y_t = C s_{t+1}: the output at time t already depends on the input at time t.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core import teachers
from core.networks import linear, readout
from core.networks.cells import CELLS
from core.networks.scan import scan, unroll
from core.spec import (
    ExplicitTeacher,
    LinearStudent,
    RecurrentTeacher,
    Student,
    Teacher,
    channels,
    states,
)

Shapes = Mapping[str, tuple[int, ...]]
Weights = Mapping[str, Tensor]


class Network(Protocol):
    """A network without its weights, which are arguments.

    Attributes:
        shapes: The shape of each parameter, without the axis of seeds, in the order in which they
            are stored and drawn.
    """

    @property
    def shapes(self) -> Shapes:
        """See the attributes."""
        ...

    def outputs(self, weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
        """The outputs y_0 .. y_{k-1} (S, k, N, p), or only y_{k-1} (S, 1, N, p), differentiable.

        ``inputs`` are (S or 1, k, N, m).
        """
        ...

    def unroll(self, weights: Weights, inputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields s_{t+1} (S, N, d) and y_t (S, N, p) for each t, without gradient."""
        ...


@dataclass(frozen=True)
class Recurrent:
    """A one-layer GRU, LSTM or tanh RNN with torch's parameter names, and a linear output C.

    Attributes:
        kind: ``gru``, ``lstm`` or ``tanh_rnn``.
        dim: d.
        input_size: m.
        output_size: p.
    """

    kind: str
    dim: int
    input_size: int
    output_size: int

    @property
    def shapes(self) -> Shapes:
        """See :class:`Network`."""
        rows = CELLS[self.kind].gates * self.dim
        return {
            "weight_ih": (rows, self.input_size),
            "weight_hh": (rows, self.dim),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
            "C": (self.output_size, self.dim),
        }

    def outputs(self, weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
        """See :class:`Network`."""
        hidden = scan(CELLS[self.kind], weights, inputs, last=last)
        return (hidden.flatten(1, 2) @ weights["C"].mT).unflatten(1, hidden.shape[1:3])

    def unroll(self, weights: Weights, inputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`Network`."""
        with torch.no_grad():
            for state in unroll(CELLS[self.kind], weights, inputs):
                yield state, state @ weights["C"].mT


@dataclass(frozen=True)
class Linear:
    """s_{t+1} = A s_t + B x_t, y_t = readout(C s_{t+1}).

    Attributes:
        shapes: A is (d, d), or (d,) if it is diagonal; C is absent if it is Bᵀ; then W1 .. of a
            readout.
    """

    shapes: Shapes

    def outputs(self, weights: Weights, inputs: Tensor, *, last: bool) -> Tensor:
        """See :class:`Network`."""
        return linear.outputs(weights, inputs, last=last)

    def unroll(self, weights: Weights, inputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`Network`."""
        with torch.no_grad():
            yield from linear.unroll(weights, inputs)


def of_student(student: Student, inputs: int, outputs: int) -> Network:
    """The network of a student with m ``inputs`` and p ``outputs``."""
    d = student.dim
    if not isinstance(student, LinearStudent):
        return Recurrent(student.kind, d, inputs, outputs)
    shapes: dict[str, tuple[int, ...]] = {
        "A": (d,) if student.structure == "diagonal" else (d, d),
        "B": (d, inputs),
    }
    if not student.tied:
        shapes["C"] = (outputs, d)
    if student.readout is not None:
        shapes |= readout.shapes(outputs, student.readout.width, student.readout.layers, outputs)
    return Linear(shapes)


def of_teacher(teacher: Teacher) -> tuple[Network, dict[str, np.ndarray]]:
    """The network of a teacher and its weights, without an axis of seeds, in float64.

    The seed of a non-linear teacher draws them by :func:`uniform`, then its ``memory``.
    """
    if isinstance(teacher, RecurrentTeacher):
        network = Recurrent(teacher.kind, teacher.dim, *channels(teacher))
        generator = np.random.default_rng(teacher.seed)
        weights = uniform(network.shapes, states(teacher), generator)
        if teacher.memory is not None:
            _lengthen(weights, teacher.kind, teacher.memory, generator)
        return network, weights
    system = teachers.build(teacher)
    weights = {"A": system.A, "B": system.B, "C": system.C}
    if isinstance(teacher, ExplicitTeacher) and teacher.readout is not None:
        layers = teacher.readout.weights
        for name, layer in zip(readout.names(len(layers)), layers, strict=True):
            weights[name] = np.array(layer)
    return Linear({name: weight.shape for name, weight in weights.items()}), weights


_KEEPS = {"gru": 1, "lstm": 1}
"""The block of the gate that keeps the state, z or f, in a weight matrix."""


def _lengthen(
    weights: dict[str, np.ndarray], kind: str, memory: float, generator: np.random.Generator
) -> None:
    """Gives drawn weights a memory of up to about ``memory`` time steps, in place.

    A gate of value u / (1 + u) at rest keeps its state for about u + 1 steps. Source: Tallec and
    Ollivier, "Can recurrent neural networks warp time?" (2018); the tanh RNN is ours.
    """
    if kind not in _KEEPS:
        recurrent = weights["weight_hh"]
        recurrent *= (1 - 1 / memory) / np.abs(np.linalg.eigvals(recurrent)).max()
        return
    dim = weights["C"].shape[1]
    keeps = slice(_KEEPS[kind] * dim, (_KEEPS[kind] + 1) * dim)
    weights["bias_ih"][keeps] = np.log(generator.uniform(1, memory - 1, dim))
    weights["bias_hh"][keeps] = 0
    if kind == "lstm":
        weights["bias_ih"][:dim] = -weights["bias_ih"][keeps]
        weights["bias_hh"][:dim] = 0


def uniform(shapes: Shapes, dim: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Entries uniform on [-1/√d, 1/√d], as ``torch.nn.GRU``, ``LSTM`` and ``RNN`` start."""
    bound = 1 / np.sqrt(dim)
    return {name: generator.uniform(-bound, bound, shape) for name, shape in shapes.items()}
