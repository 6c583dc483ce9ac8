"""Specimens: small specs, results and points for tests that need some and don't care which."""

import math
from collections.abc import Sequence

import numpy as np

from core.result import METRICS, SERIES, BaselineResult, ExperimentResult, Outcome, RunResult
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


SHAPES = {"response": (8, 1, 1), "eigenvalues": (3, 2)}
"""What is recorded of one seed at one step, where :func:`spec` asks for it."""


def points(
    steps: Sequence[int],
    seeds: Sequence[int] = (0, 1),
    value: float | None = None,
    record: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Points in long form, each seed at each step: all numbers ``value``, or such that tell their place."""
    seed, step = (
        np.array(column, np.int64)
        for column in zip(*((s, t) for t in steps for s in seeds), strict=True)
    )
    place = seed * 1e6 + step
    columns = {
        name: place + n if value is None else np.full(step.shape, value)
        for n, name in enumerate(SERIES)
    }
    for name in record:
        size = int(np.prod(SHAPES[name]))
        flat = (
            place[:, None] + np.arange(size) / 128
            if value is None
            else np.full((len(place), size), value)
        )
        columns[name] = flat.reshape(-1, *SHAPES[name])
    return {"seed": seed, "step": step, **columns}


def run(
    seed: int, *, outcome: Outcome = Outcome.FITTED, steps: int = 100, odd: float = 0.25
) -> RunResult:
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
        warnings=[f"Seed {seed} is odd."] if odd != 0.25 else [],
    )


def baseline(name: str = "era", odd: float = 0.25) -> BaselineResult:
    """What a method made of it; ``odd`` stands in it in several places."""
    return BaselineResult(
        name=name,
        order=2,
        response=[1.0, 0.1 + 0.2, odd, 5e-324, 0.0, 0.0, 0.0, 1.0],
        eigenvalues=[(0.9, 0.0), (odd, -0.1)],
        summary={"fit_error": odd, "extrapolation_error": 1 / 3},
        note="The order is where the singular values fall most.",
    )


def result(*runs: RunResult, baselines: Sequence[BaselineResult] = ()) -> ExperimentResult:
    """The result that the runs make up."""
    teacher = [1.0, math.pi, 0.25, 0.0, 0.0, 0.0, 0.0, 1e-17]
    return ExperimentResult(
        teacher_response=teacher, runs=list(runs), baselines=list(baselines), series={}
    )
