"""Starts have their documented properties, and the seed alone draws them."""

import numpy as np
import pytest

from core import students, teachers
from core.errors import SpecError
from core.run import run
from core.spec import ExperimentSpec, LinearStudent
from core.systems import impulse_response
from core.training import begin


def student_of(start, dim=6, **changes):
    return LinearStudent.model_validate({"kind": "linear", "dim": dim, "start": start, **changes})


def start_of(start, *, seed=0, channels=(1, 1), dim=6, **changes):
    return students.start(student_of(start, dim, **changes), seed, *channels)


@pytest.mark.parametrize("kind", ["gaussian", "identity", "wide", "default", "warm"])
def test_c_of_a_tied_student_is_b_transposed_for_every_start(kind):
    system = start_of({"kind": kind}, tied=True)
    np.testing.assert_array_equal(system.C, system.B.T)
    untied = start_of({"kind": kind})
    np.testing.assert_array_equal(system.B, untied.B)
    assert not np.array_equal(untied.C, untied.B.T)


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
@pytest.mark.parametrize("kind", ["gaussian", "identity", "wide", "default"])
def test_a_start_has_the_structure_and_channels_of_the_student(kind, structure):
    system = start_of({"kind": kind}, channels=(2, 3), structure=structure)
    assert (system.A.shape, system.B.shape, system.C.shape) == ((6, 6), (6, 2), (3, 6))
    if structure == "symmetric":
        np.testing.assert_array_equal(system.A, system.A.T)
    if structure == "diagonal":
        np.testing.assert_array_equal(system.A, np.diag(np.diagonal(system.A)))
    assert not np.array_equal(start_of({"kind": kind}, channels=(2, 3), seed=1).B, system.B)


@pytest.mark.parametrize(
    ("start", "deviations"),
    [
        ({"kind": "gaussian", "scale": 0.3}, (0.3 / 30, 0.3 / 30, 0.3 / 30)),
        (
            {"kind": "wide", "variance_a": 0.4, "variance_b": 2.0, "variance_c": 3.0},
            (0.4**0.5 / 30, 2**0.5, 3**0.5 / 30),
        ),
        ({"kind": "default"}, (3**-0.5 / 30,) * 3),
    ],
)
def test_the_entries_have_the_standard_deviations_of_the_spec(start, deviations):
    system = start_of(start, dim=900, structure="general")
    for matrix, deviation in zip((system.A, system.B, system.C), deviations, strict=True):
        assert matrix.std() == pytest.approx(deviation, rel=0.1)


def test_a_default_start_is_within_its_bounds():
    for matrix in vars(start_of({"kind": "default"})).values():
        assert np.abs(matrix).max() <= 6**-0.5


def test_a_warm_start_is_sorted_with_a_gap_and_raises_a_and_b():
    start = {
        "kind": "warm",
        "scale": 0.1,
        "scale_bc": 0.2,
        "gap": 0.01,
        "gap_bc": 0.02,
        "warm": 0.5,
    }
    system = start_of(start, structure="diagonal")
    a, b, c = np.diagonal(system.A), system.B.ravel(), system.C.ravel()
    for values, gap, warm in ((a, 0.01, 0.5), (b, 0.02, 0.5), (c, 0.02, 0.0)):
        assert values[0] - values[1] == pytest.approx(gap)
        assert (np.diff(values[2:]) <= 0).all()
        assert values.min() >= warm
    unsorted = start_of({**start, "sort_c": False}, structure="diagonal")
    drawn = unsorted.C.ravel()
    assert np.array_equal(unsorted.A, system.A)
    np.testing.assert_array_equal(np.sort(drawn)[::-1][[0, *range(2, 6)]], c[[0, *range(2, 6)]])
    assert (np.diff(drawn) > 0).any()
    fixed = start_of({**start, "fixed": 1.0})
    assert (fixed.B == 1).all()
    assert (fixed.C == 1).all()


def test_a_warm_start_has_the_draws_of_the_published_experiments():
    """They are those of NumPy's legacy generator, ``np.random.RandomState(242).rand(10)``."""
    start = {
        "kind": "warm",
        "scale": 1.0,
        "distribution": "uniform",
        "generator": "mt19937",
        "fixed": 1.0,
    }
    a = np.diagonal(start_of(start, seed=242, dim=10).A)
    published = np.sort(np.random.RandomState(242).rand(10))[::-1]
    np.testing.assert_array_equal(a[[0, *range(2, 10)]], published[[0, *range(2, 10)]])
    assert a[0] == a[1]
    assert a[0] != np.diagonal(start_of({**start, "generator": "pcg64"}, seed=242, dim=10).A)[0]


@pytest.mark.parametrize("structure", ["symmetric", "general", "diagonal"])
def test_a_counterexample_fits_up_to_the_length_and_fails_past_it(structure):
    spec = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "rotation"},
            "student": {
                "kind": "linear",
                "dim": 12,
                "structure": structure,
                "start": {"kind": "counterexample", "beyond": -2.5},
            },
            "training": {"length": 8},
            "optimizer": {"lr": 1e-8, "steps": 10},
            "seeds": 2,
        }
    )
    teacher_response = impulse_response(teachers.build(spec.teacher), 9).ravel()
    for r in run(spec).runs:
        assert r.outcome == "fitted"
        assert r.summary["train_loss"] < 1e-22
        assert r.summary["extrapolation_horizon"] == 8
        assert r.response[8] == pytest.approx(teacher_response[8] - 2.5, abs=1e-10)


def test_a_counterexample_needs_the_response_of_a_teacher():
    with pytest.raises(ValueError, match="teacher's response"):
        start_of({"kind": "counterexample"})


FROM_EXPERIMENT = {"kind": "from_experiment", "id": "x"}


def test_a_start_from_an_experiment_has_its_final_parameters():
    first = ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced"},
            "student": {"kind": "linear", "dim": 5},
            "training": {"length": 3},
            "optimizer": {"steps": 20},
            "seeds": [4],
        }
    )
    (final,) = run(first).runs
    second = first.model_copy(update={"student": student_of(FROM_EXPERIMENT, 5)})
    parameters = {4: {name: np.array(values) for name, values in final.parameters.items()}}
    state = begin(second, initial_parameters=parameters)
    assert state.points.columns()["train_loss"].item() == final.summary["train_loss"]


@pytest.mark.parametrize(
    ("changes", "parameters", "message"),
    [
        (
            {},
            {"A": np.eye(5), "B": np.ones((5, 1)), "C": np.ones((1, 5))},
            r"its A has shape \(5, 5\)",
        ),
        ({}, {"A": np.eye(6), "C": np.ones((1, 6))}, "it has no B"),
        ({}, {"A": np.eye(6, k=1), "B": np.ones((6, 1)), "C": np.ones((1, 6))}, "not symmetric"),
        (
            {"structure": "diagonal"},
            {"A": np.ones((6, 6)), "B": np.ones((6, 1)), "C": np.ones((1, 6))},
            "not diagonal",
        ),
        ({"tied": True}, {"A": np.eye(6), "B": np.ones((6, 1)), "C": -np.ones((1, 6))}, "tied"),
    ],
)
def test_parameters_of_another_shape_or_structure_are_refused(changes, parameters, message):
    student = student_of(FROM_EXPERIMENT, **changes)
    with pytest.raises(SpecError, match=message):
        students.start(student, 0, 1, 1, initial_parameters=parameters)
