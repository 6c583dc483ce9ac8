"""Warnings are given for what they say and for nothing else."""

import pytest

from core.warnings import warnings
from tests.unit.core.test_training import spec_of


def test_an_ordinary_spec_has_no_warning():
    assert warnings(spec_of()) == []


def test_a_teacher_that_is_not_symmetric_but_could_be_has_no_warning():
    teacher = {"kind": "explicit", "A": [[0.9, 1], [0, -0.5]], "B": [[0.1], [0.2]], "C": [[0.3, 0.1]]}
    assert warnings(spec_of(teacher=teacher)) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"student": {"kind": "linear", "dim": 4}}, "d = 4 <= k = 4"),
        ({"teacher": {"kind": "rotation"}}, "complex poles"),
        ({"teacher": {"kind": "delay", "lag": 2}}, "defective pole"),
        ({"teacher": {"kind": "unbalanced"}, "student": {"kind": "linear", "dim": 6, "tied": True}}, "unbalanced"),
        ({"optimizer": {"lr": 5.0}}, "above 2 / sharpness"),
        ({"teacher": {"kind": "memoryless", "gain": 0.0}}, "nothing to learn"),
        ({"teacher": {"kind": "explicit", "A": [[1.5]], "B": [[0.01]], "C": [[0.01]]}}, "unstable"),
        ({"student": {"kind": "linear", "dim": 6, "start": {"scale": 0}}}, "exactly zero"),
        ({"training": {"length": 1, "outputs": "all", "loss": {"kind": "second_moment", "matrix": [[1]]}}}, "not used"),
        (
            {
                "student": {
                    "kind": "linear",
                    "dim": 5,
                    "structure": "diagonal",
                    "start": {"kind": "explicit", "A": [[0] * 5] * 5, "B": [[1]] * 5, "C": [[1] * 5]},
                }
            },
            "one seed is enough",
        ),
    ],
)
def test_a_questionable_spec_is_warned_about(changes, says):
    (warning,) = warnings(spec_of(**changes))
    assert says in warning
