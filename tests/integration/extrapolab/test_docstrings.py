"""The examples in the client's docstrings, played against a whole lab."""

import asyncio
import doctest
import importlib
import pkgutil

import pytest

import extrapolab
from extrapolab import AsyncLab, Lab

MODULES = [
    found.name
    for found in pkgutil.walk_packages(extrapolab.__path__, "extrapolab.")
    if "main" not in found.name
]
FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = {
    test.name: test
    for name in MODULES
    for test in FINDER.find(importlib.import_module(name))
    if test.examples
}


@pytest.fixture
def known(client):
    """What the examples take for granted: a lab, a spec, an experiment with it under a tag, and a sweep without."""
    spec = {
        "name": "near zero",
        "tags": ["figure-1"],
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.75]}},
        "student": {"kind": "linear", "dim": 20},
        "training": {"length": 6},
        "optimizer": {"lr": 0.02, "steps": 5000},
        "seeds": 3,
    }
    base = {name: value for name, value in spec.items() if name not in {"name", "tags"}}
    client.submit(spec).wait(90)
    sweep = client.sweep(base, [{"path": "training.length", "values": [4, 6]}]).wait(90)
    return {
        "lab": client,
        "spec": spec,
        "base": base,
        "sweep": sweep,
        "Lab": Lab,
        "AsyncLab": AsyncLab,
        "asyncio": asyncio,
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_is_true(name, known, lab, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRAPOLAB_URL", lab.url)
    told = []
    test = EXAMPLES[name]
    test.globs.update(known)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=told.append)
    assert not runner.failures, "".join(told)


def test_the_doors_have_examples():
    doors = ("lab.Lab", "findings.Findings.table", "lab.Lab.as_completed", "lab.Lab.sweep")
    assert {f"extrapolab.{door}" for door in doors} <= EXAMPLES.keys()
