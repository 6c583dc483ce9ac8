"""Deviations of arrays from the original, and when they pass."""

import math

import numpy as np
import pytest

from extrapolab.client.reproduction import Deviation, Reproduction, _deviation

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("first", "second", "grade", "passed", "largest"),
    [
        ([1.0, NAN, INF], [1.0, NAN, INF], "bitwise", True, 0.0),
        ([1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], "bitwise", False, 2.0**-51),
        ([1.0, 2.0], [1.0, 2.0 + 1e-7], "tolerance", True, 1e-7),
        ([1.0, 2.0], [1.0, 2.0 + 4e-7], "tolerance", False, 4e-7),
        ([1.0, NAN], [1.0, 2.0], "tolerance", False, INF),
        ([1.0, INF], [1.0, -INF], "tolerance", False, INF),
        ([1.0], [1.0, 2.0], "tolerance", False, INF),
        ([0.0], [1e-300], "tolerance", False, 1e-300),
        ([], [], "bitwise", True, 0.0),
    ],
)
def test_arrays_are_compared(first, second, grade, passed, largest):
    deviation = _deviation("response", np.array(first), np.array(second), grade, 1e-7)
    assert deviation.passed is passed
    assert deviation.largest == pytest.approx(largest, rel=1e-6)


def test_some_arrays_are_reported_without_being_judged():
    first, second = np.array([1.0]), np.array([2.0])
    deviation = _deviation("summary.train_loss", first, second, "tolerance", 1e-7)
    assert (deviation.largest, deviation.passed) == (1.0, None)


def test_verdict_names_what_differs():
    same, other = Deviation("response", 0.0, 0.0, True), Deviation("parameters.A", 1.0, 1.0, False)
    assert Reproduction("a", "b", "tolerance", ("cpu", "torch"), (same,)).sentence.endswith(
        "these differ: cpu, torch"
    )
    failed = Reproduction("a", "b", "bitwise", (), (same, other))
    assert (failed.passed, failed.sentence.startswith("NOT")) == (False, True)
