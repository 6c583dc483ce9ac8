"""Training data: the length of the sequences, the outputs in the loss, and the loss.

Every loss has the form L = eᵀ M e with e_j = h_j - ĥ_j for j < k; :mod:`core.losses` computes M.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from core.spec.part import MAX_LENGTH, SHORT_KIND, Matrix, Part, Real, Seed, Whole, default_kind


class Ar1Covariance(Part):
    """E[x_s x_t] = rho^{|s - t|}."""

    kind: Literal["ar1"]
    rho: Annotated[Real, Field(gt=-1, lt=1)] = Field(
        description="Correlation of neighbouring inputs."
    )


class ExplicitCovariance(Part):
    """E[x xᵀ] as given: k x k, symmetric, positive semidefinite, index 0 the oldest input."""

    kind: Literal["explicit"]
    matrix: Matrix = Field(description="k x k.")


Covariance = Annotated[Ar1Covariance | ExplicitCovariance, Field(discriminator="kind"), SHORT_KIND]


class PopulationLoss(Part):
    """The expectation over inputs with the given covariance; by default white, E[x xᵀ] = I."""

    kind: Literal["population"] = "population"
    covariance: Covariance | None = Field(
        None, description="Covariance of the inputs. Default: white inputs."
    )


class FiniteSampleLoss(Part):
    """The mean over N input sequences.

    Either drawn (``sequences``, ``distribution``, ``seed``) or given (``inputs``).
    """

    kind: Literal["finite_sample"]
    sequences: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="N, the number of sequences to draw."
    )
    distribution: Literal["gaussian", "rademacher"] = Field(
        "gaussian",
        description="Distribution of the drawn inputs: N(0, 1), or ±1 with equal probability.",
    )
    seed: Seed = Field(0, description="Draws the inputs and the noise.")
    inputs: Matrix | None = Field(
        None, description="N x k, in time order: column 0 is the oldest input."
    )
    noise: Annotated[Real, Field(ge=0)] = Field(
        0.0,
        exclude_if=lambda noise: not noise,  # as specs hashed before it had no such field
        description="Standard deviation of independent Gaussian noise on every label, drawn by "
        "`seed`. The loss is then counted from its least value, which the least-squares response "
        "has. For linear students of linear teachers.",
    )

    @model_validator(mode="after")
    def _drawn_or_given(self) -> Self:
        if (self.sequences is None) == (self.inputs is None):
            raise PydanticCustomError(
                "one_of", "give either sequences (a number to draw) or inputs (N x k)"
            )
        return self


class SecondMomentLoss(Part):
    """M itself: k x k, symmetric, positive semidefinite, index j the lag."""

    kind: Literal["second_moment"]
    matrix: Matrix = Field(description="k x k.")


Loss = Annotated[
    PopulationLoss | FiniteSampleLoss | SecondMomentLoss,
    Field(discriminator="kind"),
    default_kind("population"),
]


class Training(Part):
    """Training sequences of ``length`` k, and the loss on them."""

    length: Annotated[Whole, Field(ge=1, le=MAX_LENGTH)] = Field(
        description="k, the length of the training sequences."
    )
    outputs: Literal["last", "all"] = Field(
        "last", description="Loss of the last output, or the mean over all k outputs."
    )
    loss: Loss = Field(PopulationLoss(), description="The loss that is minimised.")


def has_white_inputs(training: Training) -> bool:
    """Whether the loss is the expectation over white inputs, whose loss matrix is diagonal."""
    return isinstance(training.loss, PopulationLoss) and training.loss.covariance is None
