"""Reproduction: an experiment run again, with every array compared to the original.

The grade is the agreement to require: *bitwise* if both ran on the same build, processor, number of
threads and device, otherwise *tolerance*: the teacher's response, the students' responses and their
parameters should agree to :data:`TOLERANCE` of their largest entry. The other arrays amplify
rounding; their deviations are reported but not judged.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.result import ExperimentResult
from extrapolab.client.handles.experiment import Experiment
from extrapolab.errors import Conflict

TOLERANCE: Mapping[str, float] = {"float64": 1e-7, "float32": 1e-3}
"""By dtype, relative to an array's largest entry."""

JUDGED_BY_TOLERANCE = ("teacher_response", "response", "parameters")
"""Prefixes of the arrays that are judged by tolerance."""

Grade = Literal["bitwise", "tolerance"]


@dataclass(frozen=True)
class Deviation:
    """The deviation of one array from the original, over all seeds.

    Attributes:
        array: Its name.
        largest: The largest difference of two entries; infinite if only one of them is finite, or
            if the shapes differ.
        relative: The same relative to the array's largest entry.
        passed: Whether it is within the grade; None if it isn't judged.
    """

    array: str
    largest: float
    relative: float
    passed: bool | None


@dataclass(frozen=True)
class Reproduction:
    """The comparison of an experiment with its original.

    Attributes:
        original: The original's id.
        again: The id of the experiment that ran again.
        grade: The required agreement.
        differs: Parts of their provenance that differ.
        deviations: One per array.
    """

    original: str
    again: str
    grade: Grade
    differs: tuple[str, ...]
    deviations: tuple[Deviation, ...]

    @property
    def passed(self) -> bool:
        """Whether every judged array passed."""
        return all(deviation.passed is not False for deviation in self.deviations)

    @property
    def sentence(self) -> str:
        """The verdict and the required agreement."""
        verdict = "reproduced" if self.passed else "NOT reproduced"
        if self.grade == "bitwise":
            return (
                f"{verdict}; every bit had to agree, "
                "because build, processor, threads and device were the same"
            )
        return f"{verdict} up to rounding; these differ: {', '.join(self.differs)}"


def require_reproducible(experiment: Experiment) -> None:
    """Refuses an experiment that has no result of this lab to reproduce.

    Raises:
        Conflict: It was imported, or is not completed.
    """
    if experiment.record.source == "import":
        raise Conflict(
            409,
            f"{experiment.id} was imported, so this lab never ran it; "
            "submit its spec to run it here.",
        )
    if experiment.state != "completed":
        raise Conflict(
            409,
            f"{experiment.id} is {experiment.state}; "
            "only a completed experiment can be reproduced.",
        )


def verify(original: Experiment, again: Experiment) -> Reproduction:
    """Compares a completed experiment with the original.

    Raises:
        Conflict: One of them is not completed.
    """
    record, other_record = original.record, again.refresh().record
    provenance, other_provenance = record.provenance or {}, other_record.provenance or {}
    differs = tuple(
        name
        for name in sorted(provenance.keys() | other_provenance.keys())
        if provenance.get(name) != other_provenance.get(name)
    )
    grade: Grade = "tolerance" if differs or not provenance else "bitwise"
    tolerance = TOLERANCE[record.spec.numerics.dtype]
    arrays, other_arrays = dict(_arrays(original)), dict(_arrays(again))
    missing = np.empty(0)
    deviations = tuple(
        _deviation(
            name, arrays.get(name, missing), other_arrays.get(name, missing), grade, tolerance
        )
        for name in dict.fromkeys((*arrays, *other_arrays))
    )
    return Reproduction(original.id, again.id, grade, differs, deviations)


def _arrays(experiment: Experiment) -> Iterator[tuple[str, np.ndarray]]:
    """Yields every computed array by name; those of all seeds are concatenated."""
    result = experiment.result()
    yield "teacher_response", np.array(result.teacher_response, np.float64).ravel()
    for name in ("response", "hankel_singular_values", "eigenvalues"):
        yield name, _concatenated([getattr(run, name) for run in result.runs])
    for name in result.runs[0].parameters:
        yield f"parameters.{name}", _concatenated([run.parameters[name] for run in result.runs])
    yield "steps", _concatenated([[run.steps] for run in result.runs])
    yield from _summaries(result)
    for name, column in experiment.series().items():
        if name not in {"seed", "step"}:
            yield f"series.{name}", column.astype(np.float64)


def _summaries(result: ExperimentResult) -> Iterator[tuple[str, np.ndarray]]:
    for name in result.runs[0].summary:
        values = [[run.summary.get(name, math.nan)] for run in result.runs]
        yield f"summary.{name}", _concatenated(values)


def _concatenated(parts: Sequence[object]) -> np.ndarray:
    return np.concatenate([np.array(part, np.float64).ravel() for part in parts])


def _deviation(
    name: str, first: np.ndarray, second: np.ndarray, grade: Grade, tolerance: float
) -> Deviation:
    if first.shape != second.shape:
        return Deviation(name, math.inf, math.inf, passed=False)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(first - second))
    largest = float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))
    scale = float(np.abs(first[np.isfinite(first)]).max(initial=0.0))
    relative = 0.0 if largest == 0 else largest / scale if scale else math.inf
    if grade == "bitwise":
        return Deviation(name, largest, relative, bool(same.all()))
    is_judged = name.startswith(JUDGED_BY_TOLERANCE)
    return Deviation(name, largest, relative, relative <= tolerance if is_judged else None)
