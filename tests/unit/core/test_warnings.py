"""Warnings appear for the specs and runs that they describe, and for no others."""

import numpy as np
import pytest

from core.caveats import caveats
from core.result import Outcome
from core.warnings import warnings
from tests.unit.core.test_training import spec_of


def test_an_ordinary_spec_has_no_warning():
    assert warnings(spec_of()) == []


def test_a_teacher_with_a_symmetric_realisation_has_no_warning():
    teacher = {
        "kind": "explicit",
        "A": [[0.9, 1], [0, -0.5]],
        "B": [[0.1], [0.2]],
        "C": [[0.3, 0.1]],
    }
    assert warnings(spec_of(teacher=teacher)) == []


def student(dim=6, **changes):
    return {"kind": "linear", "dim": dim, **changes}


BALANCED = {"scale": 0.1, "balanced": True}
UNBALANCED = {
    "kind": "unbalanced",
    "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
    "weights": [0.7, -0.5],
}
LARGE = {"kind": "list", "values": [1.05, 0.5]}
UNSTABLE = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [1.5]}}
COUNTEREXAMPLE = student(start={"kind": "counterexample"})
WIDE = student(structure="general", start={"kind": "wide"})
GRU = {"kind": "gru", "dim": 6}


@pytest.mark.parametrize(
    "changes",
    [
        {"student": GRU},
        {"student": student(start=BALANCED)},
        {"teacher": UNBALANCED},
        {"teacher": UNBALANCED, "student": student(structure="general", start=BALANCED)},
        {
            "teacher": UNBALANCED,
            "student": student(start=BALANCED),
            "optimizer": {"rates": {"C": 0.5}},
        },
        {"student": COUNTEREXAMPLE, "optimizer": {"lr": 1e-4}},
        {"student": COUNTEREXAMPLE, "optimizer": {"kind": "momentum"}},
        {"student": WIDE, "optimizer": {"rates": {"A": 1 / 6, "C": 1 / 6}}},
        {"student": student(start={"kind": "from_experiment", "id": "x"})},
        {"student": student(start={"kind": "from_experiment", "id": "x", "seed": 3}), "seeds": [0]},
        {"teacher": {"kind": "gru"}, "student": GRU},
        {"student": student(readout={})},
        {"training": {"length": 4, "loss": {"kind": "finite_sample", "sequences": 4}}},
    ],
)
def test_an_intended_spec_has_no_warning(changes):
    assert warnings(spec_of(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"student": {"kind": "lstm", "dim": 3}}, "d = 3 <= k = 4"),
        ({"teacher": {"kind": "gru"}, "student": student()}, "can only approximate a gru"),
        (
            {"teacher": {"kind": "rotation"}, "student": student(structure="diagonal")},
            "no diagonal student has",
        ),
        ({"student": COUNTEREXAMPLE, "optimizer": {"lr": 0.1}}, "at the counterexample"),
        (
            {
                "student": student(41, start={"kind": "counterexample"}),
                "training": {"length": 40},
                "evaluation": {},
                "optimizer": {"lr": 1e-5},
            },
            "grow as 2^k",
        ),
        ({"student": WIDE}, "A = C = 1/d = 0.166667"),
        (
            {"student": student(start={"kind": "from_experiment", "id": "x", "seed": 3})},
            "one run of an experiment",
        ),
        ({"student": {**GRU, "start": {"kind": "gaussian", "scale": 0}}}, "exactly zero"),
        (
            {"training": {"length": 4, "loss": {"kind": "finite_sample", "sequences": 1}}},
            "The sample has 1 sequence, fewer than k = 4",
        ),
        (
            {
                "training": {
                    "length": 2,
                    "loss": {"kind": "second_moment", "matrix": [[1, 1], [1, 1]]},
                }
            },
            "singular",
        ),
        ({"student": student(4)}, "d = 4 <= k = 4"),
        ({"teacher": {"kind": "rotation"}}, "complex poles"),
        ({"teacher": {"kind": "delay", "lag": 2}}, "defective pole"),
        (
            {
                "teacher": {"kind": "unbalanced"},
                "student": {"kind": "linear", "dim": 6, "tied": True},
            },
            "unbalanced",
        ),
        ({"optimizer": {"lr": 5.0}}, "above 2 / sharpness"),
        (
            {"teacher": UNBALANCED, "student": student(start=BALANCED)},
            "rounding breaks the balance",
        ),
        (
            {
                "teacher": UNBALANCED,
                "student": student(
                    structure="general", start={"kind": "identity", "balanced": True}
                ),
            },
            "rounding breaks the balance",
        ),
        ({"teacher": {"kind": "balanced", "eigenvalues": LARGE}}, "unstable"),
        (
            {"teacher": UNSTABLE, "evaluation": {"horizon": 2000}, "optimizer": {"lr": 1e-4}},
            "past the range of float64 from lag 1751 on",
        ),
        (
            {
                "teacher": UNSTABLE,
                "evaluation": {"horizon": 2000, "metrics": []},
                "student": GRU,
            },
            "past the range of float64 from lag 1751 on",
        ),
        ({"teacher": {"kind": "memoryless", "gain": 0.0}}, "nothing to learn"),
        ({"teacher": {"kind": "explicit", "A": [[1.5]], "B": [[0.01]], "C": [[0.01]]}}, "unstable"),
        ({"student": {"kind": "linear", "dim": 6, "start": {"scale": 0}}}, "exactly zero"),
        (
            {
                "training": {
                    "length": 1,
                    "outputs": "all",
                    "loss": {"kind": "second_moment", "matrix": [[1]]},
                }
            },
            "not used",
        ),
        (
            {
                "student": {
                    "kind": "linear",
                    "dim": 5,
                    "structure": "diagonal",
                    "start": {
                        "kind": "explicit",
                        "A": [[0] * 5] * 5,
                        "B": [[1]] * 5,
                        "C": [[1] * 5],
                    },
                }
            },
            "one seed is enough",
        ),
    ],
)
def test_a_questionable_spec_has_one_warning(changes, text):
    (warning,) = warnings(spec_of(**changes))
    assert text in warning


HALVED = {"kind": "exponential", "every": 100}
WARMUP = {"kind": "warmup", "steps": 100}


def summary_of(sharpness=1.0, radius=0.9):
    return {"sharpness": sharpness, "spectral_radius": radius}


@pytest.mark.parametrize(
    ("optimizer", "summary", "texts"),
    [
        ({"lr": 0.1}, summary_of(sharpness=19), []),
        ({"lr": 0.1}, summary_of(sharpness=21), ["lr = 0.1 is above 2 / sharpness = 0.0952"]),
        ({"lr": 0.1}, summary_of(sharpness=float("nan")), []),
        ({"lr": 0.1}, summary_of(sharpness=float("inf")), []),
        ({"kind": "momentum", "lr": 0.1}, summary_of(sharpness=1e9), []),
        ({"lr": 0.1, "steps": 100, "schedule": {"kind": "cosine"}}, summary_of(sharpness=21), []),
        ({"lr": 0.1, "steps": 100, "schedule": HALVED}, summary_of(sharpness=39), []),
        ({"lr": 0.1, "steps": 101, "schedule": HALVED}, summary_of(sharpness=41), ["lr = 0.05 is"]),
        ({"lr": 0.1, "steps": 50, "schedule": WARMUP}, summary_of(sharpness=41), ["lr = 0.05 is"]),
        ({}, summary_of(radius=1.0), []),
        ({}, summary_of(radius=1.25), ["spectral radius of A is above 1 by 0.25"]),
        ({}, summary_of(radius=1 + 3e-6), ["spectral radius of A is above 1 by 3e-06"]),
        ({"lr": 0.1}, summary_of(sharpness=-40), []),
        ({"lr": 0.1}, summary_of(100, 2.0), ["2 / sharpness", "spectral radius"]),
        ({}, {}, []),
        ({}, {"zero_baseline": 0.0, "fit_error": 0.5, "sequence_fit_error": 0.5}, ["no baseline"]),
        ({}, {"zero_baseline": 0.0, "fit_error": 0.5, "sequence_fit_error": np.nan},
         ["no baseline", "no variance"]),
        ({}, {"zero_baseline": 0.0, "fit_error": np.nan, "sequence_fit_error": np.nan},
         ["no baseline"]),
    ],
)  # fmt: skip
def test_a_run_has_the_warnings_of_its_numbers(optimizer, summary, texts):
    sentences = caveats(spec_of(optimizer=optimizer), summary)
    assert len(sentences) == len(texts)
    assert all(text in sentence for text, sentence in zip(texts, sentences, strict=True))


@pytest.mark.parametrize(
    ("outcome", "error", "count"),
    [
        (Outcome.FITTED, np.nan, 2),
        (Outcome.STEP_BUDGET_SPENT, 0.9, 2),
        (Outcome.STEP_BUDGET_SPENT, 40.0, 1),
        (Outcome.DIVERGED, 40.0, 0),
    ],
)
def test_a_step_size_is_judged_only_where_the_student_learned(outcome, error, count):
    """A diverged run's 2 / sharpness, 1e-46 or so, says nothing about the step size."""
    summary = {**summary_of(sharpness=2e46, radius=1e9), "sequence_fit_error": error}
    sentences = caveats(spec_of(optimizer={"lr": 0.1}), summary, outcome)
    assert len(sentences) == count
