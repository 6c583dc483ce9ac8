"""The experiment: one validated, frozen spec with all its seeds."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.spec.bounds import Bounded, restated
from core.spec.optimizer import GradientDescent, Optimizer
from core.spec.part import MAX_LENGTH, Line, Lines, Part, Real, Seed, Whole
from core.spec.rules import broken_rules
from core.spec.student import LinearStudent, Student
from core.spec.teacher import LinearTeacher, RecurrentTeacher, Teacher
from core.spec.training import Training

MAX_SEEDS = 10_000
MAX_POINTS = 100_000
MAX_HORIZON = 10 * MAX_LENGTH
MAX_NAMES = 64
"""Most names in a list, such as tags or metrics."""

Value = TypeVar("Value")


def _unique(values: tuple[Value, ...]) -> tuple[Value, ...]:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise PydanticCustomError(
            "repeated", "should be unique; {repeated} is repeated", {"repeated": repeated[0]}
        )
    return values


def _sorted_unique(steps: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(steps)))


def _in_order(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted(_unique(names)))


def _count_to_range(given: object) -> object:
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= MAX_SEEDS:
            raise PydanticCustomError(
                "seed_count", "the number of seeds should be from 1 to {most}", {"most": MAX_SEEDS}
            )
        return tuple(range(given))
    return given


Trajectory = Literal["eigenvalues", "response"]
ChosenMetric = Literal[
    "effective_rank",
    "eigenvalue_effective_rank",
    "gauss_newton_sharpness",
    "invariant_drift",
    "sharpness",
    "spectral_distance",
    "spectral_radius",
    "state_effective_rank",
]
Baseline = Literal[
    "era", "balanced_truncation", "subspace", "least_squares", "nuclear_norm", "kernel"
]


class Evaluation(Part):
    """Metrics, recorded steps and baselines."""

    horizon: Annotated[Whole, Field(ge=2, le=MAX_HORIZON)] | None = Field(
        None, description="q: errors are measured for k <= j < q. Default: max(40, 2 k)."
    )
    points: Annotated[Whole, Field(ge=2, le=MAX_POINTS)] = Field(
        200,
        description="Recorded steps: min(points, steps + 1), log-spaced from 0 to the last step.",
    )
    record_at: Annotated[
        tuple[Annotated[Whole, Field(ge=0)], ...],
        Field(max_length=MAX_POINTS),
        Bounded(),
        AfterValidator(_sorted_unique),
    ] = Field((), description="Further steps to record.")
    fit_tolerance: Annotated[Real, Field(gt=0)] = Field(
        1e-3,
        description="A run without a stop rule is fitted if its fit error is at most this fraction "
        "of max |ĥ_j| over j < k.",
    )
    record: Annotated[
        tuple[Trajectory, ...], Field(max_length=MAX_NAMES), Bounded(), AfterValidator(_unique)
    ] = Field(
        (),
        description="Arrays recorded with the metrics: the eigenvalues of A, the response "
        "h_0 .. h_{q-1}.",
    )
    metrics: Annotated[
        Annotated[tuple[ChosenMetric, ...], Field(max_length=MAX_NAMES), Bounded()] | None,
        AfterValidator(_in_order),
    ] = Field(
        None,
        exclude_if=lambda metrics: metrics is None,
        description="Metrics that need a decomposition, to measure besides those of the response. "
        "Default: all but those that would take longer than the training.",
    )
    baselines: Annotated[
        tuple[Baseline, ...], Field(max_length=MAX_NAMES), Bounded(), AfterValidator(_unique)
    ] = Field(
        (),
        description="Methods without gradient descent, applied to the same data for comparison.",
    )
    flow: bool = Field(
        False,
        strict=True,
        description="Integrate gradient flow for the same time and measure how far gd ends from it "
        "(flow_distance).",
    )
    sequences: Annotated[Whole, Field(ge=2, le=100_000)] = Field(
        512,
        description="Fresh Gaussian sequences that measure non-linear students; unused for linear "
        "students.",
    )
    seed: Seed = Field(
        0, description="Seed of the fresh sequences and of those for the subspace baseline."
    )


class Numerics(Part):
    """Floating-point type and device."""

    dtype: Literal["float64", "float32"] = Field(
        "float64", description="Floating-point type of the training."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="`auto` is the first that is free."
    )


Tag = Annotated[Line, Field(min_length=1, max_length=100)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_NAMES), Bounded(), AfterValidator(_unique)]
Name = Annotated[Line, Field(max_length=200)]
Notes = Annotated[Lines, Field(max_length=20_000)]

METADATA = frozenset({"name", "tags", "notes"})
"""Fields that describe an experiment: they can change later and enter no hash."""


class ExperimentSpec(Part):
    """One experiment: a teacher, a student, its training and evaluation, and its seeds.

    Example:
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {
        ...         "kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}
        ...     },
        ...     "student": {"kind": "linear", "dim": 20},
        ...     "training": {"length": 6},
        ... })
        >>> spec.teacher.dim, spec.evaluation.horizon, spec.seeds
        (2, 40, (0, 1, 2, 3, 4))
    """

    name: Name = Field("", description="What people call it. It can change later.")
    tags: Tags = Field((), description="Labels to find it by. They can change later.")
    notes: Notes = Field("", description="Markdown. They can change later.")
    teacher: Teacher = Field(description="The system to be learned.")
    student: Student = Field(description="The network to be trained.")
    training: Training = Field(description="The training sequences and the loss.")
    optimizer: Optimizer = Field(GradientDescent(), description="How the student is trained.")
    evaluation: Evaluation = Field(Evaluation(), description="What is measured, and when.")
    seeds: Annotated[
        tuple[Seed, ...],
        Field(min_length=1, max_length=MAX_SEEDS),
        Bounded(),
        AfterValidator(_unique),
        BeforeValidator(_count_to_range, json_schema_input_type=int | list[int]),
    ] = Field(
        (0, 1, 2, 3, 4),
        description="Unique seeds, or a number n for 0..n-1. A seed draws the start.",
    )
    numerics: Numerics = Field(
        Numerics(), description="Floating-point type and device of the training."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _keep_the_rules(cls, given: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Reports every invalid field and broken rule at once, and fills the default horizon."""
        if isinstance(given, cls):
            return given
        lines: list[InitErrorDetails] = []
        spec: Self | None = None
        try:
            spec = validate(given)
        except ValidationError as error:
            lines += [restated(details) for details in error.errors()]
        raw = given if isinstance(given, Mapping) else {}
        lines += broken_rules(_valid_parts(raw) if spec is None else dict(spec), raw)
        if lines or spec is None:
            raise ValidationError.from_exception_data(cls.__name__, lines)
        if spec.evaluation.horizon is None:
            horizon = max(40, 2 * spec.training.length)
            spec = spec.model_copy(
                update={"evaluation": spec.evaluation.model_copy(update={"horizon": horizon})}
            )
        return spec

    @property
    def horizon(self) -> int:
        """The horizon q, set in every validated spec."""
        assert self.evaluation.horizon is not None  # noqa: S101  # filled on validation
        return self.evaluation.horizon

    @property
    def linear_student(self) -> LinearStudent:
        """The student, where it is known to be linear.

        Raises:
            TypeError: It is another network.
        """
        if not isinstance(self.student, LinearStudent):
            raise TypeError(f"a student of kind {self.student.kind} is not linear")
        return self.student

    @property
    def linear_teacher(self) -> LinearTeacher:
        """The teacher, where it is known to be linear.

        Raises:
            TypeError: It is another network.
        """
        if isinstance(self.teacher, RecurrentTeacher):
            raise TypeError(f"a teacher of kind {self.teacher.kind} is not linear")
        return self.teacher


_PARTS: dict[str, TypeAdapter[Any]] = {
    "teacher": TypeAdapter(Teacher),
    "student": TypeAdapter(Student),
    "training": TypeAdapter(Training),
    "optimizer": TypeAdapter(Optimizer),
    "evaluation": TypeAdapter(Evaluation),
}
_DEFAULTS: dict[str, object] = {"optimizer": {}, "evaluation": {}}


def _valid_parts(given: Mapping[str, object]) -> dict[str, object]:
    parts: dict[str, object] = {}
    for name, adapter in _PARTS.items():
        try:
            parts[name] = adapter.validate_python(given.get(name, _DEFAULTS.get(name)))
        except ValidationError:
            continue  # reported by the whole spec's validation
    return parts
