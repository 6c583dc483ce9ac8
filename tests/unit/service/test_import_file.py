"""Imported files: how they are read, and how invalid ones are refused."""

import json

import numpy as np
import pytest

from core.errors import SpecError
from service.intake import import_file

BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "student": {"kind": "linear", "dim": 20},
    "steps": 500,
}


def read(content, *, name="runs.csv", base=BASE, columns=None, tags=()):
    return import_file.read(name, content, base, columns or {}, tags)


@pytest.mark.parametrize("form", ["list", "object", "lines"])
def test_the_same_runs_can_be_json(form):
    rows = [
        {"training": {"length": 4}, "seed": n, "outcome": "fitted", "fit_error": 1e-9}
        for n in range(2)
    ]
    name, content = {
        "list": ("runs.json", json.dumps(rows)),
        "object": ("runs.json", json.dumps({"rows": rows})),
        "lines": ("runs.ndjson", "\n".join(map(json.dumps, rows))),
    }[form]
    (experiment,) = read(content, name=name)
    assert [run.summary["fit_error"] for run in experiment.runs] == [1e-9] * 2
    assert experiment.draft.spec.training.length == 4


def test_runs_without_a_seed_are_numbered():
    (experiment,) = read("training.length,outcome,fit_error\n4,fitted,1\n4,fitted,2\n")
    assert [(run.seed, run.summary["fit_error"]) for run in experiment.runs] == [(0, 1.0), (1, 2.0)]


def test_a_cell_is_read_as_json_or_else_as_text():
    content = (
        "training.length,outcome,teacher.eigenvalues.values,student.tied,name\n"
        '4,fitted,"[0.5, 0.25]",true,a b\n'
    )
    (experiment,) = read(content)
    spec = experiment.draft.spec
    assert (spec.teacher.eigenvalues.values, spec.student.tied, spec.name) == (
        (0.5, 0.25),
        True,
        "a b",
    )


def test_a_row_overrides_the_base():
    experiments = read(
        "training.length,outcome,steps\n4,fitted,7\n5,fitted,\n",
        base={**BASE, "training.length": 9},
    )
    assert [(item.draft.spec.training.length, item.runs[0].steps) for item in experiments] == [
        (4, 7),
        (5, 500),
    ]


def test_values_that_were_not_recorded_are_missing():
    (experiment,) = read(
        "training.length,outcome,step,fit_error\n4,fitted,1,\n4,fitted,0,2\n",
        base={**BASE, "steps": None},
    )
    (run,) = experiment.runs
    assert (run.steps, run.summary.keys()) == (1, {"zero_baseline"}), "it follows from the teacher"
    points = experiment.points
    order = np.argsort(points["step"])
    assert points["fit_error"][order].tolist()[0] == 2.0
    assert np.isnan(points["fit_error"][order][1])
    assert np.isnan(points["train_loss"]).all()


def test_tags_of_a_row_come_first():
    (experiment,) = read('training.length,outcome,tags\n4,fitted,"a,b"\n', tags=["import:x"])
    assert experiment.draft.spec.tags == ("a", "b", "import:x")


@pytest.mark.parametrize(
    ("content", "further", "pointer", "words"),
    [
        ("a.b\n1\n", {}, "/columns", "a.b"),
        ("fit_eror\n1\n", {}, "/columns", "fit_error"),
        ("x\n1\n", {"name": "runs.xlsx"}, "/file", ".csv"),
        ("training.length,training.length\n1,2\n", {}, "/content", "twice"),
        ("training.length,seed\n1\n", {}, "/content", "row 2 has 1 cells"),
        ("{", {"name": "runs.json"}, "/content", "JSON"),
        ('[{"outcome": 1, "outcome": 2}]', {"name": "runs.json"}, "/content", "'outcome' appears"),
        ('{"steps": 1, "steps": 2}\n', {"name": "runs.ndjson"}, "/content", "'steps' appears"),
        (",".join(map(str, range(1_001))), {}, "/content", "1000 columns"),
        ("a\n" + "1\n" * 250_001, {}, "/content", "250001 lines"),
        ("3", {"name": "runs.json"}, "/content", "list of objects"),
        ("", {}, "/content", "no run"),
        ("training.length\n4\n", {}, "/content", "outcome"),
        ("training.length,outcome\n", {}, "/content", "no run"),
        ("training.length,outcome\n4,done\n", {}, "/content/2/outcome", "diverged"),
        ("training.length,outcome\n0,fitted\n", {}, "/content/2/training.length", "greater than"),
        ("training.size,outcome\n4,fitted\n", {}, "/content/2/training.size", "unknown field"),
        ("training.length,outcome,seed\n4,fitted,1\n4,fitted,1\n", {}, "/content/3/seed", "row 2"),
        ("training.length,outcome,seed\n4,fitted,x\n", {}, "/content/2/seed", "whole"),
        ("training.length,outcome,fit_error\n4,fitted,low\n", {}, "/content/2/fit_error", "number"),
        (
            "training.length,outcome,step\n4,fitted,1\n4,fitted,1\n",
            {},
            "/content/3/step",
            "already",
        ),
        ("a,train_loss\n1,2\n", {"columns": {"a": "train_loss"}}, "/columns", "two columns"),
        ("training.length,outcome,seed\n4,fitted,NaN\n", {}, "/content/2/seed", "whole"),
        (
            '[{"outcome": "fitted", "seed": 1%s}]' % ("0" * 400),
            {"name": "runs.json"},
            "/content/1/seed",
            "whole",
        ),
        ('[{"outcome": ["fitted"]}]', {"name": "runs.json"}, "/content/1/outcome", "diverged"),
        (
            '[{"outcome": "fitted", "tags": 5, "name": 5}]',
            {"name": "runs.json"},
            "/content/1/name",
            "string",
        ),
        ("outcome\n" + "[" * 20_000 + "\n", {}, "/content/2/outcome", "diverged"),
        ("training,training.length,outcome\n3,4,fitted\n", {}, "/content/2/training", "valid"),
        ("outcome\nfitted\n", {"base": {**BASE, "seeds": 3}}, "/base", "seeds"),
        ("outcome\nfitted\n", {"base": {}}, "/content", "steps"),
        ("training.length,outcome\n" + "4,done\n" * 30, {}, "/content", "10 more"),
    ],
)
def test_a_problem_names_its_row(content, further, pointer, words):
    with pytest.raises(SpecError) as error:
        read(content, **further)
    messages = {problem.pointer: str(problem) for problem in error.value.problems}
    assert words in messages[pointer], messages


def test_the_number_of_experiments_in_a_file_is_limited():
    rows = "".join(f"{0.1 + n / 10_000},fitted\n" for n in range(import_file.MAX_EXPERIMENTS + 1))
    with pytest.raises(SpecError, match="2001 experiments"):
        read("optimizer.lr,outcome\n" + rows, base={**BASE, "training.length": 4})


def test_numbers_of_the_file_are_kept_and_the_others_follow_from_the_teacher():
    content = (
        "training.length,outcome,extrapolation_error,zero_baseline\n4,fitted,3,2\n4,fitted,1,\n"
    )
    (experiment,) = read(content)
    given, computed = (run.summary for run in experiment.runs)
    assert (given["zero_baseline"], given["relative_extrapolation_error"]) == (2.0, 1.5)
    assert computed["relative_extrapolation_error"] == 1 / computed["zero_baseline"]


@pytest.mark.parametrize("teacher", [{"kind": "gru"}, {"kind": "balanced", "dim": 1000}])
def test_a_teacher_that_is_not_linear_or_very_large_has_no_computed_baseline(teacher):
    base = {**BASE, "teacher": teacher, "evaluation.horizon": 50}
    (experiment,) = read("training.length,outcome\n4,fitted\n", base=base)
    assert experiment.runs[0].summary == {}
