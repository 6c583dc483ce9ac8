"""Reproduction: an experiment run again, and every array of it held against the first.

The grade is what may be asked for: *bitwise* where both ran on the same build, processor, number of
threads and device,
else *tolerance*: then the teacher's response, the students' and their parameters should agree to
:data:`TOLERANCE` of their largest entry, and the other arrays, which magnify rounding, are told and
not judged.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.result import ExperimentResult
from extrapolab.client.experiment import Experiment

TOLERANCE: Mapping[str, float] = {"float64": 1e-7, "float32": 1e-3}
"""By dtype, in units of an array's largest entry."""

JUDGED = ("teacher_response", "response", "parameters")
"""What arrays that are judged by tolerance begin with."""

Grade = Literal["bitwise", "tolerance"]


@dataclass(frozen=True)
class Deviation:
    """How far one array is from the first, over all seeds.

    Attributes:
        array: Which.
        largest: The largest difference of two entries; infinite where one is finite and the other
            isn't, or where the shapes differ.
        relative: The same in units of the array's largest entry.
        passed: Whether that is allowed; None where it isn't judged.
    """

    array: str
    largest: float
    relative: float
    passed: bool | None


@dataclass(frozen=True)
class Reproduction:
    """What came of running an experiment again.

    Attributes:
        original: The first experiment's id.
        again: The other's.
        grade: What was asked for.
        differs: What isn't the same about where and with what they ran.
        deviations: One for each array.
    """

    original: str
    again: str
    grade: Grade
    differs: tuple[str, ...]
    deviations: tuple[Deviation, ...]

    @property
    def passed(self) -> bool:
        """Whether every array that is judged is as near as it should be."""
        return all(deviation.passed is not False for deviation in self.deviations)

    @property
    def sentence(self) -> str:
        """The verdict, and what was asked for."""
        verdict = "reproduced" if self.passed else "NOT reproduced"
        if self.grade == "bitwise":
            return f"{verdict}; every bit is to be the same, as build, processor, threads and device are"
        return f"{verdict}, to rounding; these are not the same: {', '.join(self.differs)}"


def verify(original: Experiment, again: Experiment) -> Reproduction:
    """Holds a completed experiment against the first one.

    Raises:
        Conflict: One of them is not completed.
    """
    first, second = original.record, again.refresh().record
    ours, theirs = first.provenance or {}, second.provenance or {}
    differs = tuple(
        sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    )
    grade: Grade = "tolerance" if differs or not ours else "bitwise"
    tolerance = TOLERANCE[first.spec.numerics.dtype]
    pairs = _paired(dict(_arrays(original)), dict(_arrays(again)))
    deviations = tuple(_deviation(name, a, b, grade, tolerance) for name, a, b in pairs)
    return Reproduction(original.id, again.id, grade, differs, deviations)


def _arrays(experiment: Experiment) -> Iterator[tuple[str, np.ndarray]]:
    """Everything that was computed, by name; arrays of several seeds one behind the other."""
    result = experiment.result()
    yield "teacher_response", np.array(result.teacher_response, np.float64).ravel()
    for name in ("response", "hankel_singular_values", "eigenvalues"):
        yield name, _joined([getattr(run, name) for run in result.runs])
    for name in result.runs[0].parameters:
        yield f"parameters.{name}", _joined([run.parameters[name] for run in result.runs])
    yield "steps", _joined([[run.steps] for run in result.runs])
    yield from _summaries(result)
    for name, column in experiment.series().items():
        if name not in {"seed", "step"}:
            yield f"series.{name}", column.astype(np.float64)


def _summaries(result: ExperimentResult) -> Iterator[tuple[str, np.ndarray]]:
    for name in result.runs[0].summary:
        yield f"summary.{name}", _joined([[run.summary.get(name, math.nan)] for run in result.runs])


def _joined(parts: Sequence[object]) -> np.ndarray:
    return np.concatenate([np.array(part, np.float64).ravel() for part in parts])


def _paired(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    nothing = np.empty(0)
    for name in dict.fromkeys((*first, *second)):
        yield name, first.get(name, nothing), second.get(name, nothing)


def _deviation(
    name: str, first: np.ndarray, second: np.ndarray, grade: Grade, tolerance: float
) -> Deviation:
    if first.shape != second.shape:
        return Deviation(name, math.inf, math.inf, False)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(first - second))
    largest = float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))
    size = float(np.abs(first[np.isfinite(first)]).max(initial=0.0))
    relative = 0.0 if largest == 0 else largest / size if size else math.inf
    if grade == "bitwise":
        return Deviation(name, largest, relative, bool(same.all()))
    return Deviation(
        name, largest, relative, relative <= tolerance if name.startswith(JUDGED) else None
    )
