"""The sizes of students and teachers that run on sequences, and of the sequences."""

import math
from dataclasses import dataclass

from core.spec import (
    ExperimentSpec,
    ExplicitTeacher,
    FiniteSampleLoss,
    GradientFlow,
    LinearStudent,
    PopulationLoss,
    Student,
    Teacher,
    channels,
    states,
)

FRESH_SEQUENCES = 128
"""Sequences per step of each seed, if the inputs are drawn from the population and the spec names
no number."""

_GATES = {"gru": 3, "lstm": 4, "tanh_rnn": 1}
_ELEMENTWISE_FLOP = 40
"""Operations on each gate of each state in a step forwards and back, including exponentials."""


@dataclass(frozen=True)
class Network:
    """The sizes of a student or teacher that runs on sequences: of its parts, and its channels."""

    dim: int
    gates: int
    matrix: int
    readout: tuple[int, ...]
    inputs: int
    outputs: int
    linear: bool

    @property
    def parameters(self) -> int:
        """The number of its parameters."""
        from_input = self.dim * (self.gates * (self.inputs + 2) + self.outputs)
        return self.matrix + from_input + sum(self.readout)

    def unroll_flop(self, sequences: int, length: int) -> float:
        """Operations of running over sequences state by state."""
        elementwise = 0 if self.linear else _ELEMENTWISE_FLOP * self.gates * self.dim
        return float(sequences) * length * (2 * self.parameters + elementwise)

    def output_flop(self, sequences: int, length: int, counted: int) -> float:
        """Operations for the ``counted`` outputs; a linear network convolves its response."""
        if not self.linear:
            return self.unroll_flop(sequences, length)
        taps = length * self.inputs * self.outputs
        return 2.0 * (
            length * self.outputs * self.matrix + sequences * counted * (taps + sum(self.readout))
        )

    def saved_numbers(self, sequences: int, length: int, counted: int) -> float:
        """Numbers that a step forwards saves for the way back."""
        if not self.linear:
            return float(sequences) * length * (self.gates + 3) * self.dim
        taps = counted * length * self.inputs * self.outputs
        hidden = float(sequences) * counted * sum(map(math.isqrt, self.readout))
        return length * self.outputs * self.dim + taps + hidden


def network_of(network: Student | Teacher, dim: int, inputs: int, outputs: int) -> Network:
    """The sizes of a student or teacher with ``dim`` states."""
    gates, diagonal = _GATES.get(network.kind, 1), False
    layers: tuple[int, ...] = ()
    if isinstance(network, ExplicitTeacher) and network.readout is not None:
        layers = tuple(len(weight) * len(weight[0]) for weight in network.readout.weights)
    if isinstance(network, LinearStudent):
        diagonal, readout = network.structure == "diagonal", network.readout
        if readout is not None:
            outer = readout.width * outputs
            layers = (outer, *[readout.width**2] * (readout.layers - 1), outer)
    matrix = dim if diagonal else gates * dim * dim
    return Network(dim, gates, matrix, layers, inputs, outputs, linear=network.kind not in _GATES)


def networks(spec: ExperimentSpec) -> tuple[Network, Network]:
    """The student and the teacher."""
    m, p = channels(spec.teacher)
    return (
        network_of(spec.student, spec.student.dim, m, p),
        network_of(spec.teacher, states(spec.teacher), m, p),
    )


def counted_outputs(spec: ExperimentSpec) -> int:
    """The number of outputs in the loss."""
    return 1 if spec.training.outputs == "last" else spec.training.length


def sequences_of(spec: ExperimentSpec) -> tuple[int, int, bool]:
    """The numbers of sequences of an experiment.

    Returns:
        Those in a step of one seed; those that the loss is reported on besides the evaluation
        sequences; and whether each step draws fresh ones.
    """
    size = None if isinstance(spec.optimizer, GradientFlow) else spec.optimizer.batch_size
    loss = spec.training.loss
    if isinstance(loss, FiniteSampleLoss):
        sample = sample_size(loss)
        return min(size or sample, sample), sample, False
    coloured = isinstance(loss, PopulationLoss) and loss.covariance is not None
    return size or FRESH_SEQUENCES, spec.evaluation.sequences if coloured else 0, True


def sample_size(loss: FiniteSampleLoss) -> int:
    """The number of sequences of a finite sample."""
    return loss.sequences or len(loss.inputs or ())
