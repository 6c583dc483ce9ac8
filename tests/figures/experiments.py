"""Experiments whose figures are hard to draw: small trainings, and results with extreme numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from core.figures.info import Series
from core.result import SERIES, ExperimentResult, Outcome
from core.run import run
from core.spec import ExperimentSpec

TWO_POLES = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}}
ROTATION = {"kind": "rotation", "angle": 0.7, "radius": 0.95}
GENERAL = {"kind": "linear", "dim": 3, "structure": "general", "start": {"scale": 0.3}}
EXPLODING = {**GENERAL, "start": {"scale": 2.0}}
THREE_BY_TWO = {
    "kind": "explicit",
    "A": [[0.9, 0, 0], [0, -0.5, 0], [0, 0, 0.2]],
    "B": [[0.8, 0.3], [-0.2, 0.6], [0.1, 0.5]],
    "C": [[1.0, 0.0, 0.3], [0.2, 1.0, 0.1], [0.0, 0.4, 0.7]],
}

NAMES: Mapping[str, str] = {
    "200 characters": ("a balanced teacher and a student from near zero, " * 4 + "again")[:200],
    "200 letters": "x" * 200,
    "TeX": r"$x_1$ \alpha \frac{1}{2} and an unbalanced $, 100% of #1_a^b {c",
    "Hebrew": "שלום: ניסוי 3 (k = 4) של h_j",
    "Arabic": "تجربة رقم 3، h_j وما بعدها",
    "Chinese": "实验一：学习率与 h_j 的误差",
}
"""Names that are hard to write; each is allowed."""


@dataclass(frozen=True)
class Experiment:
    """An experiment as its figures receive it.

    Attributes:
        spec: The spec.
        result: The result; None while it is training, and for an imported one.
        series: The recorded points.
    """

    spec: ExperimentSpec
    result: ExperimentResult | None
    series: Series

    @property
    def outcomes(self) -> list[Outcome | None]:
        """How its seeds ended."""
        if self.result is None:
            return [None for _ in self.spec.seeds]
        return [one.outcome for one in self.result.runs]


def spec(**changes: Any) -> ExperimentSpec:
    """A spec of a small experiment."""
    base = {
        "teacher": TWO_POLES,
        "student": {"kind": "linear", "dim": 3, "start": {"scale": 0.05}},
        "training": {"length": 5},
        "optimizer": {"lr": 0.1, "steps": 1500},
        "evaluation": {"horizon": 12, "points": 15, "record": ["eigenvalues", "response"]},
        "seeds": [0, 1, 2],
    }
    return ExperimentSpec.model_validate(base | changes)


@cache
def trained(given: ExperimentSpec) -> Experiment:
    """The experiment of a spec, trained."""
    result = run(given)
    return Experiment(given, result, {name: np.array(c) for name, c in result.series.items()})


def named(name: str) -> Experiment:
    """An ordinary experiment of this name."""
    ordinary = trained(spec())
    return Experiment(spec(name=name), ordinary.result, ordinary.series)


def lasting(horizon: int, length: int) -> Experiment:
    """An experiment of a training length and a horizon."""
    evaluation = {"horizon": horizon, "points": 15, "record": ["eigenvalues", "response"]}
    optimizer = {"lr": 0.01, "steps": 100}
    return trained(spec(training={"length": length}, evaluation=evaluation, optimizer=optimizer))


def with_numbers(value: float) -> Experiment:
    """An experiment whose every number is ``value``, but for the first seed's responses."""
    ordinary = trained(spec())
    assert ordinary.result is not None
    arrays = {
        "response": [value] * 12,
        "hankel_singular_values": [value] * 6,
        "eigenvalues": [(value, 0.0)] * 3,
        "parameters": {"A": [[value] * 3] * 3, "B": [[value]] * 3, "C": [[value] * 3]},
    }
    runs = [
        one.model_copy(update={**arrays, "summary": dict.fromkeys(one.summary, value)})
        for one in ordinary.result.runs
    ]
    series = {
        name: column if name in {"seed", "step"} else np.full_like(column, value, dtype=float)
        for name, column in ordinary.series.items()
    }
    return Experiment(ordinary.spec, ordinary.result.model_copy(update={"runs": runs}), series)


def with_errors(value: float) -> Experiment:
    """An experiment whose losses and errors fall, or rise, from about 1 to ``value``."""
    ordinary = trained(spec())
    assert ordinary.result is not None
    steps = ordinary.series["step"]
    size = np.power(float(value), steps / steps.max())
    errors = ("train_loss", "fit_error", "extrapolation_error", "imbalance", "invariant_drift")
    series = {
        **ordinary.series,
        **dict.fromkeys(errors, size * (1 + 0.1 * ordinary.series["seed"])),
    }
    target = np.array(ordinary.result.teacher_response)
    runs = [
        one.model_copy(update={"response": (target + value * (1 + one.seed)).tolist()})
        for one in ordinary.result.runs
    ]
    return Experiment(ordinary.spec, ordinary.result.model_copy(update={"runs": runs}), series)


def so_far(given: ExperimentSpec, points: int) -> Experiment:
    """An experiment that has recorded so many points, and goes on."""
    series = trained(given).series
    shown = points * len(given.seeds)
    return Experiment(given, None, {name: column[:shown] for name, column in series.items()})


def imported() -> Experiment:
    """An experiment that was imported: points of two metrics, and no result."""
    given = spec(evaluation={"horizon": 12})
    series = trained(given).series
    unknown = np.full(len(series["step"]), np.nan)
    known = ("seed", "step", "train_loss", "extrapolation_error")
    return Experiment(
        given,
        None,
        {name: series[name] if name in known else unknown for name in ("seed", "step", *SERIES)},
    )


EXPERIMENTS: Mapping[str, Callable[[], Experiment]] = {
    "ordinary": lambda: trained(spec()),
    "zero baseline of 0": lambda: trained(spec(teacher={"kind": "delay", "lag": 2})),
    "teacher of 0": lambda: trained(spec(teacher={"kind": "memoryless", "gain": 0.0})),
    "all diverged": lambda: trained(spec(optimizer={"lr": 50.0, "steps": 200})),
    "some diverged": lambda: trained(spec(student=EXPLODING, seeds=6)),
    "many diverged": lambda: trained(spec(student=EXPLODING, seeds=40)),
    "not fitted": lambda: trained(spec(optimizer={"lr": 1e-4, "steps": 200})),
    "one seed": lambda: trained(spec(seeds=1)),
    "12 seeds": lambda: trained(spec(seeds=12)),
    "200 seeds": lambda: trained(spec(seeds=200, optimizer={"lr": 0.1, "steps": 300})),
    "seeds of 19 digits": lambda: trained(spec(seeds=[2**63 - 1 - n for n in range(6)])),
    "one point": lambda: so_far(spec(), 1),
    "so far": lambda: so_far(spec(), 6),
    "constant lines": lambda: trained(spec(optimizer={"lr": 1e-30, "steps": 200})),
    "one lag past k": lambda: lasting(2, 1),
    "300 lags": lambda: lasting(300, 100),
    "3 outputs, 2 inputs": lambda: trained(spec(teacher=THREE_BY_TWO)),
    "complex poles": lambda: trained(spec(teacher=ROTATION, student=GENERAL)),
    "random poles": lambda: trained(
        spec(teacher={"kind": "random", "dim": 4}, student={**GENERAL, "dim": 6})
    ),
    "poles at 1 and above": lambda: trained(
        spec(
            teacher={
                "kind": "explicit",
                "A": [[1.0, 0], [0, 1.1]],
                "B": [[1], [0.5]],
                "C": [[1, 0.5]],
            },
            optimizer={"lr": 0.01, "steps": 1500},
        )
    ),
    "errors of 1e-300": lambda: with_errors(1e-300),
    "errors of 1e+300": lambda: with_errors(1e300),
    "numbers of 0": lambda: with_numbers(0.0),
    "numbers of 1e+300": lambda: with_numbers(1e300),
    "NaN": lambda: with_numbers(np.nan),
    "infinity": lambda: with_numbers(np.inf),
    "imported": imported,
    "without A": lambda: trained(
        spec(
            student={"kind": "gru", "dim": 3},
            optimizer={"steps": 10},
            evaluation={"horizon": 12, "points": 5, "record": ["response"], "sequences": 8},
        )
    ),
    **{f"name: {kind}": lambda name=name: named(name) for kind, name in NAMES.items()},
}
"""Hard cases by name."""
