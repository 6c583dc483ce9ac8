"""Sweeps over HTTP: submitted, read, extended, cancelled, retried."""

import pytest
from sqlalchemy import func, select

from store.db import tables
from store.states import State
from tests.integration.service.sweep_specs import BASE, SCALE, K, sweep


def members(client, path):
    return client.get(path, params={"limit": 500}).json()["members"]["items"]


def stored(client):
    return len(client.get("/v1/experiments", params={"limit": 500}).json()["items"])


def test_a_sweep_is_expanded_and_read_with_its_coordinates(client):
    answer = client.post("/v1/sweeps", json=sweep(K, SCALE), headers={"X-Extrapolab-User": "ada"})
    assert answer.status_code == 202
    submitted = answer.json()
    path = f"/v1/sweeps/{submitted['id']}"
    assert answer.headers["Location"] == submitted["links"]["self"] == path
    assert (submitted["count"], submitted["created"], submitted["reused"]) == (6, 6, 0)
    assert submitted["state"] == "queued"

    read = client.get(path).json()
    assert (read["name"], read["owner"], read["base"]["tags"]) == ("phase", "ada", ["phase"])
    assert read["progress"] == {"done": 0, "of": 6}
    assert read["counts"] == dict.fromkeys(State, 0) | {"queued": 6}
    coordinates = [member["coordinates"] for member in read["members"]["items"]]
    assert coordinates == [
        {"training.length": k, "student.start.scale": s} for k in K["values"] for s in (0.01, 1.0)
    ]
    last = read["members"]["items"][-1]
    spec = client.get(f"/v1/experiments/{last['experiment']}").json()["spec"]
    assert (spec["training"]["length"], spec["student"]["start"]["scale"]) == (4, 1.0)
    assert spec["tags"] == ["phase"]
    assert spec["name"] == "k = 4, s = 1"
    (listed,) = client.get("/v1/sweeps").json()["items"]
    assert listed == {
        name: part
        for name, part in read.items()
        if name not in {"base", "axes", "members", "eta_seconds", "warnings"}
    }
    assert read["eta_seconds"] is None
    assert [warning["experiments"] for warning in read["warnings"]] == [2, 2]


def test_members_and_sweeps_are_listed_in_pages(client, submit_sweep):
    paths = [submit_sweep(K, name=f"{n}") for n in range(3)]
    seen, cursor = [], {}
    while cursor is not None:
        page = client.get(paths[0], params={"limit": 2, **cursor}).json()["members"]
        seen += [member["coordinates"]["training.length"] for member in page["items"]]
        cursor = page["next"] and {"cursor": page["next"]}
    assert seen == K["values"]
    first = client.get("/v1/sweeps", params={"limit": 2}).json()
    rest = client.get("/v1/sweeps", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["name"] for item in first["items"] + rest["items"]] == ["2", "1", "0"]
    assert rest["next"] is None
    for path in ("/v1/sweeps", paths[0]):
        assert client.get(path, params={"cursor": "nonsense"}).status_code == 400


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_a_larger_count_of_drawn_axes_runs_only_the_new_draws(client, kind):
    drawn = {"kind": kind, "low": 0.01, "high": 0.1, "scale": "log"}
    paths = "optimizer.lr", "student.start.scale"
    for count, created in ((4, 4), (6, 2), (6, 0)):
        axes = [drawn | {"path": path, "count": count} for path in paths]
        answer = client.post("/v1/sweeps", json=sweep(*axes)).json()
        assert (answer["created"], answer["count"]) == (created, count)
    assert len(client.get("/v1/sweeps").json()["items"]) == 1


def test_an_invalid_point_refuses_the_sweep_with_its_coordinates(client):
    invalid = sweep(
        {"path": "training.length", "values": [4, 0, 9]},
        {"path": "optimizer.lr", "values": [0.1, -1]},
    )
    answer = client.post("/v1/sweeps", json=invalid)
    assert answer.status_code == 422
    errors = {error["pointer"]: error["message"] for error in answer.json()["errors"]}
    assert set(errors) == {
        "/base/training/length",
        "/base/optimizer/lr",
        "/base/evaluation/horizon",
    }
    assert (
        "(at training.length = 0, optimizer.lr = 0.1, and at 1 more)"
        in errors["/base/training/length"]
    )
    assert (
        "(at training.length = 4, optimizer.lr = -1, and at 2 more)" in errors["/base/optimizer/lr"]
    )
    assert stored(client) == 0
    assert client.get("/v1/sweeps").json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"base": 3}, "/base", "dictionary"),
        (
            {"axes": [{"path": "training.length", "kind": "linspac"}]},
            "/axes/0/kind",
            "did you mean 'linspace'",
        ),
        (
            {"axes": [{"path": "training.length", "kind": "linspace", "low": 1}]},
            "/axes/0/high",
            "required",
        ),
        (
            {"axes": [{"path": "training.lenght", "values": [1]}]},
            "/base/training/lenght",
            "did you mean 'length'",
        ),
        ({"axes": [K, K]}, "/axes", "two axes"),
        ({"axes": [{"path": "seeds.count", "values": [1]}]}, "/axes", "not an object"),
        (
            {"axes": [{**SCALE, "count": 1000}, {**SCALE, "path": "optimizer.lr", "count": 1000}]},
            "/axes",
            "1e+06",
        ),
        (
            {"axes": [{"path": "optimizer.steps", "values": [10**12]}]},
            "/base/optimizer/steps",
            "at optimizer.steps",
        ),
        (
            {
                "axes": [{"path": "seeds", "values": [[n, n + 10**6] for n in range(3)]}],
                "tags": [3],
            },
            "/tags/0",
            "string",
        ),
        ({"nmae": "x"}, "/nmae", "did you mean 'name'"),
    ],
)
def test_an_invalid_sweep_is_refused_with_the_field(client, changes, pointer, words):
    answer = client.post("/v1/sweeps", json=sweep() | changes)
    assert answer.status_code == 422
    (error,) = [error for error in answer.json()["errors"] if error["pointer"] == pointer]
    assert words in error["message"] + error.get("allowed", "")


def test_non_finite_numbers_are_refused(client):
    axis = '{"path": "teacher", "values": [{"kind": "delay"}, Infinity]}'
    text = f'{{"base": {{"teacher": NaN}}, "axes": [{axis}]}}'
    answer = client.post("/v1/sweeps", content=text, headers={"Content-Type": "application/json"})
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/base/teacher",
        "/axes/0/values/1",
    ]


def test_a_sweep_whose_experiments_cost_too_much_together_is_refused(client):
    base = {**BASE, "optimizer": {"steps": 10**8}, "student": {"kind": "linear", "dim": 500}}
    axes = [
        {"path": "student.start.scale", "kind": "linspace", "low": 0.1, "high": 1, "count": 1000}
    ]
    answer = client.post("/v1/sweeps", json=sweep(*axes, base=base))
    assert answer.status_code == 422
    assert "its 1000 experiments would take about" in answer.json()["errors"][0]["message"]


def test_a_dry_run_reports_the_sweep_and_stores_nothing(client, submit_sweep):
    submit_sweep(K)
    overlapping = sweep({**K, "values": [3, 4, 5]})
    answer = client.post("/v1/sweeps?dry_run=true", json=overlapping)
    assert answer.status_code == 200
    dry_run = answer.json()
    assert (dry_run["count"], dry_run["created"], dry_run["reused"]) == (3, 1, 2)
    assert dry_run["points"][0]["coordinates"] == {"training.length": 3}
    assert dry_run["cost"]["flop"] > 0
    (warning,) = [
        w for w in dry_run["warnings"] if w["experiments"] == 1 and "k = 4" in w["message"]
    ]
    assert warning["first"] == {"training.length": 4}
    assert stored(client) == 3


def test_existing_experiments_become_members_and_gain_the_tags(client, submit, submit_sweep):
    alone = submit(training={"length": 3}, tags=["mine"])
    path = submit_sweep(K, tags=["more"])
    ids = [member["experiment"] for member in members(client, path)]
    assert alone.endswith(ids[1])
    assert client.get(alone).json()["spec"]["tags"] == ["mine", "phase", "more"]
    assert stored(client) == 3


def test_an_equal_sweep_is_reused_with_new_experiments_for_cancelled_ones(client, submit_sweep):
    path = submit_sweep(K)
    ids = [member["experiment"] for member in members(client, path)]
    again = client.post("/v1/sweeps", json=sweep(K))
    assert (again.status_code, again.headers["Location"], again.json()["reused"]) == (200, path, 3)
    client.post(f"/v1/experiments/{ids[1]}:cancel")
    third = client.post("/v1/sweeps", json=sweep(K))
    assert (third.status_code, third.headers["Location"], third.json()["created"]) == (202, path, 1)
    renewed = [member["experiment"] for member in members(client, path)]
    assert (renewed[0], renewed[2]) == (ids[0], ids[2])
    assert renewed[1] != ids[1]
    others = client.post("/v1/sweeps", json=sweep(K), headers={"X-Extrapolab-User": "bea"})
    assert others.headers["Location"] != path
    assert (others.status_code, others.json()["reused"]) == (200, 3)
    rerun = client.post("/v1/sweeps?on_duplicate=rerun", json=sweep(K)).json()
    assert (rerun["created"], rerun["reused"]) == (3, 0)


def test_a_repeated_idempotency_key_gets_the_first_answer(client):
    request = {"json": sweep(K), "headers": {"Idempotency-Key": "a"}}
    first = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    again = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert stored(client) == 3
    assert (
        client.post(
            "/v1/sweeps", json=sweep(K, name="b"), headers={"Idempotency-Key": "a"}
        ).status_code
        == 422
    )


def test_a_replay_of_a_large_sweep_stages_nothing(client, app, monkeypatch):
    monkeypatch.setattr("store.experiments.staging.WRITE_BATCH", 2)
    request = {"json": sweep(K), "headers": {"Idempotency-Key": "a"}}
    first = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    again = client.post("/v1/sweeps?on_duplicate=rerun", **request)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    with app.state.context.database.read() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.experiments)) == 3
        assert tx.scalar(select(func.count()).select_from(tables.staged_batches)) == 0


def test_an_extension_runs_only_missing_experiments_and_keeps_the_members(client, submit_sweep):
    path = submit_sweep(K)
    before = {m["coordinates"]["training.length"]: m["experiment"] for m in members(client, path)}
    default = client.get(f"/v1/experiments/{before[2]}").json()["spec"]["student"]["start"]["scale"]
    axes = [{**K, "values": [3, 4, 5]}, {"path": "student.start.scale", "values": [default, 0.5]}]
    answer = client.post(f"{path}:extend", json={"axes": axes})
    assert answer.status_code == 202
    assert (answer.json()["count"], answer.json()["created"]) == (7, 4)
    after = {tuple(m["coordinates"].values()): m["experiment"] for m in members(client, path)}
    assert {
        k: after[default, k] if (default, k) in after else after[k, default] for k in before
    } == before
    assert client.get(path).json()["axes"][1]["values"] == [default, 0.5]
    again = client.post(f"{path}:extend", json={"axes": axes})
    assert (again.status_code, again.json()["created"]) == (200, 0)
    assert (
        client.post(
            f"{path}:extend", json={"axes": [*axes, {"path": "x", "values": [1]}]}
        ).status_code
        == 422
    )
    dropped = client.post(f"{path}:extend", json={"axes": axes[:1]})
    assert dropped.status_code == 422
    assert dropped.json()["errors"][0]["pointer"] == "/axes"
    assert "should keep student.start.scale" in dropped.json()["detail"]
    assert client.post(f"/v1/sweeps/swp_{'0' * 32}:extend", json={"axes": axes}).status_code == 404


def test_a_cancelled_sweep_spares_experiments_shared_with_another(client, worker, submit_sweep):
    path, other = submit_sweep(K), submit_sweep({**K, "values": [4]}, name="other")
    worker.claim()
    cancelled = client.post(f"{path}:cancel")
    assert (cancelled.status_code, cancelled.json()["changed"]) == (200, 2)
    states = [member["state"] for member in members(client, path)]
    assert states == ["running", "cancelled", "queued"]
    assert client.get(other).json()["state"] == "queued"
    assert client.delete(path).status_code == 409

    retried = client.post(f"{path}:retry")
    assert (retried.status_code, retried.json()["changed"], retried.json()["state"]) == (
        202,
        1,
        "running",
    )


def test_only_an_ended_sweep_is_removed_and_its_experiments_stay(client, submit_sweep):
    path = submit_sweep(K)
    assert client.delete(path).status_code == 409
    client.post(f"{path}:cancel")
    assert client.get(path).json()["state"] == "incomplete"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert stored(client) == 3


def test_a_sweep_is_removed_with_the_experiments_that_no_other_sweep_has(client, submit_sweep):
    path, wider = submit_sweep(K), submit_sweep({**K, "values": [*K["values"], 5]}, name="wider")
    assert client.delete(f"{wider}?experiments=delete").status_code == 409
    assert stored(client) == 4, "nothing is removed while something is pending"
    client.post("/v1/experiments:cancel", json={"q": "state = queued", "expect_count": 4})
    assert client.delete(f"{wider}?experiments=delete").status_code == 204
    assert client.get(wider).status_code == 404
    assert stored(client) == 3
    assert client.get(path).json()["progress"]["of"] == 3
