"""Bulk actions on what a filter finds, or on experiments by id; the priority of one."""

import pytest

NOWHERE = f"exp_{'0' * 32}"


@pytest.fixture
def lab(submit, worker):
    """The ids of tagged experiments by state; the failed one was submitted first."""
    paths = {name: submit(tags=["x"], name=name) for name in ("failed", "completed", "running")}
    worker.fail(worker.claim(), "broke", "log")
    worker.complete(worker.claim())
    worker.claim()
    paths |= {name: submit(tags=["x"], name=name) for name in ("queued", "other")}
    submit()  # matches no filter here
    return {name: path.rpartition("/")[2] for name, path in paths.items()}


@pytest.fixture
def post(client):
    """Sends a bulk action; returns the new states and the reasons of refusals by id."""

    def post(action, **content):
        answer = client.post(f"/v1/experiments:{action}", json=content)
        assert answer.status_code == 200, answer.text
        done = answer.json()
        assert done["count"] == len(done["items"])
        states = {item["id"]: item["state"] for item in done["items"]}
        return states, {item["id"]: item["reason"] for item in done["refused"]}

    return post


def test_each_action_concerns_the_states_that_allow_it(client, lab, post):
    assert post("pause", q="tag:x", expect_count=3) == (
        {lab["running"]: "running", lab["queued"]: "paused", lab["other"]: "paused"},
        {},
    )
    assert post("resume", q="tag:x", expect_count=3)[0] == {
        lab["running"]: "running",
        lab["queued"]: "queued",
        lab["other"]: "queued",
    }
    assert not client.get(f"/v1/experiments/{lab['running']}").json()["pause_requested"]
    assert post("retry", q="tag:x", expect_count=1)[0] == {lab["failed"]: "queued"}
    assert post("prioritise", q="tag:x", expect_count=3, priority=7)[0].keys() == {
        lab[name] for name in ("failed", "queued", "other")
    }
    high = client.get("/v1/experiments", params={"q": "priority = 7"}).json()["items"]
    assert len(high) == 3
    assert post("cancel", q="tag:x", expect_count=4)[0][lab["running"]] == "running"
    deleted, refused = post("delete", q="tag:x", expect_count=4)
    assert (set(deleted.values()), refused) == ({None}, {})
    assert [item["id"] for item in client.get("/v1/experiments?tag=x").json()["items"]] == [
        lab["running"]
    ]


def test_a_retry_takes_new_limits_and_keeps_the_others(client, lab, post):
    path = f"/v1/experiments/{lab['failed']}"
    assert client.post(f"{path}:retry?max_seconds=0").status_code == 422
    assert client.get(path).json()["state"] == "failed"
    assert client.post(f"{path}:retry?max_seconds=90&max_memory_mb=700").status_code == 202
    client.post(f"{path}:cancel")
    post("retry", q="tag:x and state = cancelled", expect_count=1, max_seconds=1800)
    retried = client.get(path).json()
    assert (retried["state"], retried["max_seconds"], retried["max_memory_mb"]) == (
        "queued",
        1800,
        700,
    )


def test_tags_are_added_and_removed(client, lab, post):
    path = f"/v1/experiments/{lab['completed']}"
    before = client.get(path).headers["ETag"]
    assert len(post("tag", q="tag:x", expect_count=5, add=["b", "a"], remove=["x"])[0]) == 5
    assert client.get(path).json()["spec"]["tags"] == ["b", "a"]
    stale = client.patch(path, json={"notes": "n"}, headers={"If-Match": before})
    assert stale.status_code == 412
    tagged = client.get(path).headers["ETag"]
    post("tag", q="tag:a", expect_count=5, add=["a"], remove=["no such tag"])
    assert client.get(path).headers["ETag"] == tagged


def test_of_selected_ids_those_that_refuse_are_named(lab, post):
    chosen = [lab["completed"], lab["failed"], NOWHERE, lab["failed"]]
    states, refused = post("retry", ids=chosen)
    assert states == {lab["failed"]: "queued"}
    assert refused.keys() == {lab["completed"], NOWHERE}
    assert refused[lab["completed"]].startswith("cannot retry an experiment that is completed")
    assert "there is no experiment" in refused[NOWHERE]


def test_an_experiment_stays_while_another_starts_from_it(client, submit, worker, post):
    path = submit()
    source = path.rpartition("/")[2]
    worker.complete(worker.claim())
    start = {"kind": "from_experiment", "id": source}
    dependent = submit(student={"kind": "linear", "dim": 3, "start": start})
    _, refused = post("delete", q="state = completed", expect_count=1)
    assert dependent.rpartition("/")[2] in refused[source]
    post("cancel", q="state = queued", expect_count=1)
    assert post("delete", ids=[source])[0] == {source: None}


def test_nothing_is_done_if_the_number_has_changed(client, lab):
    for selection in ({"q": "tag:x"}, {"ids": [lab["failed"], lab["completed"]]}):
        answer = client.post("/v1/experiments:delete", json={**selection, "expect_count": 3})
        assert answer.status_code == 409
        (problem,) = answer.json()["errors"]
        assert (problem["pointer"], problem["allowed"]) == ("/expect_count", "2")
        assert problem["message"].startswith("2 experiments that have ended match")
    assert client.get(f"/v1/experiments/{lab['failed']}").status_code == 200


@pytest.mark.parametrize(
    ("action", "content", "pointer"),
    [
        ("retry", {"expect_count": 1}, "/q"),
        ("retry", {"q": "tag:x", "ids": [NOWHERE], "expect_count": 1}, "/q"),
        ("retry", {"q": "tag:x"}, "/expect_count"),
        ("retry", {"ids": []}, "/ids"),
        ("retry", {"ids": [""]}, "/ids/0"),
        ("retry", {"ids": [NOWHERE] * 501}, "/ids"),
        ("retry", {"ids": [NOWHERE], "priority": 1}, "/priority"),
        ("prioritise", {"ids": [NOWHERE]}, "/priority"),
        ("prioritise", {"ids": [NOWHERE], "priority": 101}, "/priority"),
        ("tag", {"ids": [NOWHERE]}, ""),
        ("tag", {"ids": [NOWHERE], "add": ["a"], "remove": ["a"]}, ""),
        ("tag", {"ids": [NOWHERE], "add": [""]}, "/add/0"),
    ],
)
def test_an_unclear_selection_or_change_is_refused(client, action, content, pointer):
    answer = client.post(f"/v1/experiments:{action}", json=content)
    assert answer.status_code == 422, answer.text
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


def test_the_priority_of_a_waiting_experiment_can_be_changed(client, lab, worker):
    def change(name, priority):
        path = f"/v1/experiments/{lab[name]}"
        return client.patch(path, json={"priority": priority}, headers={"If-Match": "*"})

    first = change("other", 5)
    assert (first.status_code, first.json()["priority"]) == (200, 5)
    assert first.json()["queue"]["position"] == 1
    for name in ("running", "completed", "failed"):
        refused = change(name, 5)
        assert refused.status_code == 409
        assert "only a queued or paused one waits" in refused.json()["detail"]
    assert change("other", -101).json()["errors"][0]["pointer"] == "/priority"
    assert worker.claim().experiment_id == lab["other"]
