"""Figures of relative errors that are undefined, as the teacher's response is 0 past k."""

import math

import pytest

from core.figures.recipes.baseline import NOTE
from core.result import Outcome
from tests.kit import sample_specs

RELATIVE = "relative_extrapolation_error"
WITHOUT = {RELATIVE: math.nan, "zero_baseline": 0.0}
RECIPE = {"query": "tag:a", "x": "training.length"}


@pytest.fixture
def complete(submit, worker):
    """Completes an experiment for each k, of which some have no baseline and a diverged seed."""

    def complete(lengths, without=()):
        for length in lengths:
            submit(tags=["a"], training={"length": length})
            finish(worker, length in without)

    return complete


def finish(worker, without_baseline):
    claim = worker.claim()
    runs = [sample_specs.run(0), sample_specs.run(1)]
    if without_baseline:
        runs[1] = sample_specs.run(1, outcome=Outcome.DIVERGED)
        runs = [r.model_copy(update={"summary": r.summary | WITHOUT}) for r in runs]
    points = sample_specs.points([0, 100], claim.spec.seeds, value=0.5)
    if without_baseline:
        points[RELATIVE] = points[RELATIVE] * math.nan
    worker.complete(claim, sample_specs.result(*runs), points)


@pytest.fixture
def preview(client):
    def preview(**changes):
        answer = client.get("/v1/figures/preview.json", params=RECIPE | changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return preview


@pytest.mark.parametrize("x", ["training.length", "step", "imbalance"])
def test_without_any_baseline_the_absolute_error_is_shown_and_it_says_so(complete, preview, x):
    complete([4, 5], without=[4, 5])
    data = preview(x=x, **({"y": RELATIVE} if x == "step" else {}))
    assert NOTE in data["caption"]
    assert data["title"].startswith("Extrapolation error against")
    (panel,) = data["panels"]
    assert panel["y"].startswith("extrapolation error")
    assert "baseline" not in panel["y"] + str(panel["levels"])
    assert all(y != "NaN" for line in panel["lines"] for y in line["y"])
    assert [len(line["x"]) for line in panel["lines"]] == [2]


def test_runs_without_a_baseline_are_left_out_and_counted(complete, preview):
    complete([3, 4, 5], without=[4])
    data = preview()
    assert "2 of 2 completed" not in data["caption"]
    assert "Left out: 2 runs without a baseline" in data["caption"]
    assert "From 2 completed experiments with 4 runs" in data["caption"]
    (panel,) = data["panels"]
    assert [line["x"] for line in panel["lines"]] == [[3.0, 5.0]]
    assert [level["label"] for level in panel["levels"]] == ["zero baseline"]
    curves = preview(x="step", y=RELATIVE)
    assert "Left out: 2 runs without a baseline" in curves["caption"]
    assert curves["panels"][0]["lines"][0]["seeds"] == [4, 4]


def test_a_map_shows_where_the_relative_error_is_undefined(complete, preview):
    complete([3, 4], without=[4])
    data = preview(kind="heatmap", series="student.dim")
    (grid,) = data["maps"]
    assert grid["values"][0][1] == "NaN"
    assert (grid["states"], grid["fitted"], grid["seeds"]) == (
        [["completed", "completed"]],
        [[2, 1]],
        [[2, 2]],
    )
    assert "Left out: 2 runs without a baseline" in data["caption"]


def test_a_sweep_falls_back_to_the_absolute_error_only_without_any_baseline(
    client, worker, submit_sweep
):
    path = submit_sweep(
        {"path": "training.length", "values": [4, 5]}, {"path": "student.dim", "values": [3]}
    )
    finish(worker, True)
    pictures = [f"{path}/figures/{name}.json" for name in ("lines", "heatmap")]
    for picture in pictures:
        params = {"x": "training.length", "series": "student.dim"}
        assert NOTE in client.get(picture, params=params).json()["caption"]
    finish(worker, False)
    for picture in pictures:
        caption = client.get(picture, params=params).json()["caption"]
        assert NOTE not in caption
        assert "Left out: 2 runs without a baseline" in caption
