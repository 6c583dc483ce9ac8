"""Health, readiness, workers, and documentation that needs no other host."""

import re
import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core.spec import ExperimentSpec
from service.app import STATIC, build
from service.settings import Settings
from store.queue import workers
from store.records import WorkerRecord
from tests.integration.service.conftest import NO_BROKER, body


def test_the_process_is_alive(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_without_its_broker_the_service_is_degraded_but_works(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["database"]) == (
        200,
        "degraded",
        "ok",
    )
    assert "refused" in answer.json()["broker"]


def test_with_its_broker_the_service_is_ready(sqlite_url, broker_url):
    with TestClient(build(Settings(database_url=sqlite_url, broker_url=broker_url))) as client:
        assert client.get("/readyz").json() == {"status": "ready", "database": "ok", "broker": "ok"}


def test_a_database_without_tables_is_refused_with_the_remedy(tmp_path):
    settings = Settings(database_url=f"sqlite:///{tmp_path}/new.db", broker_url=NO_BROKER)
    with TestClient(build(settings), raise_server_exceptions=False) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "extrapolab migrate" in answer.json()["detail"]
        answer = client.get("/v1/experiments")
        assert (answer.status_code, "SELECT" in answer.text) == (503, False)


@pytest.mark.parametrize(
    "path", ["/readyz", "/v1/experiments", "/v1/experiments/exp_" + "0" * 32, "/v1/workers"]
)
def test_an_unavailable_database_can_be_retried_and_only_the_log_names_it(tmp_path, path, caplog):
    settings = Settings(
        database_url=f"postgresql://nobody@/none?host={tmp_path}", broker_url=NO_BROKER
    )
    with TestClient(build(settings), raise_server_exceptions=False) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            503,
            "application/problem+json",
        )
        assert int(answer.headers["retry-after"]) > 0
        assert (
            answer.json()["detail"] == "the database is unavailable, locked or too slow; try again"
        )
        assert any(
            record.name == "service.http.problems" and str(tmp_path) in record.message
            for record in caplog.records
        )
        assert client.post("/v1/experiments", json=body()).status_code == 503
        assert client.get("/healthz").status_code == 200


def test_workers_are_listed_with_the_age_of_their_heartbeat(client, worker):
    with worker.database.write() as tx:
        for number in range(3):
            workers.register(
                tx,
                WorkerRecord(f"w{number}", "host", 10 + number, None, "cpu", 1, heartbeat_at=0.0),
            )
        workers.heartbeat(tx, "w0", None, 20, memory_mb=310.5, peak_memory_mb=400.0)
    first = client.get("/v1/workers?limit=2").json()
    rest = client.get("/v1/workers", params={"cursor": first["next"]}).json()
    listed = first["items"] + rest["items"]
    assert [(slot["id"], slot["pid"], slot["experiment_id"]) for slot in listed] == [
        ("w0", 10, None),
        ("w1", 11, None),
        ("w2", 12, None),
    ]
    assert all(0 <= slot["heartbeat_age_seconds"] < 60 for slot in listed)
    assert [(slot["memory_mb"], slot["peak_memory_mb"]) for slot in listed] == [
        (310.5, 400.0),
        (None, None),
        (None, None),
    ]


def test_the_queue_shows_what_runs_and_what_is_next(client, worker, submit):
    submit(name="running")
    worker.claim()
    ids = [submit(name=f"waiting {number}").rpartition("/")[2] for number in range(3)]
    with worker.database.write() as tx:
        workers.register(tx, WorkerRecord("w0", "host", 10, None, "cpu", 1, heartbeat_at=0.0))
    queue = client.get("/v1/queue?limit=2").json()
    assert {name: queue[name] for name in ("slots", "running", "waiting", "delayed", "paused")} == {
        "slots": 1, "running": 1, "waiting": 3, "delayed": 0, "paused": 0
    }  # fmt: skip
    assert [one["id"] for one in queue["next"]] == ids[:2]
    assert queue["devices"][0]["waiting"] == 3
    assert queue["next"][0]["name"] == "waiting 0"
    assert client.get("/v1/queue?limit=0").json()["next"] == []


def test_the_schema_describes_a_spec(client):
    schema = client.get("/v1/schema").json()
    assert schema.pop("$schema").startswith("https://json-schema.org/")
    assert schema == ExperimentSpec.model_json_schema()


def test_the_page_to_try_calls_on_loads_nothing_from_other_hosts(client):
    page = client.get("/docs/try")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert {f"../static/swagger-ui/swagger-ui{end}" for end in ("-bundle.js", ".css")} <= {*loaded}
    for url in loaded:
        assert url.startswith(("../static/", "data:")), url
        assert url.startswith("data:") or client.get(f"/docs/{url}").status_code == 200
    assert not re.search(r"<script>|<style|http", page.text)
    start = client.get("/static/try/start.js").text
    assert "validatorUrl: null" in start
    assert "http" not in start


def test_vendored_assets_have_their_licences():
    folder = STATIC / "swagger-ui"
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert {file.name for file in folder.iterdir()} == {
        "LICENSE",
        "NOTICE",
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
    }


def test_an_internal_error_reveals_no_internals(sqlite_url):
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with TestClient(
        build(Settings(database_url=sqlite_url, broker_url=NO_BROKER)),
        raise_server_exceptions=False,
    ) as client:
        path = client.post("/v1/experiments", json=body()).headers["location"]
        with sqlite3.connect(file) as other:
            other.execute("UPDATE experiments SET state = 'nonsense'")
        other.close()
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert "nonsense" not in answer.text
