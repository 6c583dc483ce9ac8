"""Imported runs in figures of recipes."""

import pytest

from tests.integration.service.saved_figures.recipes import refusal


def test_imported_runs_are_shown_and_counted_as_imported(client, preview, experiments):
    content = "training.length,student.start.scale,seed,outcome,train_loss\n6,0.01,0,fitted,0.5\n"
    base = {
        "teacher": {"kind": "delay"},
        "student": {"kind": "linear", "dim": 3},
        "steps": 5,
        "tags": ["a"],
    }
    imported = client.post(
        "/v1/imports", json={"file": "runs.csv", "content": content, "base": base}
    )
    assert imported.status_code == 201, imported.text
    data = preview().json()
    assert data["panels"][0]["lines"][0]["x"] == [2.0, 4.0, 6.0]
    assert "5 completed experiments, 1 of them imported, with 9 runs" in data["caption"]


@pytest.mark.parametrize("along", ["lag", "rank", "step", "time"])
def test_imported_runs_have_no_curves(client, preview, experiments, along):
    content = "training.length,seed,outcome,train_loss\n6,0,fitted,0.5\n"
    base = {"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 3}, "steps": 5}
    file = {"file": "runs.csv", "content": content, "base": base | {"tags": ["a"]}}
    assert client.post("/v1/imports", json=file).status_code == 201
    curves = preview(x=along, y=None, series=None).json()
    assert len(curves["spec_hashes"]) == 4
    assert ("1 run imported without these numbers" in curves["caption"]) is (along != "time")
    assert ("1 run without a training time" in curves["caption"]) is (along == "time")
    alone = preview("svg", query="source = import", x=along, y=None, series=None)
    status, sentence = refusal(alone)
    assert status == 409
    assert "imported" in sentence


def test_an_imported_series_without_times_is_told_to_have_none(client, preview):
    content = "training.length,seed,outcome,step,train_loss\n6,0,,0,1.0\n6,0,fitted,5,0.5\n"
    base = {"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 3}, "steps": 5}
    file = {"file": "runs.csv", "content": content, "base": base | {"tags": ["a"]}}
    assert client.post("/v1/imports", json=file).status_code == 201
    status, sentence = refusal(preview("svg", x="time", series=None))
    assert (status, "recorded a training time" in sentence) == (409, True)
