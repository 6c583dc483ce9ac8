"""Experiments that start from another one, from submission to removal, on both databases."""

from typing import Any

import pytest
from fastapi import FastAPI

from service.app import build
from service.settings import Settings
from store.records import FailureKind
from tests.integration.service.conftest import NO_BROKER, body
from tests.kit import sample_specs

ENDS = {0: sample_specs.run(0), 1: sample_specs.run(1, value=2.0)}
UNKNOWN = "exp_" + "0" * 32


@pytest.fixture
def app(database_url: str) -> FastAPI:
    return build(Settings(database_url=database_url, broker_url=NO_BROKER))


@pytest.fixture
def source(client, worker) -> str:
    """The id of a completed experiment with two seeds."""
    path = client.post("/v1/experiments", json=body()).headers["location"]
    worker.complete(worker.claim(), sample_specs.result(*ENDS.values()))
    return path.rpartition("/")[2]


def dependent(
    source: str, seeds: Any = (0, 1), seed: int | None = None, student: Any = None, **changes: Any
) -> dict:
    start = {"kind": "from_experiment", "id": source, "seed": seed}
    return body(
        student={"kind": "linear", "dim": 3, "start": start} | (student or {}),
        seeds=seeds,
        **changes,
    )


def test_each_seed_starts_from_its_equal_or_all_start_from_one(client, worker, source):
    client.post("/v1/experiments", json=dependent(source))
    inherited = worker.claim().initial_parameters
    expected = {seed: run.parameters for seed, run in ENDS.items()}
    assert {
        seed: {n: a.tolist() for n, a in named.items()} for seed, named in inherited.items()
    } == expected
    client.post("/v1/experiments", json=dependent(source, seeds=[5, 6, 7], seed=1))
    inherited = worker.claim().initial_parameters
    assert {seed: named["B"].tolist() for seed, named in inherited.items()} == dict.fromkeys(
        (5, 6, 7), expected[1]["B"]
    )


def test_what_is_stored_has_the_whole_id_of_the_source(client, source):
    path = client.post("/v1/experiments", json=dependent(source)).headers["location"]
    for reference in (source[:-9], "balanced"):
        client.patch(
            f"/v1/experiments/{source}", json={"name": "balanced"}, headers={"If-Match": "*"}
        )
        again = client.post("/v1/experiments", json=dependent(reference))
        assert (again.status_code, again.json()["links"]["self"]) == (200, path)
        checked = client.post("/v1/experiments?dry_run=true", json=dependent(reference)).json()
        assert checked["spec"]["student"]["start"]["id"] == source
    starts = [{"kind": "from_experiment", "id": "balanced", "seed": seed} for seed in (0, 1)]
    axes = [
        {"path": "student.start", "values": starts},
        {"kind": "zip", "axes": [{"path": "optimizer.lr", "values": [0.01]}]},
    ]
    swept = client.post("/v1/sweeps", json={"base": dependent("balanced"), "axes": axes})
    sweep = client.get(swept.headers["location"]).json()
    assert sweep["base"]["student"]["start"]["id"] == source
    assert [start["id"] for start in sweep["axes"][0]["values"]] == [source] * 2
    refused = client.post("/v1/experiments", json=dependent("swp_0123")).json()
    assert refused["errors"][0]["pointer"] == "/student/start/id"
    assert "it is the id of a sweep" in refused["errors"][0]["message"]


def test_an_experiment_with_another_start_has_no_initial_parameters(client, worker):
    client.post("/v1/experiments", json=body())
    assert worker.claim().initial_parameters is None


TWO_INPUTS = {"kind": "explicit", "A": [[0.5]], "B": [[1.0, 2.0]], "C": [[1.0]]}


@pytest.mark.parametrize("dry", [False, True], ids=["submitted", "dry run"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": UNKNOWN}, "there is no such experiment"),
        ({"source": "nothing \0 like an id"}, None),
        ({"source": "no-id"}, "there is no such experiment"),
        ({"seeds": [0, 7, 8]}, "lacks seeds 7, 8;"),
        ({"seed": 3}, "lacks seed 3;"),
        ({"student": {"dim": 4}}, "student.dim is 3, this one's is 4"),
        ({"teacher": TWO_INPUTS}, "inputs and outputs is (1, 1), this one's is (2, 1)"),
        ({"student": {"structure": "diagonal"}}, "its A is not diagonal"),
        ({"student": {"readout": {"width": 4}}}, "readout is none, this one's is 2 layers of 4"),
    ],
)
def test_a_source_that_can_not_be_used_is_refused_at_the_field(
    client, source, changes, message, dry
):
    spec = (
        dependent(**{"source": source, **changes})
        if message
        else body() | {"student": {**dependent(source)["student"]}}
    )
    if message is None:
        spec["student"]["start"]["id"] = changes["source"]
    answer = client.post("/v1/experiments", params={"dry_run": dry}, json=spec)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/student/start/id"
    assert (message or "") in error["message"]
    assert len(client.get("/v1/experiments").json()["items"]) == 1


def test_a_network_of_another_kind_is_refused(client, source):
    spec = body(
        student={"kind": "gru", "dim": 3, "start": {"kind": "from_experiment", "id": source}}
    )
    answer = client.post("/v1/experiments", json=spec)
    assert "student is linear, this one's is gru" in answer.json()["errors"][0]["message"]


def test_a_source_must_be_completed(client):
    queued = client.post("/v1/experiments", json=body()).json()["id"]
    answer = client.post("/v1/experiments", json=dependent(queued))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_completed")


def test_a_diverged_seed_can_not_be_started_from(client, worker):
    path = client.post("/v1/experiments", json=body()).headers["location"]
    diverged = sample_specs.run(1, outcome="diverged", value=float("nan"))
    worker.complete(worker.claim(), sample_specs.result(sample_specs.run(0), diverged))
    source = path.rpartition("/")[2]
    answer = client.post("/v1/experiments", json=dependent(source))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_finite")
    assert client.post("/v1/experiments", json=dependent(source, seeds=[0])).status_code == 202


def test_an_equal_dependent_is_reused_although_its_source_was_removed(client, worker, source):
    first = client.post("/v1/experiments", json=dependent(source)).json()
    worker.complete(worker.claim())
    assert client.delete(f"/v1/experiments/{source}").status_code == 204
    again = client.post("/v1/experiments", json=dependent(source))
    assert (again.status_code, again.json()["id"]) == (200, first["id"])


def test_a_source_is_kept_while_a_dependent_is_queued_or_running(client, worker, source):
    path = client.post("/v1/experiments", json=dependent(source)).headers["location"]
    refused = client.delete(f"/v1/experiments/{source}")
    assert refused.status_code == 409
    assert path.rpartition("/")[2] in refused.json()["detail"]
    claim = worker.claim()
    assert client.delete(f"/v1/experiments/{source}").status_code == 409
    worker.complete(claim)
    assert client.delete(f"/v1/experiments/{source}").status_code == 204


def test_a_dependent_without_its_source_fails_and_the_next_experiment_is_claimed(
    client, worker, source
):
    path = client.post("/v1/experiments", json=dependent(source)).headers["location"]
    client.post(f"{path}:cancel")
    assert client.delete(f"/v1/experiments/{source}").status_code == 204
    client.post(f"{path}:retry")
    next_id = client.post("/v1/experiments", json=body(name="next")).json()["id"]
    assert worker.claim().experiment_id == next_id
    failed = client.get(path).json()
    assert failed["state"] == "failed"
    assert failed["error"]["kind"] == FailureKind.USER
    assert (
        "starts from another experiment: there is no such experiment" in failed["error"]["sentence"]
    )
