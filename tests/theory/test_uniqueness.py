"""The core of the theorem: k > 2 d̂ moments determine a balanced system."""

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
    """Well-conditioned moments: up to 4 poles in [-1, 1], 0.2 apart, with weights of 0.1 to 1."""
    positions = draw(st.lists(st.integers(-5, 5), min_size=1, max_size=4, unique=True))
    shift = draw(st.floats(0, 1))
    weights = draw(st.lists(st.floats(0.1, 1), min_size=len(positions), max_size=len(positions)))
    values = [(position + shift * (position < 5)) / 5 for position in sorted(positions)]
    return {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": values},
        "weights": weights,
    }


def has_separated_poles(teacher):
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
@given(teacher=balanced_teachers().filter(has_separated_poles), extra=st.integers(1, 6))
def test_more_than_two_moments_per_state_determine_the_whole_response(teacher, extra):
    states = len(teacher["weights"])
    spec = spec_of(teacher, 2 * states + extra)
    exact = impulse_response(build(spec.teacher), 40).ravel()
    measure = measure_of(exact[: 2 * states + extra])
    assert measure.unique
    assert len(measure.atoms) == states
    np.testing.assert_allclose(measure.response(40), exact, atol=1e-5 * exact[0])
    theorem = check(spec)
    assert theorem.applies
    assert theorem.measure.unique
    np.testing.assert_allclose(sorted(theorem.measure.atoms), sorted(measure.atoms), atol=1e-4)


@settings(max_examples=100, deadline=None)
@given(teacher=balanced_teachers().filter(has_separated_poles), start=st.integers(0, 2**32))
def test_two_moments_per_state_do_not(teacher, start):
    """2 d̂ moments have one measure of d̂ + 1 atoms for each larger value of the next moment."""
    states = len(teacher["weights"])
    spec = spec_of(teacher, 2 * states)
    exact = impulse_response(build(spec.teacher), 40).ravel()
    other = exact[: 2 * states + 1].copy()
    other[-1] += np.random.default_rng(start).uniform(0.05, 0.5) * exact[0]
    measure = measure_of(other)
    assert min(measure.weights) > 0
    response = measure.response(2 * states + 1)
    np.testing.assert_allclose(response[:-1], exact[: 2 * states], atol=1e-6 * exact[0])
    assert response[-1] - exact[2 * states] > 0.04 * exact[0]
    theorem = check(spec)
    assert not theorem.applies
    assert not theorem.measure.unique
    assert [assumption.name for assumption in theorem.assumptions if not assumption.holds] == [
        "long enough"
    ]
