"""A client of the session's lab, and experiments to send it."""

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
    """A small spec, each time another one: its teacher's second pole tells it from the others."""

    def small(*, steps=50, **changes):
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

    return small


@pytest.fixture
def endless(spec):
    """A spec whose training takes longer than any test waits."""
    return lambda **changes: spec(steps=10_000_000, **changes)
