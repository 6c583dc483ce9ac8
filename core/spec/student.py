"""Students: the networks that are trained, and where training starts. :mod:`core.students` builds them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.spec.part import Dim, Matrix, Part, Real, default_kind

Parameter = Literal["A", "B", "C"]
Structure = Literal["symmetric", "general", "diagonal"]


class GaussianStart(Part):
    """Independent Gaussian entries, W_ij ~ N(0, 1).

    general A = scale W/√d; symmetric A = scale (W + Wᵀ)/(2√d); diagonal A = scale diag(N(0, 1));
    B and C = scale N(0, 1)/√d.
    """

    kind: Literal["gaussian"] = "gaussian"
    scale: Annotated[Real, Field(ge=0)] = 1e-3
    balanced: bool = Field(False, strict=True, description="Start with C = Bᵀ.")


class IdentityStart(Part):
    """A = scale I; B and C = N(0, 1)/√d."""

    kind: Literal["identity"]
    scale: Real = 1.0
    balanced: bool = Field(False, strict=True, description="Start with C = Bᵀ.")


class ExplicitStart(Part):
    """The parameters as given, the same for every seed. A tied student may leave C out."""

    kind: Literal["explicit"]
    A: Matrix
    B: Matrix
    C: Matrix | None = None


Start = Annotated[GaussianStart | IdentityStart | ExplicitStart, Field(discriminator="kind"), default_kind("gaussian")]


def _in_order(trained: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    if len(set(trained)) < len(trained):
        raise PydanticCustomError("repeated", "should name each parameter once")
    return tuple(sorted(trained))


class LinearStudent(Part):
    """s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, with ``dim`` states, usually far more than the teacher."""

    kind: Literal["linear"]
    dim: Dim
    structure: Structure = "symmetric"
    tied: bool = Field(False, strict=True, description="C is Bᵀ by construction, not only at the start.")
    trained: Annotated[tuple[Parameter, ...], Field(min_length=1), AfterValidator(_in_order)] = ("A", "B", "C")
    start: Start = GaussianStart()


Student = LinearStudent
"""A union over ``kind`` as soon as there is a second one."""
