"""Students: the networks that are trained, and where training starts.

:mod:`core.students` builds them.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.spec.part import Dim, Line, Matrix, Part, Real, Seed, Whole, default_kind

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


class WarmStart(Part):
    """Poles in falling order with a gap after the first, as the poisoning experiments begin (Slutzky et al. 2025).

    a = ``scale`` |draws| sorted down, a_2 := a_1 - ``gap``; B and C likewise with ``scale_bc`` and
    ``gap_bc``; ``warm`` is then added to a and B, not to C. With ``fixed`` B and C are filled with
    that number instead. A = diag(a), whatever the structure. For students with one input and one
    output.
    """

    kind: Literal["warm"]
    scale: Annotated[Real, Field(ge=0)] = 1e-3
    scale_bc: Annotated[Real, Field(ge=0)] = 1e-3
    gap: Annotated[Real, Field(ge=0)] = 0.0
    gap_bc: Annotated[Real, Field(ge=0)] = 0.0
    warm: Annotated[Real, Field(ge=0)] = 0.0
    fixed: Real | None = None
    distribution: Literal["gaussian", "uniform"] = Field(
        "gaussian", description="N(0, 1), or uniform on [0, 1)."
    )
    generator: Literal["pcg64", "mt19937"] = Field(
        "pcg64",
        description="What a seed means: NumPy's default generator, or its legacy RandomState (seeds modulo 2³²), which "
        "the published experiments were drawn with.",
    )


class WideStart(Part):
    """The start of the infinite-width analysis (Emami et al. 2021): A = √variance_a W/√d, B = √variance_b N(0, 1).

    C = √variance_c N(0, 1)/√d. With ``optimizer.rates`` A = 1/d, B = 1, C = 1/d, GD on it is GD in
    the parametrisation h_j = d^-½ C̃ (W/√d)^j B̃ over W, B̃ and C̃.
    """

    kind: Literal["wide"]
    variance_a: Annotated[Real, Field(ge=0)] = 0.3
    variance_b: Annotated[Real, Field(ge=0)] = 1.0
    variance_c: Annotated[Real, Field(ge=0)] = 1.0


class CounterexampleStart(Part):
    """Fits the first k responses exactly and fails beyond: h_k is off by ``beyond``.

    The paper's negative result.

    A is diagonal with k + 1 distinct poles, drawn near Chebyshev nodes of [-1, 1]; the rest is
    zero. Needs d > k, one input, one output, and a student that isn't tied.
    """

    kind: Literal["counterexample"]
    beyond: Real = 1.0


class FromExperimentStart(Part):
    """The parameters that a run of a completed experiment ended with; by default that of the same seed."""

    kind: Literal["from_experiment"]
    id: Annotated[Line, Field(min_length=1, max_length=100)]
    seed: Seed | None = None


class DefaultStart(Part):
    """The library's initialisation: every entry uniform on [-1/√d, 1/√d]."""

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
    scale: Annotated[Real, Field(ge=0)] = 1e-3


RecurrentStart = Annotated[
    DefaultStart | ScaledStart | FromExperimentStart,
    Field(discriminator="kind"),
    default_kind("default"),
]


class Readout(Part):
    """A trained network without biases after C: y = W_n relu(... relu(W_1 C s)), every entry N(0, scale²) at the start.

    C s has as many entries as the teacher has outputs; ``layers`` hidden layers of ``width``.
    """

    width: Annotated[Whole, Field(ge=1, le=4096)] = 15
    layers: Annotated[Whole, Field(ge=1, le=8)] = 2
    scale: Annotated[Real, Field(ge=0)] = 0.1


def _in_order(trained: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    if len(set(trained)) < len(trained):
        raise PydanticCustomError("repeated", "should name each parameter once")
    return tuple(sorted(trained))


class LinearStudent(Part):
    """s_{t+1} = A s_t + B x_t, y_t = C s_{t+1}, with ``dim`` states, usually far more than the teacher."""

    kind: Literal["linear"]
    dim: Dim
    structure: Structure = "symmetric"
    tied: bool = Field(
        False, strict=True, description="C is Bᵀ by construction, not only at the start."
    )
    trained: Annotated[tuple[Parameter, ...], Field(min_length=1), AfterValidator(_in_order)] = (
        "A",
        "B",
        "C",
    )
    start: Start = GaussianStart()
    readout: Readout | None = None

    @property
    def words(self) -> str:
        """What it is, in words, without its dimension."""
        return (
            f"{self.structure} student"
            if self.readout is None
            else f"{self.structure} student with a readout"
        )


class RecurrentStudent(Part):
    """A non-linear network of one layer, y_t = C s_{t+1}, the gates as in ``torch.nn.GRU``, ``LSTM`` and ``RNN``."""

    kind: Literal["gru", "lstm", "tanh_rnn"]
    dim: Dim
    start: RecurrentStart = DefaultStart()

    @property
    def words(self) -> str:
        """What it is, in words, without its dimension."""
        return f"{self.kind} student"


Student = Annotated[LinearStudent | RecurrentStudent, Field(discriminator="kind")]
