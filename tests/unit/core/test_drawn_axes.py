"""Drawn axes of sweeps: random and Sobol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from core.spec.draws import BITS, MAX_DIMENSIONS, sobol_bits, sobol_numbers
from tests.unit.core.test_sweep import DIM, coordinates, spec_problems, sweep

SCALE = {"path": "student.start.scale", "scale": "log", "low": 1e-4, "high": 1, "count": 32}
K = {"path": "training.length", "low": 4, "high": 7, "count": 32}
RANDOM = [(0.0265457, 6), (0.0176095, 4), (0.000275993, 7)]
SOBOL = [(0.0265457, 6), (0.000265457, 4), (0.00265457, 7)]
KINDS = pytest.mark.parametrize("kind", ["random", "sobol"])


@KINDS
def test_axes_of_one_kind_are_drawn_together_and_multiply_the_others(kind):
    scale, length = SCALE | {"kind": kind}, K | {"kind": kind}
    drawn = sweep(scale, DIM, length)
    assert drawn.groups == (("student.start.scale", "training.length"), ("student.dim",))
    points = [point.coordinates for point in drawn.expand()]
    assert len(points) == 32 * 2
    assert {tuple(point) for point in points} == {
        ("student.start.scale", "training.length", "student.dim")
    }
    assert points[0].items() - points[1].items() == {("student.dim", 10)}


@KINDS
def test_a_larger_count_keeps_the_first_draws_and_another_axis_those_of_the_others(kind):
    scale, length = SCALE | {"kind": kind}, K | {"kind": kind}
    many = coordinates(scale, length)
    assert coordinates(scale | {"count": 7}, length | {"count": 7}) == many[:7]
    assert coordinates(scale) == [(value,) for value, _ in many]
    assert coordinates(scale | {"seed": 1}) != coordinates(scale)


def test_draws_are_the_same_everywhere():
    axes = SCALE | {"count": 3}, K | {"count": 3}
    assert coordinates(*(axis | {"kind": "random"} for axis in axes)) == RANDOM
    assert coordinates(*(axis | {"kind": "sobol"} for axis in axes)) == SOBOL


@KINDS
def test_whole_numbers_include_both_ends_and_come_equally_often(kind):
    (axis,) = sweep(K | {"kind": kind, "count": 4096}).axes
    values = [point["training.length"] for point in axis.points()]
    assert {type(value) for value in values} == {int}
    assert [values.count(k) for k in (4, 5, 6, 7)] == pytest.approx([1024] * 4, rel=0.1)
    assert {*values} == {4, 5, 6, 7}


@given(
    ends=st.tuples(*[st.floats(1e-300, 1e300)] * 2),
    scale=st.sampled_from(["linear", "log"]),
    kind=st.sampled_from(["random", "sobol"]),
    whole=st.booleans(),
)
def test_draws_are_short_and_between_the_ends(ends, scale, kind, whole):
    low, high = ends
    axis = {"path": "optimizer.lr", "kind": kind, "low": low, "high": high, "count": 9}
    if whole and max(ends) < 1.0 + min(ends):
        return
    (axis,) = sweep(axis | {"scale": scale, "whole": whole}).axes
    for point in axis.points():
        value = point["optimizer.lr"]
        assert min(ends) <= value <= max(ends)
        assert value in ends or whole or float(f"{value:.6g}") == value


def test_a_logarithmic_scale_draws_every_decade_as_often():
    (axis,) = sweep(SCALE | {"kind": "sobol", "count": 1024}).axes
    decades = np.floor(np.log10([point["student.start.scale"] for point in axis.points()]))
    assert np.unique(decades, return_counts=True)[1].tolist() == [256] * 4


def test_sobol_points_are_those_of_joe_and_kuo_and_stay_even_when_shifted():
    known = qmc.Sobol(MAX_DIMENSIONS, scramble=False, bits=BITS).random_base2(9)
    assert np.array_equal(sobol_bits(MAX_DIMENSIONS, 512) * 2.0**-BITS, known)
    points = sobol_numbers(3, ["a", "b"], 256)
    cells, counts = np.unique(np.floor(points * 16), axis=0, return_counts=True)
    assert len(cells) == 256
    assert set(counts) == {1}


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"count": 0}, "/axes/0/count", "1"),
        ({"scale": "log", "low": 0}, "/axes/0", "positive"),
        ({"low": 4.2, "high": 4.8}, "/axes/0", "no whole number"),
        ({"count": 5}, "/axes", "have one count; training.length has 5, student.dim has 32"),
        ({"seed": 5}, "/axes", "have one seed; training.length has 5, student.dim has 0"),
    ],
)
def test_axes_that_cannot_be_drawn_are_refused(changes, pointer, words):
    other = K | {"kind": "random", "path": "student.dim"}
    problems = spec_problems(axes=[K | {"kind": "random"} | changes, other])
    assert words in problems[pointer].message + (problems[pointer].allowed or "")


def test_drawn_axes_inside_a_zip_are_drawn_together_too():
    inside = [SCALE | {"kind": "sobol", "count": 2}, K | {"kind": "sobol", "count": 2}]
    dims = DIM | {"values": [10, 30]}
    zipped = coordinates({"kind": "zip", "axes": [*inside, dims]})
    assert [point[:2] for point in zipped] == coordinates(*inside)
    assert [point[2] for point in zipped] == [10, 30]
