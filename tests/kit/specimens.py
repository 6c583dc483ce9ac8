"""Specimens: small specs, results and points for tests that need some and don't care which."""

import math
from collections.abc import Sequence

import numpy as np

from core.result import METRICS, SERIES, ExperimentResult, Outcome, RunResult
from core.spec import ExperimentSpec


def spec(**changes) -> ExperimentSpec:
    """A valid spec; any two with the same changes are equal."""
    base = {
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": {"kind": "linear", "dim": 3},
        "training": {"length": 4},
        "optimizer": {"kind": "gd", "steps": 100},
        "evaluation": {"horizon": 8},
        "seeds": [0, 1],
    }
    return ExperimentSpec.model_validate(base | changes)


def points(steps: Sequence[int], seeds: Sequence[int] = (0, 1), value: float | None = None) -> dict[str, np.ndarray]:
    """Points in long form, each seed at each step: all metrics ``value``, or numbers that tell their place."""
    seed, step = (np.array(column, np.int64) for column in zip(*((s, t) for t in steps for s in seeds), strict=True))
    place = seed * 1e6 + step
    columns = {name: place + n if value is None else np.full(step.shape, value) for n, name in enumerate(SERIES)}
    return {"seed": seed, "step": step, **columns}


def run(seed: int, *, outcome: Outcome = Outcome.FITTED, steps: int = 100, odd: float = 0.25) -> RunResult:
    """A run that ended; ``odd`` stands in its summary and in each of its arrays."""
    return RunResult(
        seed=seed,
        outcome=outcome,
        steps=steps,
        response=[1.0, 0.5, odd, 1e-300, 0.1, 0.2, 0.3, 0.4],
        eigenvalues=[(0.9, 0.1), (odd, -0.1), (0.0, 0.0)],
        hankel_singular_values=[1.0, odd, 0.0, 0.0],
        parameters={"A": [[odd] * 3] * 3, "B": [[1.0], [odd], [2.0]], "C": [[1.0, odd, 2.0]]},
        summary={name: 1 / (number + 3) for number, name in enumerate(METRICS)}
        | {"train_loss": odd, "fit_error": -odd},
    )


def result(*runs: RunResult) -> ExperimentResult:
    """The result that the runs make up."""
    teacher = [1.0, math.pi, 0.25, 0.0, 0.0, 0.0, 0.0, 1e-17]
    return ExperimentResult(teacher_response=teacher, runs=list(runs), series={})
