"""Experiments whose figures are tested."""

from functools import cache

import numpy as np

from core.figures.info import MANY_SEEDS
from core.run import run
from core.spec import ExperimentSpec
from tests.unit.core.test_training import spec_of

EXPLODING = {
    "kind": "linear",
    "dim": 6,
    "structure": "general",
    "start": {"kind": "gaussian", "scale": 2.0},
}
TWO_INPUTS = {
    "kind": "explicit",
    "A": [[0.9, 0], [0, -0.5]],
    "B": [[0.8, 0.3], [-0.2, 0.6]],
    "C": [[1.0, 0.0]],
}
EVERYTHING = {"points": 17, "horizon": 12, "record": ["eigenvalues", "response"]}
GRU = {"kind": "gru", "dim": 4}
SPECS = {
    # a name that is not mathematics to matplotlib
    "ordinary": spec_of(name="$\\frac{1$ and $x^2$", evaluation=EVERYTHING),
    "exploding": spec_of(student=EXPLODING, evaluation=EVERYTHING),
    "channels": spec_of(teacher=TWO_INPUTS, evaluation=EVERYTHING),
    "memoryless": spec_of(teacher={"kind": "memoryless", "gain": 0.0}, evaluation=EVERYTHING),
    "overflow": spec_of(
        teacher={"kind": "balanced", "eigenvalues": {"kind": "list", "values": [1.5]}},
        evaluation=EVERYTHING | {"horizon": 1800},
        optimizer={"lr": 1e-4, "steps": 40},
    ),
    "complex poles": spec_of(teacher={"kind": "rotation"}, evaluation=EVERYTHING),
    "many seeds": spec_of(
        seeds=MANY_SEEDS + 1, evaluation=EVERYTHING, optimizer={"lr": 0.02, "steps": 40}
    ),
}


@cache
def result_and_series(spec: ExperimentSpec):
    """The result of a spec, and its recorded points."""
    result = run(spec)
    return result, {name: np.array(column) for name, column in result.series.items()}


def info_and_result(figure, spec: ExperimentSpec):
    """The data of a figure of a spec, and the result."""
    result, series = result_and_series(spec)
    return figure.data(spec, result, series), result
