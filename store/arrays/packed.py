"""Series chunks and results in their stored form.

The trainer packs what it computed, and the worker's slot writes it to SQL without unpacking it.
This module needs no database.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from core.arrays import pack
from core.result import METRICS, SERIES, ExperimentResult, Outcome, Response, RunResult
from core.spec.experiment import Trajectory

KEYS = ("seed", "step")
COLUMNS = (*KEYS, *SERIES)
"""The columns of every series chunk: the seed and step of a point, then its metrics."""

TRAJECTORIES = get_args(Trajectory)
"""Columns with further axes, stored when ``evaluation.record`` asks for them."""

MISSING = float(np.array(0x7FF80000000007A2, np.uint64).view(np.float64))
"""Stands in a column where nothing was recorded: R's NA, a NaN whose bits no calculation gives."""

PARAMETER = "parameters/"
"""Prefix of the names of parameters among a run's final arrays."""


@dataclass(frozen=True)
class SeriesChunk:
    """Recorded points as one row of ``series_chunks``.

    Attributes:
        rows: Number of points.
        first_step: Smallest step among them.
        last_step: Largest step among them.
        payload: The packed columns.
    """

    rows: int
    first_step: int
    last_step: int
    payload: bytes


@dataclass(frozen=True)
class PackedRun:
    """One seed's run as its rows of ``runs`` and ``run_arrays``.

    Attributes:
        seed: The seed that drew the start.
        outcome: How the run ended.
        steps: Number of training steps.
        metrics: The finite metrics of the summary, by name.
        non_finite: The other metrics, each as "NaN", "Infinity" or "-Infinity".
        warnings: Cautions about these numbers.
        arrays: The packed response, eigenvalues, Hankel singular values and parameters.
    """

    seed: int
    outcome: Outcome
    steps: int
    metrics: Mapping[str, float]
    non_finite: Mapping[str, str]
    warnings: tuple[str, ...]
    arrays: bytes


@dataclass(frozen=True)
class PackedResult:
    """A result as its rows in SQL.

    Attributes:
        runs: One per seed.
        teacher_response: The packed array.
        baselines: The baselines as JSON, with words for non-finite numbers.
    """

    runs: tuple[PackedRun, ...]
    teacher_response: bytes
    baselines: tuple[Mapping[str, Any], ...]


def pack_points(points: Mapping[str, np.ndarray]) -> SeriesChunk | None:
    """Packs points in long form, the columns of :data:`COLUMNS`; None if there are no points.

    Raises:
        ValueError: The points aren't equally long columns with the names of :data:`COLUMNS` and of
            trajectories.
    """
    if not points:
        return None
    columns = _checked(points)
    steps = columns["step"]
    if not steps.size:
        return None
    return SeriesChunk(steps.size, int(steps.min()), int(steps.max()), pack(columns))


def pack_result(result: ExperimentResult) -> PackedResult:
    """Packs a result without its series.

    Raises:
        ValueError: A summary has a metric that :data:`core.result.METRICS` doesn't name.
    """
    return PackedResult(
        runs=tuple(_packed_run(run) for run in result.runs),
        teacher_response=pack({"response": _floats(result.teacher_response)}),
        baselines=tuple(json.loads(baseline.model_dump_json()) for baseline in result.baselines),
    )


def split_summary(
    seed: int, summary: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, str]]:
    """The finite metrics of a run's summary, and words for the others.

    Raises:
        ValueError: The summary has a metric that :data:`core.result.METRICS` doesn't name.
    """
    if unknown := summary.keys() - METRICS.keys():
        raise ValueError(
            f"summary of seed {seed} has unknown metrics: {', '.join(sorted(unknown))}"
        )
    finite = {name: value for name, value in summary.items() if math.isfinite(value)}
    return finite, {
        name: _non_finite_word(value) for name, value in summary.items() if name not in finite
    }


def is_missing(values: np.ndarray) -> np.ndarray:
    """A mask of the values that are :data:`MISSING`; a NaN that was computed is none.

    Example:
        >>> is_missing(np.array([MISSING, np.nan, 1.0]))
        array([ True, False, False])
    """
    if values.dtype != np.float64:
        return np.zeros(values.shape, bool)
    return np.equal(values.view(np.uint64), np.float64(MISSING).view(np.uint64))


def listed(values: np.ndarray) -> list[Any]:
    """The values as Python's own types, None where they are :data:`MISSING`."""
    missing = is_missing(values)
    if not missing.any():
        return values.tolist()
    objects = values.astype(object)
    objects[missing] = None
    return objects.tolist()


def column_dtype(name: str) -> type[np.generic]:
    """The type of a column of a series."""
    return np.int64 if name in KEYS else np.float64


def _packed_run(run: RunResult) -> PackedRun:
    metrics, non_finite = split_summary(run.seed, run.summary)
    arrays = {
        "response": _floats(run.response),
        "eigenvalues": _floats(run.eigenvalues).reshape(-1, 2),
        "hankel_singular_values": _floats(run.hankel_singular_values),
        **{PARAMETER + name: _floats(matrix) for name, matrix in run.parameters.items()},
    }
    return PackedRun(
        run.seed, run.outcome, run.steps, metrics, non_finite, tuple(run.warnings), pack(arrays)
    )


def _floats(values: Response | list[tuple[float, float]] | list[list[float]]) -> np.ndarray:
    return np.array(values, np.float64)


def _non_finite_word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _checked(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    if points.keys() - set(TRAJECTORIES) != set(COLUMNS):
        raise ValueError(
            f"points should have the columns {', '.join(COLUMNS)}, and trajectories; "
            f"they have {', '.join(points)}"
        )
    columns = {name: np.asarray(column, column_dtype(name)) for name, column in points.items()}
    lengths = {len(column) for column in columns.values() if column.ndim}
    if len(lengths) > 1 or any(
        column.ndim != 1 for name, column in columns.items() if name not in TRAJECTORIES
    ):
        shapes = ", ".join(f"{name} {column.shape}" for name, column in columns.items())
        raise ValueError(
            f"columns of points should be equally long, and flat except trajectories; "
            f"theirs are {shapes}"
        )
    return columns
