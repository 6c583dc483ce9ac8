"""Imported runs: every query and table has them, and none mistakes them for computed ones."""

import hashlib
import io
import math
import zipfile

import pytest
from starlette.testclient import TestClient

from service.app import build
from service.intake import import_file
from service.intake import import_jobs as running
from service.settings import Settings
from store.experiments import import_jobs
from tests.integration.service.conftest import NO_BROKER, body
from tests.integration.service.test_exports import FORMATS, read

BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "student": {"kind": "linear", "dim": 20},
    "steps": 500,
}
RUNS = """\
training.length,student.start.scale,seed,outcome,fit_error,extrapolation_error
4,0.01,0,fitted,1e-9,0.2
4,0.01,1,fitted,2e-9,0.4
6,0.01,0,diverged,inf,NaN
"""
BASELINE = 0.34463296575297303
"""The teacher's zero baseline for k = 4."""

POINTS = """\
training.length,seed,step,loss,outcome,who
6,3,100,0.25,step_budget_spent,me
6,3,0,1.5,,me
"""


@pytest.fixture
def client(database_url):
    app = build(Settings(database_url=database_url, broker_url=NO_BROKER))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def send(client, content=RUNS, *, file="runs.csv", query="", base=BASE, **further):
    return client.post(
        f"/v1/imports{query}", json={"file": file, "content": content, "base": base, **further}
    )


def list_experiments(client, q=""):
    return client.get("/v1/experiments", params={"q": q} if q else {}).json()["items"]


def test_a_file_of_runs_becomes_experiments_with_their_provenance(client):
    answer = send(client, origin="our old code", tags=["before"])
    assert answer.status_code == 201, answer.text
    imported = answer.json()
    sha256 = hashlib.sha256(RUNS.encode()).hexdigest()
    assert (imported["sha256"], imported["tag"]) == (sha256, f"import:{sha256[:12]}")
    assert [(item["seeds"], item["reused"]) for item in imported["experiments"]] == [
        (2, False),
        (1, False),
    ]
    first, second = sorted(
        client.get(imported["links"]["self"]).json()["items"], key=lambda item: len(item["runs"])
    )[::-1]
    assert (first["state"], first["source"], first["device"]) == (
        "completed",
        "import",
        "elsewhere",
    )
    assert first["provenance"] == {
        "source": "import",
        "file": "runs.csv",
        "sha256": sha256,
        "origin": "our old code",
    }
    assert first["spec"]["tags"] == ["before", imported["tag"]]
    assert first["spec"]["training"]["length"] == 4
    assert first["runs"][1] == {
        "seed": 1,
        "outcome": "fitted",
        "steps": 500,
        "summary": {
            "fit_error": 2e-9,
            "extrapolation_error": 0.4,
            "zero_baseline": pytest.approx(BASELINE),
            "relative_extrapolation_error": pytest.approx(0.4 / BASELINE),
        },
        "warnings": [],
    }
    diverged = second["runs"][0]["summary"]
    assert diverged | {"zero_baseline": 0} == {
        "fit_error": "Infinity",
        "extrapolation_error": "NaN",
        "zero_baseline": 0,
        "relative_extrapolation_error": "NaN",
    }
    events = client.get(f"/v1/experiments/{first['id']}/events").json()["items"]
    assert [event["kind"] for event in events] == ["submitted", "completed"]


def test_the_same_file_again_reuses_its_experiments(client):
    ids = [item["id"] for item in send(client).json()["experiments"]]
    again = send(client)
    assert again.status_code == 200
    assert [(item["id"], item["reused"]) for item in again.json()["experiments"]] == [
        (experiment_id, True) for experiment_id in ids
    ]
    different = send(client, base={**BASE, "optimizer.lr": 0.5}).json()["experiments"]
    assert not {item["id"] for item in different} & set(ids)


def test_a_submitted_spec_is_run_although_an_equal_one_was_imported(client):
    (imported,) = [
        item for item in send_and_list(client) if item["spec"]["training"]["length"] == 4
    ]
    spec = {
        name: imported["spec"][name]
        for name in imported["spec"]
        if name not in {"tags", "name", "notes"}
    }
    answer = client.post("/v1/experiments", json=spec)
    assert (answer.status_code, answer.json()["reused"], answer.json()["state"]) == (
        202,
        False,
        "queued",
    )
    assert answer.json()["spec_hash"] != imported["spec_hash"]
    assert answer.json()["setup_hash"] != imported["setup_hash"]
    base = {name: part for name, part in spec.items() if name != "training"}
    sweep = {"name": "", "base": base, "axes": [{"path": "training.length", "values": [4]}]}
    swept = client.get(client.post("/v1/sweeps", json=sweep).headers["location"]).json()
    assert [member["experiment"] for member in swept["members"]["items"]] == [answer.json()["id"]]


def send_and_list(client, **further):
    assert send(client, **further).status_code == 201
    return list_experiments(client, "source = import")


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


def test_no_experiment_can_start_from_an_import(client):
    imported, _ = send_and_list(client)
    start = {"kind": "from_experiment", "id": imported["id"]}
    spec = body(student={"kind": "linear", "dim": 20, "start": start})
    answer = client.post("/v1/experiments", json=spec)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "imported")


@pytest.mark.parametrize("verb", ["cancel", "retry", "pause", "resume"])
def test_an_import_is_completed_and_can_only_be_removed(client, verb):
    imported, _ = send_and_list(client)
    path = f"/v1/experiments/{imported['id']}"
    assert client.post(f"{path}:{verb}").status_code == 409
    etag = client.get(path).headers["etag"]
    assert client.delete(path, headers={"If-Match": etag}).status_code == 204


def test_a_dry_run_stores_nothing(client):
    answer = send(client, query="?dry_run=true")
    assert (answer.status_code, [item["id"] for item in answer.json()["experiments"]]) == (
        200,
        [None, None],
    )
    assert list_experiments(client) == []


def test_problems_name_their_rows_and_nothing_is_stored(client):
    answer = send(client, "training.length,outcome\n4,fitted\n0,done\n")
    assert answer.status_code == 422
    assert {problem["pointer"] for problem in answer.json()["errors"]} == {
        "/content/3/training.length",
        "/content/3/outcome",
    }
    assert send(client, colums={}).json()["errors"][0]["pointer"] == "/colums"
    assert list_experiments(client) == []


def test_an_idempotency_key_imports_once(client):
    request = {
        "json": {"file": "runs.csv", "content": RUNS, "base": BASE},
        "headers": {"Idempotency-Key": "k"},
    }
    first, second = (client.post("/v1/imports", **request) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())


def test_text_with_a_lone_surrogate_is_refused(client):
    content = b'{"file": "runs.csv", "content": "\\ud800"}'
    answer = client.post(
        "/v1/imports", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.text


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


def test_an_export_can_be_imported(client):
    assert send(client).status_code == 201
    exported = client.get("/v1/export", params={"format": "csv"}).text
    again = send(client, "\ufeff" + exported, file="again.csv", query="?dry_run=true", base={})
    assert again.status_code == 200, again.text
    assert sorted(item["seeds"] for item in again.json()["experiments"]) == [1, 2]


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


def test_an_unknown_column_is_named_with_the_nearest_and_not_with_all(client):
    (problem,) = send(client, RUNS.replace("fit_error", "fit_eror"), query="?dry_run=true").json()[
        "errors"
    ]
    assert problem["message"].startswith("unknown column; did you mean fit_error")
    assert len(problem["allowed"]) < 200


def test_an_import_in_the_background_has_a_state_and_happens_once(client, monkeypatch):
    started = send(client, query="?background=true")
    assert (started.status_code, started.headers["location"]) == (
        202,
        started.json()["links"]["self"],
    )
    job = client.get(started.headers["location"]).json()
    assert (job["state"], job["done"], job["of"]) == ("imported", 3, 3)
    assert [item["seeds"] for item in job["imported"]["experiments"]] == [2, 1]
    again = client.get(send(client, query="?background=true").headers["location"]).json()
    assert (again["id"], [one["reused"] for one in again["imported"]["experiments"]]) == (
        job["id"],
        [True, True],
    )
    assert len(list_experiments(client)) == 2
    checked = send(client, query="?background=true&dry_run=true").headers["location"]
    assert client.get(checked).json()["imported"]["experiments"][0]["id"] is None
    missing = client.get(f"/v1/imports/imp_{'0' * 64}")
    assert (missing.status_code, "no import" in missing.text) == (404, True)
    assert client.get("/v1/imports/imp_x").status_code == 422


def test_a_refused_import_in_the_background_says_why(client):
    started = send(client, "training.length,outcome\n0,fitted\n", query="?background=true")
    job = client.get(started.headers["location"]).json()
    assert (job["state"], job["imported"]) == ("refused", None)
    assert job["problem"]["status"] == 422
    assert job["problem"]["errors"][0]["pointer"] == "/content/2/training.length"


def test_a_running_import_is_not_started_again_and_a_lost_one_is(client, monkeypatch):
    monkeypatch.setattr(running, "run", lambda *_, **__: None)
    monkeypatch.setattr(running, "PROGRESS_SECONDS", 0.0)
    path = send(client, query="?background=true").headers["location"]
    assert client.get(path).json()["state"] == "running"
    monkeypatch.undo()
    assert send(client, query="?background=true").json()["state"] == "running"
    assert client.get(path).json()["state"] == "running", "it runs elsewhere"
    monkeypatch.setattr(import_jobs, "LOST_AFTER_SECONDS", -1.0)
    assert client.get(path).json()["state"] == "failed"
    send(client, query="?background=true")
    assert client.get(path).json()["state"] == "imported"


def test_an_import_that_breaks_is_a_failed_one(client, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("it broke")

    monkeypatch.setattr(import_file, "read", broken)
    job = client.get(send(client, query="?background=true").headers["location"]).json()
    assert (job["state"], job["problem"]["status"]) == ("failed", 500)
    assert "it broke" not in job["problem"]["detail"]


def test_the_limits_of_a_file_are_told_before(client):
    limits = client.get("/v1/imports").json()
    assert (limits["max_rows"], limits["max_experiments"]) == (250_000, 2_000)
