"""Imported files become experiments, once and as a whole, or are refused."""

import hashlib

import pytest

from tests.integration.service.conftest import body
from tests.integration.service.imports.files import (
    BASE,
    BASELINE,
    RUNS,
    list_experiments,
    send,
    send_and_list,
)


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


def test_an_export_can_be_imported(client):
    assert send(client).status_code == 201
    exported = client.get("/v1/export", params={"format": "csv"}).text
    again = send(client, "\ufeff" + exported, file="again.csv", query="?dry_run=true", base={})
    assert again.status_code == 200, again.text
    assert sorted(item["seeds"] for item in again.json()["experiments"]) == [1, 2]


def test_an_unknown_column_is_named_with_the_nearest_and_not_with_all(client):
    (problem,) = send(client, RUNS.replace("fit_error", "fit_eror"), query="?dry_run=true").json()[
        "errors"
    ]
    assert problem["message"].startswith("unknown column; did you mean fit_error")
    assert len(problem["allowed"]) < 200


def test_the_limits_of_a_file_are_told_before(client):
    limits = client.get("/v1/imports").json()
    assert (limits["max_rows"], limits["max_experiments"]) == (250_000, 2_000)
