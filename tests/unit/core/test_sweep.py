"""Sweeps: their axes, their expansion to distinct valid experiments, and their problems."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.errors import Problem, SpecError
from core.spec import ExperimentSpec, explain, spec_hash
from core.spec.paths import value_at
from core.spec.sweep import MAX_CHARACTERS, MAX_PROBLEMS, SweepSpec

BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 6},
    "seeds": 2,
}


def sweep(*axes, **changes):
    return SweepSpec.model_validate({"base": BASE, "axes": list(axes), **changes})


def coordinates(*axes):
    return [tuple(point.coordinates.values()) for point in sweep(*axes).expand()]


def spec_problems(**content):
    with pytest.raises(ValidationError) as caught:
        SweepSpec.model_validate({"base": BASE, **content})
    return {problem.pointer: problem for problem in explain(caught.value, SweepSpec)}


def expansion_problems(*axes, **changes):
    with pytest.raises(SpecError) as caught:
        sweep(*axes, **changes).expand()
    return caught.value.problems


K = {"path": "training.length", "values": [4, 5, 6]}
DIM = {"path": "student.dim", "values": [10, 30]}
SCALE = {"path": "student.start.scale", "values": [0.1, 1.0]}


def test_axes_form_a_grid_and_the_last_varies_fastest():
    assert coordinates(K, DIM) == list(itertools.product([4, 5, 6], [10, 30]))


def test_names_tell_points_at_nearly_the_same_value_apart():
    rates = {"path": "optimizer.lr", "values": [0.3, 0.1 + 0.2, 0.25]}
    points = sweep({"kind": "zip", "axes": [rates, {**K, "values": [4, 4, 4]}]}).expand()
    assert [point.spec.name for point in points] == [
        f"η = {rate}, k = 4" for rate in (0.3, 0.1 + 0.2, 0.25)
    ]


def test_zipped_axes_advance_together_and_can_include_a_grid():
    three_steps = {"path": "optimizer.steps", "values": [100, 200, 300]}
    assert coordinates({"kind": "zip", "axes": [K, three_steps]}) == [(4, 100), (5, 200), (6, 300)]
    four_steps = {"path": "optimizer.steps", "values": [100, 200, 300, 400]}
    grid = {"kind": "grid", "axes": [DIM, SCALE]}
    assert coordinates({"kind": "zip", "axes": [grid, four_steps]}) == [
        (10, 0.1, 100), (10, 1.0, 200), (30, 0.1, 300), (30, 1.0, 400),
    ]  # fmt: skip
    assert sweep({"kind": "zip", "axes": [K, three_steps]}, DIM).groups == (
        ("training.length", "optimizer.steps"),
        ("student.dim",),
    )
    assert sweep({"kind": "grid", "axes": [K, DIM]}).groups == (
        ("training.length",),
        ("student.dim",),
    )


def test_spaced_values_are_rounded_to_short_decimals():
    lr = {"path": "optimizer.lr", "low": 0.001, "high": 1, "count": 4}
    assert coordinates({**lr, "kind": "logspace"}) == [(0.001,), (0.01,), (0.1,), (1.0,)]
    assert coordinates({**lr, "kind": "linspace", "low": 0.1, "high": 0.4}) == [
        (0.1,),
        (0.2,),
        (0.3,),
        (0.4,),
    ]
    dims = {
        "path": "student.dim",
        "kind": "logspace",
        "low": 2,
        "high": 5,
        "count": 9,
        "whole": True,
    }
    assert coordinates(dims) == [(2,), (3,), (4,), (5,)]


@given(
    low=st.floats(min_value=5e-324, max_value=1e308),
    high=st.floats(min_value=5e-324, max_value=1e308),
    count=st.integers(1, 50),
    kind=st.sampled_from(["linspace", "logspace"]),
)
def test_spaced_values_are_between_their_ends(low, high, count, kind):
    (axis,) = sweep(
        {"path": "optimizer.lr", "kind": kind, "low": low, "high": high, "count": count}
    ).axes
    values = [point["optimizer.lr"] for point in axis.points()]
    assert len(values) == axis.size == count
    assert values[0] == pytest.approx(low, rel=1e-11)
    assert count == 1 or values[-1] == pytest.approx(high, rel=1e-11)
    ordered = values if low <= high else values[::-1]
    assert all(a <= b * (1 + 1e-9) for a, b in itertools.pairwise(ordered))


def test_a_point_is_the_base_with_its_coordinates_and_is_named_after_them():
    points = sweep(
        {"path": "/training/length", "values": [4]}, SCALE, base={**BASE, "name": "mine"}
    ).expand()
    student = BASE["student"] | {"start": {"scale": 0.1}}
    expected = ExperimentSpec.model_validate(
        {**BASE, "training": {"length": 4}, "student": student}
    )
    assert spec_hash(points[0].spec) == points[0].spec_hash == spec_hash(expected)
    assert points[0].coordinates == {"training.length": 4, "student.start.scale": 0.1}
    assert points[0].spec.name == "mine, k = 4, s = 0.1"
    assert "start" not in BASE["student"], "the base is unchanged"


def test_axes_can_complete_the_base_and_replace_whole_parts():
    starts = {
        "path": "student.start",
        "values": [{"scale": 0.5}, {"kind": "identity", "scale": 0.9}],
    }
    base = {name: part for name, part in BASE.items() if name != "teacher"}
    teachers = {"path": "teacher", "values": [{"kind": "delay"}, {"kind": "memoryless"}]}
    points = sweep(starts, teachers, base=base).expand()
    kinds = [(point.spec.student.start.kind, point.spec.teacher.kind) for point in points]
    assert kinds == list(itertools.product(["gaussian", "identity"], ["delay", "memoryless"]))
    assert points[2].spec.name == "identity start, s = 0.9, delay teacher"


def test_equal_experiments_count_once_at_their_first_point():
    points = sweep(
        {"path": "student.dim", "values": [10, 10.0, 20]},
        {"path": "notes", "values": ["a\nb", "c"]},
    ).expand()
    assert [point.coordinates["student.dim"] for point in points] == [10, 20]
    assert {point.spec.notes for point in points} == {"a\nb"}


def test_the_sweeps_tags_follow_those_of_the_base():
    (point,) = sweep(base={**BASE, "tags": ["a", "b"]}, tags=["b", "c"]).expand()
    assert point.spec.tags == ("a", "b", "c")
    assert sweep().expand()[0].spec.tags == ()


def test_each_problem_is_listed_once_with_its_first_point_and_count():
    problems = expansion_problems(
        {"path": "training.length", "values": [0, 5]},
        {"path": "optimizer.lr", "values": [-1, 0.1, "x"]},
    )
    messages = {(problem.pointer, problem.given): problem.message for problem in problems}
    assert set(messages) == {
        ("/base/training/length", "0"),
        ("/base/optimizer/lr", "-1"),
        ("/base/optimizer/lr", "'x'"),
    }
    assert messages["/base/training/length", "0"].endswith(
        "(at training.length = 0, optimizer.lr = -1, and at 2 more)"
    )
    assert messages["/base/optimizer/lr", "'x'"].endswith(
        "(at training.length = 0, optimizer.lr = x, and at 1 more)"
    )


def test_only_the_first_of_many_problems_are_listed():
    assert (
        len(expansion_problems({"path": "student.dim", "values": [-n for n in range(100)]}))
        == MAX_PROBLEMS
    )


def test_a_problem_of_a_base_without_axes_has_no_coordinates():
    (problem,) = expansion_problems(base={**BASE, "seeds": []})
    assert (problem.pointer, "(at" in problem.message) == ("/base/seeds", False)


def test_a_path_to_no_field_is_refused():
    (problem,) = expansion_problems({"path": "training.lenght", "values": [4]})
    assert "did you mean 'length'" in problem.message
    (problem,) = expansion_problems({"path": "training.length.x", "values": [4]})
    assert problem.code == "no_such_place"


def test_problems_of_the_check_are_listed_with_the_others():
    seen = []

    def check(point):
        seen.append(point.spec.training.length)
        if point.spec.training.length == 5:
            raise SpecError([Problem("/training/length", "expensive", "is expensive")])

    with pytest.raises(SpecError) as caught:
        sweep(
            {"path": "training.length", "values": [4, 5, 0]}, {"path": "name", "values": ["a", "b"]}
        ).expand(check)
    assert caught.value.problems[0].message.startswith(
        "is expensive (at training.length = 5, name = a"
    )
    assert {problem.code for problem in caught.value.problems} == {
        "expensive",
        "greater_than_equal",
    }
    assert set(seen) == {4, 5}


@pytest.mark.parametrize(
    ("axes", "pointer", "message"),
    [
        ([{"path": "a", "kind": "linspace", "low": 1, "hihg": 2}], "/axes/0/high", "required"),
        (
            [{"path": "a", "kind": "logspace", "low": 0, "high": 2, "count": 2}],
            "/axes/0/low",
            "greater than 0",
        ),
        (
            [{"path": "a", "kind": "linspace", "low": -1.7e308, "high": 1.7e308, "count": 2}],
            "/axes/0",
            "far apart",
        ),
        (
            [{"kind": "zip", "axes": [K, {**DIM, "kind": "lsit"}]}],
            "/axes/0/axes/1/kind",
            "did you mean 'list'",
        ),
        ([{"kind": "zip", "axes": [K, DIM]}], "/axes", "3, 2 values"),
        (
            [{"kind": "zip", "axes": [{"kind": "grid", "axes": [K, DIM]}, SCALE]}],
            "/axes",
            "6, 2 values",
        ),
        ([K, {"kind": "grid", "axes": [K]}], "/axes", "two axes"),
        ([{"path": f"a{n}", "values": [1]} for n in range(17)], "/axes", "at most 16"),
        (
            [
                {"kind": "grid", "axes": [{"path": f"a{n}{m}", "values": [1]} for n in range(9)]}
                for m in "bc"
            ],
            "/axes",
            "18",
        ),
        (
            [{"path": p, "kind": "linspace", "low": 0, "high": 1, "count": 10**5} for p in "abc"],
            "/axes",
            "1e+15",
        ),
        ([{"path": "a", "values": []}], "/axes/0/values", "at least 1"),
        ([{"path": "a", "values": [1, {"b": [math.nan]}]}], "/axes/0/values/1/b/0", "finite"),
        ([{"path": "a", "values": [10**400]}], "/axes/0/values/0", "finite"),
        ([{"path": "a\nb", "values": [1]}], "/axes/0/path", "control"),
    ],
)
def test_invalid_axes_are_refused_without_expanding_them(axes, pointer, message):
    assert message in str(spec_problems(axes=axes)[pointer])


def test_a_sweep_with_too_much_json_is_refused_without_expanding_it():
    matrix = [[0.125] * 300] * 300
    assert len(str(matrix)) * 1000 > MAX_CHARACTERS
    seed_counts = {
        "path": "seeds",
        "kind": "linspace",
        "low": 1,
        "high": 1000,
        "count": 1000,
        "whole": True,
    }
    teacher = {"kind": "explicit", "A": matrix, "B": [[1]] * 300, "C": [[1] * 300]}
    (problem,) = expansion_problems(seed_counts, base={**BASE, "teacher": teacher})
    assert problem.code == "too_large"
    (problem,) = expansion_problems(seed_counts, {"path": "teacher", "values": [teacher]})
    assert problem.code == "too_large"


def test_values_are_read_by_path():
    assert value_at(BASE, "teacher.eigenvalues.kind") == "list"
    assert value_at(BASE, "training.length.x") is None
