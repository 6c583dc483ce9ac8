"""The examples in the client's docstrings, run in a whole lab."""

import asyncio
import doctest
import importlib
import pkgutil

import pytest

import extrapolab
from extrapolab import AsyncLab, Lab

MODULES = [
    module.name
    for module in pkgutil.walk_packages(extrapolab.__path__, "extrapolab.")
    if "main" not in module.name
]
FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = {
    test.name: test
    for name in MODULES
    for test in FINDER.find(importlib.import_module(name))
    if test.examples
}


@pytest.fixture
def example_names(client):
    """The names that the examples use: a lab, a spec, a tagged experiment and a sweep."""
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
def test_example_is_true(name, example_names, lab, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRAPOLAB_URL", lab.url)
    output = []
    test = EXAMPLES[name]
    test.globs.update(example_names)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=output.append)
    assert not runner.failures, "".join(output)


def test_entry_points_have_examples():
    names = (
        "lab.Lab",
        "queries.LabQueries.table",
        "reader.LabReader.as_completed",
        "lab.Lab.sweep",
    )
    assert {f"extrapolab.client.{name}" for name in names} <= EXAMPLES.keys()
