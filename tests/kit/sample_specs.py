"""Small specs, results and points for tests that don't care about their details."""

import math
from collections.abc import Sequence

import numpy as np

from core.result import METRICS, SERIES, BaselineResult, ExperimentResult, Outcome, RunResult
from core.spec import ExperimentSpec


def spec(**changes) -> ExperimentSpec:
    """A valid spec; two specs with the same changes are equal."""
    base = {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": 3},
        "training": {"length": 4},
        "optimizer": {"kind": "gd", "steps": 100},
        "evaluation": {"horizon": 8},
        "seeds": [0, 1],
    }
    return ExperimentSpec.model_validate(base | changes)


SHAPES = {"response": (8, 1, 1), "eigenvalues": (3, 2)}
"""Shapes of the trajectories of :func:`spec`, for one seed at one step."""


def points(
    steps: Sequence[int],
    seeds: Sequence[int] = (0, 1),
    value: float | None = None,
    record: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Points in long form, each seed at each step; each number is ``value``, or else unique."""
    seed, step = (
        np.array(column, np.int64)
        for column in zip(*((s, t) for t in steps for s in seeds), strict=True)
    )
    base = seed * 1e6 + step
    columns = {
        name: base + n if value is None else np.full(step.shape, value)
        for n, name in enumerate(SERIES)
    }
    for name in record:
        size = int(np.prod(SHAPES[name]))
        flat = (
            base[:, None] + np.arange(size) / 128
            if value is None
            else np.full((len(base), size), value)
        )
        columns[name] = flat.reshape(-1, *SHAPES[name])
    return {"seed": seed, "step": step, **columns}


def run(
    seed: int, *, outcome: Outcome = Outcome.FITTED, steps: int = 100, value: float = 0.25
) -> RunResult:
    """A finished run with ``value`` in its summary and in each of its arrays."""
    return RunResult(
        seed=seed,
        outcome=outcome,
        steps=steps,
        response=[1.0, 0.5, value, 1e-300, 0.1, 0.2, 0.3, 0.4],
        eigenvalues=[(0.9, 0.1), (value, -0.1), (0.0, 0.0)],
        hankel_singular_values=[1.0, value, 0.0, 0.0],
        parameters={"A": [[value] * 3] * 3, "B": [[1.0], [value], [2.0]], "C": [[1.0, value, 2.0]]},
        summary={name: 1 / (number + 3) for number, name in enumerate(METRICS)}
        | {"train_loss": value, "fit_error": -value},
        warnings=[f"Seed {seed} is odd."] if value != 0.25 else [],
    )


def baseline(name: str = "era", value: float = 0.25) -> BaselineResult:
    """A baseline with ``value`` in its response, eigenvalues and summary."""
    return BaselineResult(
        name=name,
        order=2,
        response=[1.0, 0.1 + 0.2, value, 5e-324, 0.0, 0.0, 0.0, 1.0],
        eigenvalues=[(0.9, 0.0), (value, -0.1)],
        summary={"fit_error": value, "extrapolation_error": 1 / 3},
        note="The order is where the singular values fall most.",
    )


def result(*runs: RunResult, baselines: Sequence[BaselineResult] = ()) -> ExperimentResult:
    """A result with the given runs."""
    teacher = [1.0, math.pi, 0.25, 0.0, 0.0, 0.0, 0.0, 1e-17]
    return ExperimentResult(
        teacher_response=teacher, runs=list(runs), baselines=list(baselines), series={}
    )
