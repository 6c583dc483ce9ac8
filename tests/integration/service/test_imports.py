"""Runs from elsewhere: they stand beside the lab's own in every question, and are never taken for them."""

import hashlib
import io
import zipfile

import pytest
from starlette.testclient import TestClient

from service.app import build
from service.settings import Settings
from tests.integration.service.conftest import NO_BROKER, body

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


def sent(client, content=RUNS, *, file="runs.csv", query="", base=BASE, **further):
    return client.post(
        f"/v1/imports{query}", json={"file": file, "content": content, "base": base, **further}
    )


def listed(client, q=""):
    return client.get("/v1/experiments", params={"q": q} if q else {}).json()["items"]


def test_a_file_of_runs_becomes_experiments_that_say_where_they_are_from(client):
    answer = sent(client, origin="our old code", tags=["before"])
    assert answer.status_code == 201, answer.text
    told = answer.json()
    sha256 = hashlib.sha256(RUNS.encode()).hexdigest()
    assert (told["sha256"], told["tag"]) == (sha256, f"import:{sha256[:12]}")
    assert [(one["seeds"], one["reused"]) for one in told["experiments"]] == [
        (2, False),
        (1, False),
    ]
    first, second = sorted(
        client.get(told["links"]["self"]).json()["items"], key=lambda one: len(one["runs"])
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
    assert first["spec"]["tags"] == ["before", told["tag"]]
    assert first["spec"]["training"]["length"] == 4
    assert first["runs"][1] == {
        "seed": 1,
        "outcome": "fitted",
        "steps": 500,
        "summary": {"fit_error": 2e-9, "extrapolation_error": 0.4},
        "warnings": [],
    }
    assert second["runs"][0]["summary"] == {"fit_error": "Infinity", "extrapolation_error": "NaN"}
    events = client.get(f"/v1/experiments/{first['id']}/events").json()["items"]
    assert [event["kind"] for event in events] == ["submitted", "completed"]


def test_the_same_file_again_finds_what_is_there(client):
    ids = [one["id"] for one in sent(client).json()["experiments"]]
    again = sent(client)
    assert again.status_code == 200
    assert [(one["id"], one["reused"]) for one in again.json()["experiments"]] == [
        (name, True) for name in ids
    ]
    otherwise = sent(client, base={**BASE, "optimizer.lr": 0.5}).json()["experiments"]
    assert not {one["id"] for one in otherwise} & set(ids)


def test_an_equal_spec_that_is_submitted_is_run_all_the_same(client):
    (imported,) = [one for one in sent_and_listed(client) if one["spec"]["training"]["length"] == 4]
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


def sent_and_listed(client, **further):
    assert sent(client, **further).status_code == 201
    return listed(client, "source = import")


def test_questions_and_tables_see_them_and_tell_them_apart(client):
    own = client.post("/v1/experiments", json=body()).json()["id"]
    imported = {one["id"] for one in sent_and_listed(client)}
    assert {one["id"] for one in listed(client, "source = lab")} == {own}
    assert {one["id"] for one in listed(client, "not source = import")} == {own}
    assert {
        one["id"] for one in listed(client, "any(outcome = fitted and fit_error < 1e-8)")
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
    head, *rows = exported.splitlines()
    assert [row.split(",")[head.split(",").index("source")] for row in rows] == ["import"] * 3


def test_rows_with_a_step_are_a_series_and_the_last_says_how_it_ended(client):
    answer = sent(
        client, POINTS, columns={"loss": "train_loss", "who": None}, base={**BASE, "steps": None}
    )
    assert answer.status_code == 201, answer.text
    (one,) = client.get(answer.json()["links"]["self"]).json()["items"]
    (run,) = one["runs"]
    assert (run["seed"], run["outcome"], run["steps"], run["summary"]) == (
        3,
        "step_budget_spent",
        100,
        {"train_loss": 0.25},
    )
    address = f"/v1/experiments/{one['id']}"
    series = client.get(f"{address}/series", params={"names": "train_loss,fit_error"}).json()
    assert series == {
        "seed": [3, 3],
        "step": [0, 100],
        "train_loss": [1.5, 0.25],
        "fit_error": ["NaN", "NaN"],
    }
    assert client.get(f"{address}/figures/training.svg").status_code == 200


def test_what_needs_arrays_says_that_there_are_none(client):
    one, other = sent_and_listed(client)
    for path in ("result", "figures/response.svg", "figures/training.svg"):
        answer = client.get(f"/v1/experiments/{one['id']}/{path}")
        assert (answer.status_code, "imported" in answer.json()["errors"][0]["message"]) == (
            409,
            True,
        ), path
    compared = client.get("/v1/compare", params={"ids": f"{one['id']},{other['id']}"})
    assert [each["state"] for each in compared.json()["experiments"]] == ["completed"] * 2
    assert (
        client.get(
            "/v1/compare/figures/response.svg", params={"ids": f"{one['id']},{other['id']}"}
        ).status_code
        == 409
    )
    names = zipfile.ZipFile(io.BytesIO(client.get("/v1/bundle").content)).namelist()
    assert f"{one['id']}/experiment.json" in names
    assert f"{one['id']}/result.json" not in names


def test_nothing_begins_from_one(client):
    one, _ = sent_and_listed(client)
    heir = body(
        student={"kind": "linear", "dim": 20, "start": {"kind": "from_experiment", "id": one["id"]}}
    )
    answer = client.post("/v1/experiments", json=heir)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "imported")


@pytest.mark.parametrize("verb", ["cancel", "retry", "pause", "resume"])
def test_one_is_over_and_can_only_be_removed(client, verb):
    one, _ = sent_and_listed(client)
    assert client.post(f"/v1/experiments/{one['id']}:{verb}").status_code == 409
    etag = client.get(f"/v1/experiments/{one['id']}").headers["etag"]
    assert (
        client.delete(f"/v1/experiments/{one['id']}", headers={"If-Match": etag}).status_code == 204
    )


def test_a_dry_run_stores_nothing(client):
    told = sent(client, query="?dry_run=true")
    assert (told.status_code, [one["id"] for one in told.json()["experiments"]]) == (
        200,
        [None, None],
    )
    assert listed(client) == []


def test_what_is_wrong_is_told_with_its_row_and_nothing_is_stored(client):
    answer = sent(client, "training.length,outcome\n4,fitted\n0,done\n")
    assert answer.status_code == 422
    assert {problem["pointer"] for problem in answer.json()["errors"]} == {
        "/content/1/training.length",
        "/content/1/outcome",
    }
    assert sent(client, colums={}).json()["errors"][0]["pointer"] == "/colums"
    assert listed(client) == []


def test_a_key_makes_it_once(client):
    asked = {
        "json": {"file": "runs.csv", "content": RUNS, "base": BASE},
        "headers": {"Idempotency-Key": "k"},
    }
    first, second = (client.post("/v1/imports", **asked) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())


def test_text_that_is_none_is_refused(client):
    lone = b'{"file": "runs.csv", "content": "\\ud800"}'
    answer = client.post("/v1/imports", content=lone, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text


@pytest.mark.parametrize(
    ("x", "y"), [("lag", ""), ("rank", ""), ("step", "fit_error"), ("training.length", "fit_error")]
)
def test_a_figure_over_a_question_shows_of_them_what_there_is(client, x, y):
    sent_and_listed(client)
    answer = client.get(
        "/v1/figures/preview.json",
        params={"query": "source = import", "x": x} | ({"y": y} if y else {}),
    )
    if x == "training.length":
        assert answer.status_code == 200, answer.text
    else:
        assert answer.status_code == 409, answer.text


def test_a_labs_own_export_is_taken_back(client):
    assert sent(client).status_code == 201
    exported = client.get("/v1/export", params={"format": "csv"}).text
    again = sent(client, "\ufeff" + exported, file="again.csv", query="?dry_run=true", base={})
    assert again.status_code == 200, again.text
    assert sorted(one["seeds"] for one in again.json()["experiments"]) == [1, 2]


def test_an_unknown_column_is_told_with_what_may_be_meant_and_no_list_of_all(client):
    (problem,) = sent(client, RUNS.replace("fit_error", "fit_eror"), query="?dry_run=true").json()[
        "errors"
    ]
    assert problem["message"].startswith("unknown column; did you mean fit_error")
    assert len(problem["allowed"]) < 200
