"""Teachers: the systems to be learned. :mod:`core.teachers` builds them.

A teacher has its own seed, so that all seeds of an experiment learn the same system.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from core.labels import how_many
from core.spec.bounds import Bounded
from core.spec.part import (
    MAX_DIM,
    MAX_LENGTH,
    SHORT_KIND,
    Dim,
    Matrix,
    Part,
    Real,
    Seed,
    Vector,
    Whole,
    default_kind,
)

EigenvalueBound = Annotated[Real, Field(ge=-10, le=10)]


class UniformEigenvalues(Part):
    """Eigenvalues drawn independently and uniformly from [low, high]."""

    kind: Literal["uniform"] = "uniform"
    low: EigenvalueBound = Field(-1.0, description="Lower end of the interval.")
    high: EigenvalueBound = Field(1.0, description="Upper end of the interval.")

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low > self.high:
            raise PydanticCustomError("low_above_high", "low should not be above high")
        return self


class ListedEigenvalues(Part):
    """Eigenvalues as given."""

    kind: Literal["list"]
    values: Annotated[tuple[Real, ...], Field(min_length=1, max_length=MAX_DIM), Bounded()] = Field(
        description="The poles λ_i."
    )


Eigenvalues = Annotated[
    UniformEigenvalues | ListedEigenvalues, Field(discriminator="kind"), default_kind("uniform")
]


class _SymmetricTeacher(Part):
    """A symmetric teacher in its eigenbasis: A = diag(λ), |B| = |C| = 1 without ``weights``."""

    dim: Dim = Field(
        5, description="State dimension d̂. Default: the number of listed eigenvalues, else 5."
    )
    eigenvalues: Eigenvalues = Field(
        UniformEigenvalues(), description="The poles λ_i of the teacher."
    )
    weights: Vector | None = Field(
        None,
        description="The weights w_i of h_j = Σ_i w_i λ_i^j, instead of drawn B and C.",
        min_length=1,
        max_length=4096,
    )
    seed: Seed = Field(0, description="Draws the parameters that are not given.")

    @model_validator(mode="before")
    @classmethod
    def _take_dim_from_list(cls, given: object) -> object:
        if isinstance(given, dict) and "dim" not in given:
            eigenvalues = given.get("eigenvalues")
            values = eigenvalues.get("values") if isinstance(eigenvalues, dict) else None
            listed = values or given.get("weights")
            if isinstance(listed, list | tuple):
                return {**given, "dim": len(listed)}
        return given

    @model_validator(mode="after")
    def _lists_have_dim_entries(self) -> Self:
        if (
            isinstance(self.eigenvalues, ListedEigenvalues)
            and len(self.eigenvalues.values) != self.dim
        ):
            raise PydanticCustomError(
                "wrong_count",
                "dim is {dim}, but eigenvalues.values has {entries}",
                {"dim": self.dim, "entries": how_many(len(self.eigenvalues.values), "number")},
            )
        if self.weights is not None and len(self.weights) != self.dim:
            raise PydanticCustomError(
                "wrong_count",
                "dim is {dim}, but weights has {entries}",
                {"dim": self.dim, "entries": how_many(len(self.weights), "number")},
            )
        return self


class BalancedTeacher(_SymmetricTeacher):
    """A symmetric, B = Cᵀ: h_j = Σ_i w_i λ_i^j with all weights w_i >= 0."""

    kind: Literal["balanced"]

    @model_validator(mode="after")
    def _weights_are_nonnegative(self) -> Self:
        if self.weights is not None and min(self.weights) < 0:
            raise PydanticCustomError(
                "negative_weight",
                "a balanced teacher's weights should be >= 0; use kind 'unbalanced' otherwise",
            )
        return self


class UnbalancedTeacher(_SymmetricTeacher):
    """A symmetric, B and C drawn independently: the weights w_i = C_i B_i have either sign."""

    kind: Literal["unbalanced"]


class MemorylessTeacher(Part):
    """h = (gain, 0, 0, ...): A = 0 (1 x 1), B = 1, C = gain."""

    kind: Literal["memoryless"]
    gain: Real = Field(1.0, description="The response to the last input.")


class DelayTeacher(Part):
    """h_lag = 1 and 0 elsewhere: a shift register of lag + 1 states."""

    kind: Literal["delay"]
    lag: Annotated[Whole, Field(ge=0, le=4095)] = Field(
        4, description="Time steps between an input and its output."
    )


class RotationTeacher(Part):
    """h_j = radius^j cos(j angle): a plane rotation; radius 1 never forgets."""

    kind: Literal["rotation"]
    angle: Real = Field(math.pi / 5, description="Radians per time step.")
    radius: Annotated[Real, Field(ge=0, le=10)] = Field(
        1.0, description="Factor on the response per time step."
    )


class RandomTeacher(Part):
    """A with N(0, 1) entries, scaled to the spectral radius; B and C random unit vectors."""

    kind: Literal["random"]
    dim: Dim = Field(5, description="State dimension d̂.")
    spectral_radius: Annotated[Real, Field(ge=0, le=10)] = Field(
        0.9, description="The largest |eigenvalue| of A."
    )
    seed: Seed = Field(0, description="Draws the parameters that are not given.")


class ExplicitReadout(Part):
    """A network without biases after C: y = W_n relu(... relu(W_1 C s)). W_1 has p columns."""

    weights: Annotated[tuple[Matrix, ...], Field(min_length=1, max_length=8)] = Field(
        description="The matrices W_1 .. W_n."
    )


class ExplicitTeacher(Part):
    """The matrices as given."""

    kind: Literal["explicit"]
    A: Matrix = Field(description="d̂ x d̂.")
    B: Matrix = Field(description="d̂ x m, for m inputs.")
    C: Matrix = Field(description="p x d̂, for p outputs.")
    readout: ExplicitReadout | None = Field(None, description="A network after C. Default: none.")


class RecurrentTeacher(Part):
    """A one-layer non-linear network, y_t = C s_{t+1}, with PyTorch's initialisation.

    The gates are those of ``torch.nn.GRU``, ``LSTM`` and ``RNN``; ``seed`` draws the parameters.
    With ``memory`` T the teacher remembers for up to about T time steps: the gates that keep the
    state of a GRU or an LSTM have biases ln u, u uniform on [1, T - 1] (chrono initialisation,
    Tallec and Ollivier 2018); the recurrent weights of a tanh RNN have spectral radius 1 - 1/T.
    """

    kind: Literal["gru", "lstm", "tanh_rnn"]
    dim: Dim = Field(10, description="State dimension d̂.")
    seed: Seed = Field(0, description="Draws the parameters that are not given.")
    memory: Annotated[Real, Field(ge=2, le=MAX_LENGTH)] | None = Field(
        None,
        description="T, in time steps. Default: PyTorch's initialisation, which forgets within a "
        "few.",
        exclude_if=lambda memory: memory is None,  # as specs hashed before it had no such field
    )


LinearTeacher = (
    BalancedTeacher
    | UnbalancedTeacher
    | MemorylessTeacher
    | DelayTeacher
    | RotationTeacher
    | RandomTeacher
    | ExplicitTeacher
)

Teacher = Annotated[LinearTeacher | RecurrentTeacher, Field(discriminator="kind"), SHORT_KIND]


def channels(teacher: Teacher) -> tuple[int, int]:
    """Returns (m, p), the number of inputs and outputs of the teacher and of its students."""
    if isinstance(teacher, ExplicitTeacher):
        outputs = teacher.C if teacher.readout is None else teacher.readout.weights[-1]
        return len(teacher.B[0]), len(outputs)
    return 1, 1


def states(teacher: Teacher) -> int:
    """Returns d̂, the teacher's state dimension."""
    match teacher:
        case ExplicitTeacher():
            return len(teacher.A)
        case DelayTeacher():
            return teacher.lag + 1
        case RotationTeacher():
            return 2
        case MemorylessTeacher():
            return 1
        case _:
            return teacher.dim
