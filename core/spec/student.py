"""Students: the networks to be trained, and their initial parameters.

:mod:`core.students` builds them.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.labels import value_words
from core.spec.bounds import Bounded
from core.spec.part import SHORT_KIND, Dim, Line, Matrix, Part, Real, Seed, Whole, default_kind

Parameter = Literal["A", "B", "C"]
Structure = Literal["symmetric", "general", "diagonal"]


class GaussianStart(Part):
    """Independent Gaussian entries, W_{ij} ~ N(0, 1).

    general A = scale W/√d; symmetric A = scale (W + Wᵀ)/(2√d); diagonal A = scale diag(N(0, 1));
    B and C = scale N(0, 1)/√d.
    """

    kind: Literal["gaussian"] = "gaussian"
    scale: Annotated[Real, Field(ge=0)] = Field(
        1e-3, description="Scale of all entries: 0.001 is near zero, 1 is large."
    )
    balanced: bool = Field(False, strict=True, description="Start with C = Bᵀ.")


class IdentityStart(Part):
    """A = scale I; B and C = N(0, 1)/√d."""

    kind: Literal["identity"]
    scale: Real = Field(1.0, description="Diagonal of A.")
    balanced: bool = Field(False, strict=True, description="Start with C = Bᵀ.")


class ExplicitStart(Part):
    """The parameters as given, the same for every seed. C is optional for a tied student."""

    kind: Literal["explicit"]
    A: Matrix = Field(description="d x d.")
    B: Matrix = Field(description="d x m.")
    C: Matrix | None = Field(None, description="p x d; absent for a tied student.")


class WarmStart(Part):
    """Falling poles with a gap after the first: the start of the poisoning experiments.

    a = ``scale`` |draws| sorted in falling order, a_2 := a_1 - ``gap``; B and C use ``scale_bc``
    and ``gap_bc`` in the same way; then ``warm`` is added to a and B, not to C. ``fixed`` fills B
    and C with that number instead. A = diag(a) for every structure. For students with one input
    and one output. Source: Slutzky et al. (2025).
    """

    kind: Literal["warm"]
    scale: Annotated[Real, Field(ge=0)] = Field(
        1e-3, description="Scale of the draws of A's poles."
    )
    scale_bc: Annotated[Real, Field(ge=0)] = Field(
        1e-3, description="Scale of the draws of B and C."
    )
    gap: Annotated[Real, Field(ge=0)] = Field(
        0.0, description="Gap between the first and the second pole."
    )
    gap_bc: Annotated[Real, Field(ge=0)] = Field(0.0, description="The same gap in B and in C.")
    warm: Annotated[Real, Field(ge=0)] = Field(0.0, description="Added to all poles and to B.")
    fixed: Real | None = Field(None, description="Fills B and C instead of draws.")
    sort_c: bool = Field(
        True,
        strict=True,
        exclude_if=lambda sort_c: sort_c is True,  # as specs hashed before it had no such field
        description="Sort C and give it a gap, as B. The public code does neither: there C is "
        "|draws| in the order drawn.",
    )
    distribution: Literal["gaussian", "uniform"] = Field(
        "gaussian", description="N(0, 1), or uniform on [0, 1)."
    )
    generator: Literal["pcg64", "mt19937"] = Field(
        "pcg64",
        description="Random generator: NumPy's default, or its legacy RandomState (seeds modulo "
        "2³²), which drew the published experiments.",
    )


class WideStart(Part):
    """The start of the infinite-width analysis (Emami et al. 2021).

    A = √variance_a W/√d, B = √variance_b N(0, 1), C = √variance_c N(0, 1)/√d. With
    ``optimizer.rates`` A = 1/d, B = 1, C = 1/d, GD is GD over W, B̃ and C̃ in the parametrisation
    h_j = d^-½ C̃ (W/√d)^j B̃.
    """

    kind: Literal["wide"]
    variance_a: Annotated[Real, Field(ge=0)] = Field(
        0.3, description="Variance of the entries of A, times d."
    )
    variance_b: Annotated[Real, Field(ge=0)] = Field(
        1.0, description="Variance of the entries of B."
    )
    variance_c: Annotated[Real, Field(ge=0)] = Field(
        1.0, description="Variance of the entries of C, times d."
    )


class CounterexampleStart(Part):
    """The paper's negative result: h_0 .. h_{k-1} fit exactly, and h_k is off by ``beyond``.

    A is diagonal with k + 1 distinct poles, drawn near Chebyshev nodes of [-1, 1]; all other
    entries are zero. Needs d > k, one input, one output, and a student that is not tied.
    """

    kind: Literal["counterexample"]
    beyond: Real = Field(1.0, description="How far h_k is from the teacher's.")


class FromExperimentStart(Part):
    """The final parameters of a completed experiment's run; by default that of the same seed."""

    kind: Literal["from_experiment"]
    id: Annotated[Line, Field(min_length=1, max_length=100)] = Field(
        description="Id of a completed experiment with an equally large student."
    )
    seed: Seed | None = Field(
        None, description="Seed of the run to start from. Default: the new run's own."
    )


class DefaultStart(Part):
    """PyTorch's initialisation: every entry uniform on [-1/√d, 1/√d]."""

    kind: Literal["default"] = "default"


Start = Annotated[
    GaussianStart
    | IdentityStart
    | WarmStart
    | WideStart
    | CounterexampleStart
    | ExplicitStart
    | DefaultStart
    | FromExperimentStart,
    Field(discriminator="kind"),
    default_kind("gaussian"),
]


class ScaledStart(Part):
    """Every entry of every parameter N(0, scale²/d)."""

    kind: Literal["gaussian"]
    scale: Annotated[Real, Field(ge=0)] = Field(
        1e-3, description="Standard deviation of the entries, times √d."
    )


RecurrentStart = Annotated[
    DefaultStart | ScaledStart | FromExperimentStart,
    Field(discriminator="kind"),
    default_kind("default"),
]


class Readout(Part):
    """A trained network after C, without biases: y = W_n relu(... relu(W_1 C s)).

    C s has one entry per output of the teacher; there are ``layers`` hidden layers of ``width``.
    Every entry of W_1 .. W_n starts as N(0, scale²).
    """

    width: Annotated[Whole, Field(ge=1, le=4096)] = Field(
        15, description="Units of each hidden layer."
    )
    layers: Annotated[Whole, Field(ge=1, le=8)] = Field(2, description="Number of hidden layers.")
    scale: Annotated[Real, Field(ge=0)] = Field(
        0.1, description="Standard deviation of the weights at the start."
    )


def _in_order(trained: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    if len(set(trained)) < len(trained):
        raise PydanticCustomError("repeated", "should name each parameter once")
    return tuple(sorted(trained))


class LinearStudent(Part):
    """s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, usually with far more states than the teacher."""

    kind: Literal["linear"]
    dim: Dim = Field(description="State dimension d.")
    structure: Structure = Field(
        "symmetric", description="The form of A: symmetric, general (any) or diagonal."
    )
    tied: bool = Field(
        False, strict=True, description="C is Bᵀ by construction, not only at the start."
    )
    trained: Annotated[
        tuple[Parameter, ...],
        Field(min_length=1, max_length=3),
        Bounded(),
        AfterValidator(_in_order),
    ] = Field(("A", "B", "C"), description="The parameters that are trained.")
    start: Start = Field(GaussianStart(), description="Initial parameters.")
    readout: Readout | None = Field(None, description="A trained network after C. Default: none.")

    @property
    def words(self) -> str:
        """A description without the dimension, for titles."""
        return (
            f"{self.structure} student"
            if self.readout is None
            else f"{self.structure} student with a readout"
        )


class RecurrentStudent(Part):
    """A one-layer non-linear network, y_t = C s_{t+1}, with the gates of PyTorch's module."""

    kind: Literal["gru", "lstm", "tanh_rnn"]
    dim: Dim = Field(description="State dimension d.")
    start: RecurrentStart = Field(DefaultStart(), description="Initial parameters.")

    @property
    def words(self) -> str:
        """A description without the dimension, for titles."""
        return f"{value_words(self.kind)} student"


Student = Annotated[LinearStudent | RecurrentStudent, Field(discriminator="kind"), SHORT_KIND]
