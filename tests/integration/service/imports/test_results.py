"""Every query, table and figure has imported runs, and none takes them for computed ones."""

import io
import math
import zipfile

import pytest

from tests.integration.service.conftest import body
from tests.integration.service.export_files import FORMATS, read
from tests.integration.service.imports.files import (
    BASE,
    BASELINE,
    list_experiments,
    send,
    send_and_list,
)

POINTS = """\
training.length,seed,step,loss,outcome,who
6,3,100,0.25,step_budget_spent,me
6,3,0,1.5,,me
"""


def test_queries_and_tables_have_imports_and_can_exclude_them(client):
    computed = client.post("/v1/experiments", json=body()).json()["id"]
    imported = {item["id"] for item in send_and_list(client)}
    assert {item["id"] for item in list_experiments(client, "source = lab")} == {computed}
    assert {item["id"] for item in list_experiments(client, "not source = import")} == {computed}
    assert {
        item["id"]
        for item in list_experiments(client, "any(outcome = fitted and fit_error < 1e-8)")
    } < imported
    table = client.get(
        "/v1/table", params={"by": "source,training.length", "metrics": "fit_error"}
    ).json()["items"]
    assert [(row["by"]["source"], row["by"]["training.length"], row["seeds"]) for row in table] == [
        ("import", 4, 2),
        ("import", 6, 1),
    ]
    assert table[0]["metrics"]["fit_error"]["median"] == pytest.approx(1.5e-9)
    exported = client.get(
        "/v1/export", params={"format": "csv", "what": "runs", "q": "source = import"}
    ).text
    header, *rows = exported.splitlines()
    assert [row.split(",")[header.split(",").index("source")] for row in rows] == ["import"] * 3


def test_rows_with_a_step_are_a_series_and_the_last_one_ends_the_run(client):
    answer = send(
        client, POINTS, columns={"loss": "train_loss", "who": None}, base={**BASE, "steps": None}
    )
    assert answer.status_code == 201, answer.text
    (experiment,) = client.get(answer.json()["links"]["self"]).json()["items"]
    (run,) = experiment["runs"]
    assert (run["seed"], run["outcome"], run["steps"]) == (3, "step_budget_spent", 100)
    assert (run["summary"].keys(), run["summary"]["train_loss"]) == (
        {"train_loss", "zero_baseline"},
        0.25,
    )
    path = f"/v1/experiments/{experiment['id']}"
    series = client.get(f"{path}/series", params={"names": "train_loss,fit_error"}).json()
    assert series == {
        "seed": [3, 3],
        "step": [0, 100],
        "train_loss": [1.5, 0.25],
        "fit_error": [None, None],
    }
    assert client.get(f"{path}/figures/training.svg").status_code == 200
    data = client.get(f"{path}/figures/training.json").json()
    assert "so far" not in data["title"] + data["caption"]
    assert (data["not_fitted"], "0 of 1 seed fits." in data["caption"]) == ([3], True)
    imbalance = client.get(f"{path}/figures/imbalance.json")
    assert imbalance.status_code == 409
    assert "imported without imbalance and invariant_drift" in imbalance.text


def test_a_relative_error_without_a_baseline_is_undefined_and_the_run_says_why(client):
    delay = BASE | {"teacher": {"kind": "delay", "lag": 2}}
    rows = "training.length,step,outcome,extrapolation_error\n4,0,,2.0\n4,9,fitted,0.2\n"
    (experiment,) = send_and_list(client, content=rows, base=delay | {"steps": None})
    (run,) = experiment["runs"]
    assert run["summary"] == {
        "extrapolation_error": 0.2,
        "zero_baseline": 0.0,
        "relative_extrapolation_error": "NaN",
    }
    (warning,) = run["warnings"]
    assert "no baseline to compare with" in warning
    series = client.get(f"/v1/experiments/{experiment['id']}/series").json()
    assert series["relative_extrapolation_error"] == ["NaN", "NaN"]
    query = {"query": "source = import", "x": "training.length"}
    data = client.get("/v1/figures/preview.json", params=query).json()
    assert "Absolute error" in data["caption"]


def test_relative_errors_of_points_follow_from_the_teacher(client):
    rows = "training.length,step,outcome,extrapolation_error\n4,0,,2.0\n4,9,fitted,0.2\n"
    (experiment,) = send_and_list(client, content=rows, base=BASE | {"steps": None})
    series = client.get(f"/v1/experiments/{experiment['id']}/series").json()
    expected = pytest.approx([2.0 / BASELINE, 0.2 / BASELINE])
    assert series["relative_extrapolation_error"] == expected


def test_recorded_trajectories_and_missing_series_are_told_with_the_true_reason(client):
    rows = "training.length,step,outcome\n4,0,\n4,9,fitted\n"
    base = BASE | {"steps": None, "evaluation": {"record": ["response"]}}
    (experiment,) = send_and_list(client, content=rows, base=base)
    answer = client.get(f"/v1/experiments/{experiment['id']}/figures/trajectory.json")
    assert (answer.status_code, "imported, without its recorded response" in answer.text) == (
        409,
        True,
    )
    first, second, _ = send_and_list(client)
    ids = f"{first['id']},{second['id']}"
    answer = client.get(f"/v1/compare/figures/training.json?ids={ids}")
    assert (answer.status_code, "was imported without a series" in answer.text) == (409, True)


def test_what_needs_arrays_is_refused_because_imports_have_none(client):
    first, second = send_and_list(client)
    for path in ("result", "figures/response.svg", "figures/training.svg"):
        answer = client.get(f"/v1/experiments/{first['id']}/{path}")
        assert (answer.status_code, "imported" in answer.json()["errors"][0]["message"]) == (
            409,
            True,
        ), path
    compared = client.get("/v1/compare", params={"ids": f"{first['id']},{second['id']}"})
    assert [item["state"] for item in compared.json()["experiments"]] == ["completed"] * 2
    assert (
        client.get(
            "/v1/compare/figures/response.svg", params={"ids": f"{first['id']},{second['id']}"}
        ).status_code
        == 409
    )
    names = zipfile.ZipFile(io.BytesIO(client.get("/v1/bundle").content)).namelist()
    assert f"{first['id']}/experiment.json" in names
    assert f"{first['id']}/result.json" not in names


@pytest.mark.parametrize(
    ("x", "y", "missing"),
    [
        ("lag", "", "responses or parameters"),
        ("rank", "", "responses or parameters"),
        ("step", "fit_error", "points with fit_error"),
        ("training.length", "train_loss", "train_loss"),
        ("training.length", "fit_error", ""),
    ],
)
def test_a_figure_over_a_query_shows_imports_if_they_have_its_data(client, x, y, missing):
    send_and_list(client)
    answer = client.get(
        "/v1/figures/preview.json",
        params={"query": "all(outcome = fitted)", "x": x} | ({"y": y} if y else {}),
    )
    if missing:
        assert answer.status_code == 409, answer.text
        assert f"all matching runs were imported, without {missing}" in answer.text
    else:
        assert answer.status_code == 200, answer.text


PARTLY = """\
training.length,seed,step,outcome,train_loss,fit_error
4,0,0,step_budget_spent,1.5,
4,0,9,step_budget_spent,,NaN
"""


def test_a_missing_value_stays_missing_and_nan_stays_nan(client):
    (experiment,) = send_and_list(client, content=PARTLY, base=BASE | {"steps": None})
    names = ("train_loss", "fit_error", "imbalance")
    listed = ",".join(names)
    for form in FORMATS:
        for what, expected in (
            ("series", [[1.5, None, None], [None, math.nan, None]]),
            ("runs", [[None, math.nan, None]]),
        ):
            rows = read(client, form, what=what, metrics=listed, fields="name")
            assert repr([[row[name] for name in names] for row in rows]) == repr(expected), form
    path = f"/v1/experiments/{experiment['id']}/series?names={listed}"
    assert client.get(path).json()["fit_error"] == [None, "NaN"]
    columns = client.get(f"{path}&form=columns").json()["seeds"]["0"]
    assert (columns["train_loss"], columns["fit_error"]) == ([1.5, None], [None, "NaN"])
    parameters = {"metrics": listed, "group": False}
    (row,) = client.get("/v1/table", params=parameters).json()["items"]
    assert row["metrics"] == {"train_loss": None, "fit_error": "NaN", "imbalance": None}
    exported = client.get("/v1/export", params={"metrics": listed}).text
    again = send_and_list(client, content=exported, file="again.csv", base={})
    summaries = [one["runs"][0]["summary"] for one in again]
    assert [summary.pop("fit_error") for summary in summaries] == ["NaN", "NaN"]
    assert [list(summary) for summary in summaries] == [["zero_baseline"]] * 2
