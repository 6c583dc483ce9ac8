"""A client of the session's lab, and specs to submit."""

import itertools

import pytest

from extrapolab import Lab

_numbers = itertools.count()


@pytest.fixture
def client(lab):
    with Lab(lab.url) as client:
        yield client


@pytest.fixture
def spec():
    """Makes small specs, each with another second pole of its teacher."""

    def make(*, steps=50, **changes):
        pole = 0.1 + 0.001 * next(_numbers)
        base = {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, pole]}},
            "student": {"kind": "linear", "dim": 6},
            "training": {"length": 5},
            "optimizer": {"steps": steps},
            "evaluation": {"horizon": 12, "points": 10},
            "seeds": [3, 2**63 - 1],
        }
        return base | changes

    return make


@pytest.fixture
def endless(spec):
    """Makes specs whose training takes longer than any test waits."""
    return lambda **changes: spec(steps=10_000_000, **changes)
