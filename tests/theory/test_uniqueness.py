"""The heart of the theorem: k > 2 d̂ moments of a balanced system leave no other balanced system."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.spec import ExperimentSpec
from core.systems import impulse_response
from core.teachers import build
from core.theory.moments import measure_of
from core.theory.theorem import check


@st.composite
def balanced_teachers(draw):
    """Up to 4 poles in [-1, 1] at least 0.2 apart, with weights from 0.1 to 1: moments that rounding leaves alone."""
    places = draw(st.lists(st.integers(-5, 5), min_size=1, max_size=4, unique=True))
    shift = draw(st.floats(0, 1))
    weights = draw(st.lists(st.floats(0.1, 1), min_size=len(places), max_size=len(places)))
    values = [(place + shift * (place < 5)) / 5 for place in sorted(places)]
    return {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": values},
        "weights": weights,
    }


def apart(teacher):
    values = teacher["eigenvalues"]["values"]
    return len(values) < 2 or np.diff(values).min() > 0.15


def spec_of(teacher, length):
    return ExperimentSpec.model_validate({
        "teacher": teacher,
        "student": {"kind": "linear", "dim": 20, "tied": True},
        "training": {"length": length},
        "evaluation": {"horizon": 40},
        "optimizer": {"kind": "gradient_flow"},
    })  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(teacher=balanced_teachers().filter(apart), more=st.integers(1, 6))
def test_more_than_twice_as_many_moments_as_states_determine_the_whole_response(teacher, more):
    states = len(teacher["weights"])
    spec = spec_of(teacher, 2 * states + more)
    exact = impulse_response(build(spec.teacher), 40).ravel()
    found = measure_of(exact[: 2 * states + more])
    assert found.unique
    assert len(found.atoms) == states
    np.testing.assert_allclose(found.response(40), exact, atol=1e-5 * exact[0])
    theorem = check(spec)
    assert theorem.applies
    assert theorem.measure.unique
    np.testing.assert_allclose(sorted(theorem.measure.atoms), sorted(found.atoms), atol=1e-4)


@settings(max_examples=100, deadline=None)
@given(teacher=balanced_teachers().filter(apart), start=st.integers(0, 2**32))
def test_twice_as_many_do_not(teacher, start):
    """To the 2 d̂ moments belong measures of d̂ + 1 atoms, one for each larger value of the next moment."""
    states = len(teacher["weights"])
    spec = spec_of(teacher, 2 * states)
    exact = impulse_response(build(spec.teacher), 40).ravel()
    other = exact[: 2 * states + 1].copy()
    other[-1] += np.random.default_rng(start).uniform(0.05, 0.5) * exact[0]
    found = measure_of(other)
    assert min(found.weights) > 0
    response = found.response(2 * states + 1)
    np.testing.assert_allclose(response[:-1], exact[: 2 * states], atol=1e-6 * exact[0])
    assert response[-1] - exact[2 * states] > 0.04 * exact[0]
    theorem = check(spec)
    assert not theorem.applies
    assert not theorem.measure.unique
    assert [assumption.name for assumption in theorem.assumptions if not assumption.holds] == [
        "long enough"
    ]
