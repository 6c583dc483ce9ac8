"""The first half of a figure: its numbers, as a frozen value that is also the figure's JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.errors import ExtrapolabError
from core.result import ExperimentResult, Outcome
from core.spec import ExperimentSpec, LinearStudent, states
from core.spec.experiment import Trajectory
from core.spec.hashing import hashes
from core.statistics import last_values, of_columns, overflow_as_infinite, with_band

Series = Mapping[str, np.ndarray]
"""Recorded points in long form: columns ``seed``, ``step`` and metric names, and trajectories with
further axes."""

MANY = 12
"""Above so many seeds a figure shows their median among thin lines."""


class NotDrawable(ExtrapolabError):
    """This experiment has nothing that the figure could show; the message says why, and what to do where it can."""


class Info(BaseModel):
    """What every figure says of itself.

    Attributes:
        title: What is drawn, in a line.
        source: The set-ups that the numbers come from, shortened.
        caption: What is drawn, and of what, in sentences that could stand below it.
        spec_hashes: Of all experiments that the numbers come from, sorted.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str
    source: str
    caption: str
    spec_hashes: list[str]


class Line(BaseModel):
    """A line."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    x: list[float]
    y: list[float]


class SeedLine(Line):
    """One seed's line."""

    seed: int


def heading(spec: ExperimentSpec, subject: str, shown: str) -> dict[str, Any]:
    """Title, caption and source of a figure of one experiment; ``shown`` says what its lines and marks are."""
    teacher, student = spec.teacher, spec.student
    title = f"{subject}: {teacher.kind} teacher, {student.words} d = {student.dim}, k = {spec.training.length}"
    return {
        "title": f"{spec.name}\n{title}" if spec.name else title,
        "caption": f"{subject}. {shown} {setting(spec)}",
        **origin([spec]),
    }


def setting(spec: ExperimentSpec) -> str:
    """What was trained, and how, in a sentence or two."""
    teacher, student, optimizer = spec.teacher, spec.student, spec.optimizer
    start = student.start
    scale = getattr(start, "scale", None)
    size = "" if scale is None else f" of scale {scale:g}"
    rate = getattr(optimizer, "lr", None)
    way = f"by {optimizer.kind.replace('_', ' ')}" + (
        "" if rate is None else f" at the rate {rate:g}"
    )
    seeds = len(spec.seeds)
    return (
        f"A {student.words} of d = {student.dim} states, from a {start.kind.replace('_', ' ')} start{size}, learned a "
        f"{teacher.kind.replace('_', ' ')} teacher of d̂ = {states(teacher)} states {way} from sequences of length "
        f"k = {spec.training.length}; horizon q = {spec.horizon}, {seeds} {'seed' if seeds == 1 else 'seeds'}."
    )


def origin(specs: Sequence[ExperimentSpec]) -> dict[str, Any]:
    """Where what is drawn comes from: ``source`` with set-up hashes in short, and ``spec_hashes``."""
    names = [hashes(spec) for spec in specs]
    setups = sorted({setup[:12] for setup, _ in names})
    shown = ", ".join(setups[:3]) + (f" and {len(setups) - 3} more" if len(setups) > 3 else "")
    return {
        "source": f"Extrapolab, set-up {shown}",
        "spec_hashes": sorted({name for _, name in names}),
    }


def linear_student(spec: ExperimentSpec) -> LinearStudent:
    """The student; raises NotDrawable where it is none with an A."""
    if not isinstance(spec.student, LinearStudent):
        raise NotDrawable(
            f"a {spec.student.kind} student has no A, B and C, so there is nothing to draw"
        )
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
    if not len(values):
        return Line(x=[], y=[])
    median, _, _ = with_band(of_columns(overflow_as_infinite(values)), "median", "none")
    return Line(x=x.tolist(), y=median.tolist())


def held(lines: Sequence[SeedLine]) -> tuple[np.ndarray, np.ndarray]:
    """All steps of the lines, and (lines, steps) what each has there: its last value once it has ended."""
    lines = [line for line in lines if line.x]
    x = np.unique(np.concatenate([line.x for line in lines])) if lines else np.empty(0)
    values = [last_values(line.x, line.y, x[x >= line.x[0]]) for line in lines]
    padded = [np.pad(y, (len(x) - len(y), 0), constant_values=np.nan) for y in values]
    return x, np.array(padded).reshape(-1, len(x))
