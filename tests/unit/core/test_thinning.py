"""Thinned curves show what all points show: ends, spikes and order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.thinning import bucket_of, extremes, thinned

NUMBERS = st.sampled_from([0.0, 1.0, 2.0, -1.0, math.nan, math.inf, -math.inf]) | st.floats()


@st.composite
def recordings(draw):
    """Rising steps, and curves over them."""
    steps = sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=120)))
    curves = draw(st.integers(0, 3))
    numbers = st.lists(NUMBERS, min_size=curves, max_size=curves)
    rows = draw(st.lists(numbers, min_size=len(steps), max_size=len(steps)))
    return np.array(steps), np.array(rows, float).reshape(len(steps), curves)


@given(recordings(), st.integers(2, 130), st.sets(st.integers(0, 119), max_size=4))
def test_order_bound_and_ends_are_kept(recording, max_points, ends):
    steps, values = recording
    ends = np.array([end for end in ends if end < len(steps)], int)
    kept = thinned(steps, values, max_points, ends=ends)
    assert len(kept) <= max_points
    assert np.all(np.diff(kept) > 0)
    assert (kept[0], kept[-1]) == (0, len(steps) - 1)
    if len(steps) <= max_points:
        assert len(kept) == len(steps)
    elif len({0, len(steps) - 1, *ends}) <= max_points:
        assert {*ends} <= {*kept}


@given(recordings(), st.integers(2, 130))
def test_the_extremes_of_every_bucket_are_kept(recording, max_points):
    """Of some number of buckets, and at least of those that fit for the most irregular curves."""
    steps, values = recording
    kept = thinned(steps, values, max_points)
    if len(steps) <= max_points:
        return
    places = np.log1p(steps)
    guaranteed = (max_points - 2) // (2 + 2 * values.shape[1])
    assert guaranteed == 0 or any(
        keeps_extremes(kept, bucket_of(places, buckets), values)
        for buckets in range(guaranteed, max_points + 1)
    )


def keeps_extremes(kept, bucket, values):
    """Whether the kept points have each bucket's ends, and each curve's range in it."""
    for number in np.unique(bucket):
        here = np.flatnonzero(bucket == number)
        kept_here = np.intersect1d(here, kept)
        if len(kept_here) == 0 or kept_here[0] != here[0] or kept_here[-1] != here[-1]:
            return False
        for curve in values.T:
            known, kept_known = curve[here], curve[kept_here]
            known, kept_known = known[~np.isnan(known)], kept_known[~np.isnan(kept_known)]
            if len(known) and (
                not len(kept_known)
                or (known.min(), known.max()) != (kept_known.min(), kept_known.max())
            ):
                return False
    return True


def test_a_spike_of_one_step_stays():
    steps, loss = np.arange(100_001), np.geomspace(1, 1e-9, 100_001)
    loss[31_415] = 5.0
    kept = thinned(steps, loss[:, None], 100)
    assert 31_415 in kept
    assert len(kept) > 50


def test_points_are_spread_over_the_logarithm_of_the_step():
    steps = np.arange(100_001)
    kept = thinned(steps, steps[:, None] * 1.0, 100)
    by_decade = np.histogram(np.log10(kept[1:]), bins=range(6))[0]
    assert by_decade.min() >= 9
    assert by_decade.max() <= 25


def test_constant_curves_do_not_use_up_the_points():
    steps = np.arange(10_000)
    kept = thinned(steps, np.ones((10_000, 50)), 200)
    assert 100 <= len(kept) <= 200


@pytest.mark.parametrize("sign", [1, -1])
def test_of_equal_extremes_the_first_is_kept(sign):
    values = sign * np.array([[0.0], [1.0], [1.0], [0.0]])
    assert {*extremes(np.zeros(4, int), values)} == {0, 1, 3}
