"""Imports in the background: their states and their ends."""

from service.intake import import_file
from service.intake import import_jobs as running
from store.errors import StoreUnavailable
from store.experiments import import_jobs
from tests.integration.service.imports.files import list_experiments, send


def test_an_import_in_the_background_has_a_state_and_happens_once(client):
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


def test_an_import_without_the_database_leaves_a_line_in_the_log(client, monkeypatch, caplog):
    def away(*_, **__):
        raise StoreUnavailable("it is away")

    monkeypatch.setattr(import_jobs, "record", away)
    started = send(client, "training.length,outcome\n0,fitted\n", query="?background=true")
    assert client.get(started.headers["location"]).json()["state"] == "running"
    assert "an import failed: it is away" in caplog.text
