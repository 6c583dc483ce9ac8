"""A lab imports what it exports: every kind of spec, whatever its name and tags are."""

import itertools
from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.result import Outcome
from core.spec import ExperimentSpec
from service.intake import import_file
from store.experiments import imports
from store.experiments.draft import Draft
from store.experiments.imports import ImportedRuns
from store.records import RunRecord

NUMBER = st.floats(1e-9, 0.9)
TEXT = st.one_of(
    st.sampled_from(["", "12", "true", "null", "NaN", "=1+1", "'=1", "-0.5", "@a", '[1, "a"]']),
    st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' ;,"='), max_size=9),
)
MATRIX = [[0.5, 0.1], [0.1, 0.25]]
THREE = [[1.0, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.0, 1.0]]
LISTED = {"kind": "list", "values": [0.9, -0.5]}
TEACHERS = [
    {"kind": "balanced", "eigenvalues": LISTED, "weights": [0.25, 0.75]},
    {"kind": "balanced", "dim": 3, "eigenvalues": {"kind": "uniform", "low": -0.5, "high": 0.5}},
    {"kind": "unbalanced", "eigenvalues": LISTED, "seed": 3},
    {"kind": "memoryless", "gain": 0.5},
    {"kind": "delay", "lag": 2},
    {"kind": "rotation", "angle": 0.1, "radius": 0.9},
    {"kind": "random", "dim": 2, "spectral_radius": 0.3, "seed": 7},
    {"kind": "explicit", "A": MATRIX, "B": [[0.1], [0.2]], "C": [[0.3, 0.1]]},
    {"kind": "gru", "dim": 2, "memory": 5.0},
    {"kind": "lstm", "dim": 2},
    {"kind": "tanh_rnn", "dim": 2},
]
STARTS = [
    {"kind": "gaussian", "balanced": True},
    {"kind": "identity", "scale": 0.5},
    {"kind": "explicit", "A": MATRIX, "B": [[0.1], [0.2]], "C": [[0.3, 0.1]]},
    {"kind": "warm", "gap": 0.25, "fixed": 0.5},
    {"kind": "wide", "variance_a": 0.2},
    {"kind": "counterexample", "beyond": 0.5},
    {"kind": "from_experiment", "id": "exp_0", "seed": 1},
]
STUDENTS = [
    *({"kind": "linear", "dim": dim, "start": start} for start in STARTS for dim in (2, 5)),
    {"kind": "linear", "dim": 2, "structure": "general", "trained": ["A"]},
    {"kind": "linear", "dim": 2, "readout": {}},
    {"kind": "gru", "dim": 2, "start": {"kind": "gaussian", "scale": 0.5}},
    {"kind": "lstm", "dim": 2, "start": {"kind": "default"}},
    {"kind": "tanh_rnn", "dim": 2},
]
LOSSES = [
    {},
    {"kind": "population", "covariance": {"kind": "ar1", "rho": 0.5}},
    {"kind": "population", "covariance": {"kind": "explicit", "matrix": THREE}},
    {"kind": "finite_sample", "sequences": 4, "distribution": "rademacher"},
    {"kind": "finite_sample", "inputs": THREE},
    {"kind": "second_moment", "matrix": THREE},
]
OPTIMIZERS = [
    *(
        {"kind": "gd", "schedule": {"kind": kind}}
        for kind in ("constant", "cosine", "exponential", "warmup")
    ),
    {"kind": "gd", "rates": {"A": 0.5}, "stop": {"loss_below": 1e-9}},
    {"kind": "momentum"},
    {"kind": "adaptive_gd", "beta": 0.5},
    {"kind": "adam", "betas": [0.5, 0.75]},
    {"kind": "gradient_flow", "time": 5.0},
]
EVALUATIONS = [
    {},
    {"horizon": 9, "record_at": [3], "record": ["response"], "metrics": ["sharpness"]},
    {"baselines": ["era"], "metrics": []},
]


@st.composite
def specs(draw):
    """A valid spec of any kinds."""
    parts = {
        "teacher": draw(st.sampled_from(TEACHERS)),
        "student": draw(st.sampled_from(STUDENTS)),
        "training": {"length": 3, "loss": draw(st.sampled_from(LOSSES))},
        "optimizer": draw(st.sampled_from(OPTIMIZERS)),
        "evaluation": draw(st.sampled_from(EVALUATIONS)) | {"fit_tolerance": draw(NUMBER)},
        "name": draw(TEXT),
        "notes": draw(TEXT),
        "tags": draw(st.lists(TEXT.filter(bool), unique=True, max_size=3)),
        "seeds": draw(
            st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3, unique=True).map(sorted)
        ),
    }
    with suppress(ValidationError):
        return ExperimentSpec.model_validate(parts)
    assume(False)
    raise AssertionError


def kinds(document):
    """Every ``kind`` in a document."""
    if isinstance(document, dict):
        own = {document["kind"]} if isinstance(document.get("kind"), str) else set()
        return own.union(*map(kinds, document.values()))
    return set().union(*map(kinds, document)) if isinstance(document, list) else set()


def test_every_kind_is_among_the_examples():
    schema = ExperimentSpec.model_json_schema()
    known = set()
    for part in schema["$defs"].values():
        kind = part.get("properties", {}).get("kind", {})
        known |= {*kind.get("enum", ()), kind.get("const")} - {None}
    assert kinds([TEACHERS, STUDENTS, LOSSES, OPTIMIZERS]) | {"uniform"} == known


EXPORTS = [
    {"format": "csv"},
    {"format": "csv", "safe": True},
    {"format": "json"},
    {"format": "ndjson"},
    {"format": "json", "what": "experiments"},
    {"format": "ndjson", "what": "experiments"},
]
numbers = itertools.count()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(original=specs())
def test_an_exported_spec_is_imported_as_it_was(client, app, original):
    owner = f"u{next(numbers)}"
    runs = [RunRecord(seed, Outcome.FITTED, 7, {"fit_error": 0.5}) for seed in original.seeds]
    experiment = ImportedRuns(Draft.from_spec(original), runs, {})
    with app.state.context.database.write() as tx:
        imports.add(tx, [experiment], digest=owner, owner=owner, provenance={})
    for options in EXPORTS:
        answer = client.get("/v1/export", params={"q": f"owner = {owner}", **options})
        file = f"export.{options['format']}"
        (read,) = import_file.read(file, answer.content.decode(), {}, {}, [])
        assert read.draft.spec.model_dump() == original.model_dump(), options
        exported = [replace(run, summary={"fit_error": 0.5}, warnings=()) for run in read.runs]
        assert exported == runs, options
