"""The first half of a figure: its numbers, as a frozen value that is also the figure's JSON."""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.errors import ExtrapolabError
from core.result import ExperimentResult, Outcome
from core.spec import ExperimentSpec, LinearStudent, setup_hash
from core.spec.experiment import Trajectory

Series = Mapping[str, np.ndarray]
"""Recorded points in long form: columns ``seed``, ``step`` and metric names, and trajectories with further axes."""

MANY = 12
"""Above so many seeds a figure shows their median among thin lines."""


class NotDrawable(ExtrapolabError):
    """This experiment has nothing that the figure could show; the message says why, and what to do where it can."""


class Info(BaseModel):
    """What every figure says of itself.

    Attributes:
        title: What is drawn, in a line.
        source: The set-ups that the numbers come from.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str
    source: str


class Line(BaseModel):
    """A line."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    x: list[float]
    y: list[float]


class SeedLine(Line):
    """One seed's line."""

    seed: int


def heading(spec: ExperimentSpec, subject: str) -> dict[str, str]:
    """Title and source of a figure of one experiment."""
    teacher, student = spec.teacher, spec.student
    title = f"{subject}: {teacher.kind} teacher, {student.words} d = {student.dim}, k = {spec.training.length}"
    return {"title": f"{spec.name}\n{title}" if spec.name else title, "source": source([spec])}


def source(specs: Sequence[ExperimentSpec]) -> str:
    """The set-up hashes, shortened, of what is drawn."""
    hashes = sorted({setup_hash(spec)[:12] for spec in specs})
    shown = ", ".join(hashes[:3]) + (f" and {len(hashes) - 3} more" if len(hashes) > 3 else "")
    return f"Extrapolab, set-up {shown}"


def linear_student(spec: ExperimentSpec) -> LinearStudent:
    """The student; raises NotDrawable where it is none with an A."""
    if not isinstance(spec.student, LinearStudent):
        raise NotDrawable(f"a {spec.student.kind} student has no A, B and C, so there is nothing to draw")
    return spec.student


def recorded(spec: ExperimentSpec, series: Series, name: Trajectory) -> np.ndarray:
    """The trajectory of that name, in the order of the other columns; raises NotDrawable where there is none."""
    if name == "eigenvalues":
        linear_student(spec)
    if name not in spec.evaluation.record:
        message = f"the experiment did not record its {name}: submit it with evaluation.record: "
        raise NotDrawable(message + str([*spec.evaluation.record, name]).replace("'", '"'))
    return series[name]


def series_line(series: Series, seed: int, metric: str) -> SeedLine:
    """A metric of one seed by step."""
    rows = series["seed"] == seed
    return SeedLine(seed=seed, x=series["step"][rows].tolist(), y=series[metric][rows].tolist())


def diverged(result: ExperimentResult | None) -> list[int]:
    """The seeds that diverged; none as long as there is no result."""
    return [run.seed for run in result.runs if run.outcome is Outcome.DIVERGED] if result else []


def median(lines: Sequence[SeedLine]) -> Line | None:
    """The median of more than :data:`MANY` seeds, else None.

    A seed that has ended keeps its last value; NaN counts as infinite.
    """
    if len(lines) <= MANY:
        return None
    x, values = held(lines)
    with np.errstate(invalid="ignore"):
        middle = np.median(np.where(np.isnan(values), np.inf, values), axis=0) if len(values) else x
    return Line(x=x.tolist(), y=middle.tolist())


def held(lines: Sequence[SeedLine]) -> tuple[np.ndarray, np.ndarray]:
    """All steps of the lines, and (lines, steps) what each has there: its last value once it has ended."""
    lines = [line for line in lines if line.x]
    x = np.unique(np.concatenate([line.x for line in lines])) if lines else np.empty(0)
    values = [np.asarray(line.y)[np.searchsorted(line.x, x[x >= line.x[0]], side="right") - 1] for line in lines]
    padded = [np.pad(y, (len(x) - len(y), 0), constant_values=np.nan) for y in values]
    return x, np.array(padded).reshape(-1, len(x))
