"""Submissions, on both databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from service.app import build
from service.settings import Settings
from store.queue import workers
from store.records import WorkerRecord
from tests.integration.service.conftest import NO_BROKER, FakeWorker, body


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    app = build(Settings(database_url=database_url, broker_url=NO_BROKER))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_spec_becomes_a_queued_experiment(client):
    answer = client.post("/v1/experiments", json=body(name="first"))
    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "1"
    assert not answer.json()["reused"]
    read = client.get(answer.headers["location"]).json()
    assert (read["id"], read["state"], read["spec"]["name"]) == (
        answer.json()["id"],
        "queued",
        "first",
    )
    assert (read["owner"], read["attempts"], read["error"], read["started_at"]) == (
        "anonymous",
        0,
        None,
        None,
    )
    assert read["created_at"].endswith("Z")
    assert [run["seed"] for run in read["runs"]] == [0, 1]


def test_an_equal_spec_reuses_the_experiment_and_adds_its_tags(client):
    first = client.post("/v1/experiments", json=body(tags=["a"])).json()
    again = client.post("/v1/experiments", json=body(tags=["b"], name="other name", seeds=[1, 0]))
    assert (again.status_code, again.json()["id"], again.json()["reused"]) == (
        200,
        first["id"],
        True,
    )
    assert client.get(first["links"]["self"]).json()["spec"]["tags"] == ["a", "b"]


def test_a_rerun_is_another_experiment(client):
    first = client.post("/v1/experiments", json=body()).json()
    again = client.post("/v1/experiments?on_duplicate=rerun", json=body())
    assert (again.status_code, again.json()["spec_hash"]) == (202, first["spec_hash"])
    assert again.json()["id"] != first["id"]


def test_a_dry_run_reports_everything_and_stores_nothing(client):
    answer = client.post(
        "/v1/experiments?dry_run=true", json=body(student={"kind": "linear", "dim": 4})
    )
    dry = answer.json()
    assert answer.status_code == 200
    assert dry["spec"]["student"]["structure"] == "symmetric"
    assert dry["cost"]["flop"] > 0
    assert any("overparameterised" in warning for warning in dry["warnings"])
    assert client.get("/v1/experiments").json()["items"] == []
    stored = client.post("/v1/experiments", json=body(student={"kind": "linear", "dim": 4})).json()
    assert (stored["spec_hash"], stored["setup_hash"]) == (dry["spec_hash"], dry["setup_hash"])
    assert stored["warnings"] == dry["warnings"]


def test_a_dry_run_estimates_time_from_experiments_that_completed(client, submit):
    worker = FakeWorker(client.app.state.context.database)

    def seconds(**changes):
        answer = client.post("/v1/experiments?dry_run=true", json=body(**changes)).json()
        return answer["cost"]["seconds"]

    assert seconds() is None
    for _ in range(3):
        submit()
        worker.complete(worker.claim())
    with worker.database.write() as tx:
        tx.execute(text("UPDATE experiments SET finished_at = started_at + 8"))
    assert seconds() == pytest.approx(8.0)
    assert seconds(seeds=list(range(20))) > 16.0
    with worker.database.write() as tx:
        for name in ("one", "two"):
            workers.register(tx, WorkerRecord(name, "host", 1, None, "cpu", 1, 0.0))
    both = {"path": "seeds", "values": [[0], [0, 1]]}
    swept = client.post("/v1/sweeps?dry_run=true", json={"base": body(), "axes": [both]}).json()
    assert swept["cost"]["seconds"] == pytest.approx(seconds(seeds=[0]) + seconds(seeds=[0, 1]))
    assert (swept["created"], swept["cost"]["slots"]) == (1, 2)
    assert swept["cost"]["lab_seconds"] == pytest.approx(seconds(seeds=[0])), "only of what is new"


def test_the_options_of_a_submission_are_stored(client):
    query = {
        "priority": "7",
        "not_before": "2099-01-01T01:00:00+01:00",
        "max_seconds": "60.5",
        "max_memory_mb": "512",
    }
    answer = client.post(
        "/v1/experiments", params=query, json=body(), headers={"X-Extrapolab-User": "Ada L."}
    )
    read = client.get(answer.headers["location"]).json()
    assert {
        name: read[name]
        for name in ("priority", "max_seconds", "max_memory_mb", "owner", "not_before")
    } == {
        "priority": 7,
        "max_seconds": 60.5,
        "max_memory_mb": 512,
        "owner": "Ada L.",
        "not_before": "2099-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("header", "owner"),
    [
        ("J%C3%B6rg M%C3%BCller", "Jörg Müller"),
        ("%E6%9D%8E", "李"),
        ("50% off", "50% off"),
        ("%C3%B6" * 100, "ö" * 100),
    ],
)
def test_an_owner_may_be_any_printable_name(client, header, owner):
    answer = client.post("/v1/experiments", json=body(), headers={"X-Extrapolab-User": header})
    assert client.get(answer.headers["location"]).json()["owner"] == owner


@pytest.mark.parametrize("header", ["a" * 101, "%C3%B6" * 101, "%0A", "%FF", "%E2%80%AEa"])
def test_an_owner_that_is_no_printable_name_is_refused(client, header):
    answer = client.post("/v1/experiments", json=body(), headers={"X-Extrapolab-User": header})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["pointer"] == "/header/X-Extrapolab-User"
    assert "at most 100 printable characters" in problem["message"]


def test_a_repeated_idempotency_key_gets_the_first_answer(client):
    key = {"Idempotency-Key": "k1"}
    first = client.post("/v1/experiments?on_duplicate=rerun", json=body(), headers=key)
    again = client.post("/v1/experiments?on_duplicate=rerun", json=body(), headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert len(client.get("/v1/experiments").json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "changes"),
    [("/v1/experiments", {"name": "x"}), ("/v1/experiments?priority=1", {})],
    ids=["body", "query"],
)
def test_an_idempotency_key_belongs_to_one_request(client, path, changes):
    key = {"Idempotency-Key": "k1"}
    client.post("/v1/experiments", json=body(), headers=key)
    answer = client.post(path, json=body(**changes), headers=key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


def test_an_idempotency_key_belongs_to_its_owner(client):
    path = "/v1/experiments?on_duplicate=rerun"
    answers = [
        client.post(
            path, json=body(), headers={"Idempotency-Key": "k1", "X-Extrapolab-User": owner}
        ).json()["id"]
        for owner in ("ada", "emmy")
    ]
    assert answers[0] != answers[1]


def test_an_idle_worker_is_woken_at_once(sqlite_url, broker_url, redis_server):
    slow_reaper = Settings(database_url=sqlite_url, broker_url=broker_url, reaper_seconds=600.0)
    app = build(slow_reaper)
    with TestClient(app) as client, redis_server.client() as redis:
        with app.state.context.database.write() as tx:
            workers.register(tx, WorkerRecord("w1", "host", 1, None, "cpu", 1, heartbeat_at=0.0))
        path = client.post("/v1/experiments", json=body()).headers["location"]
        assert redis.blpop(["cpu"], timeout=5) is not None
        client.post(f"{path}:cancel")
        client.post(f"{path}:retry")
        assert redis.blpop(["cpu"], timeout=5) is not None


def test_63_bit_seeds_and_unicode_survive(client):
    spec = body(seeds=[2**63 - 1], name="ĥ_j = λ^j 🚂", notes="line\nline", tags=["déjà vu"])
    read = client.get(client.post("/v1/experiments", json=spec).headers["location"]).json()
    assert read["spec"] == spec
    assert len(client.get("/v1/experiments", params={"tag": "déjà vu"}).json()["items"]) == 1


def test_the_merged_tags_of_an_experiment_have_no_limit(client):
    for half in range(2):
        answer = client.post(
            "/v1/experiments", json=body(tags=[f"{half}-{number}" for number in range(50)])
        )
    assert len(client.get(answer.headers["location"]).json()["spec"]["tags"]) == 100
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    answered = schemas["Experiment"]["properties"]["spec"]["$ref"].rpartition("/")[2]
    assert "maxItems" not in schemas[answered]["properties"]["tags"]
    assert schemas["ExperimentSpec"]["properties"]["tags"]["maxItems"] == 64


def test_a_lab_may_limit_what_is_submitted_without_a_limit(sqlite_url):
    settings = Settings(database_url=sqlite_url, broker_url=NO_BROKER, max_seconds=86_400)
    with TestClient(build(settings)) as client:
        ids = [
            client.post(f"/v1/experiments?on_duplicate=rerun{limit}", json=body()).json()["id"]
            for limit in ("", "&max_seconds=60")
        ]
        axes = [{"path": "training.length", "values": [2]}]
        client.post("/v1/sweeps", json={"base": body(), "axes": axes}).raise_for_status()
        limits = {
            item["id"]: item["max_seconds"]
            for item in client.get("/v1/experiments").json()["items"]
        }
    assert [limits.pop(name) for name in ids] == [86_400, 60]
    assert [*limits.values()] == [86_400], "that of the sweep"
