"""Listing, reading, editing, cancelling, pausing, retrying and removing experiments."""

import pytest

from service.routes import experiments
from store.query import columns
from tests.integration.service.conftest import body


def test_pages_list_every_experiment_once_newest_first(client, submit):
    submitted = [submit(name=str(number)) for number in range(5)]
    seen, query = [], {"limit": 2}
    while True:
        page = client.get("/v1/experiments", params=query).json()
        assert len(page["items"]) <= 2
        seen += [item["links"]["self"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == submitted[::-1]


@pytest.mark.parametrize("query", [{}, {"tag": "heavy"}])
def test_a_page_of_large_specs_ends_early_and_the_next_continues_after_it(
    client, submit, monkeypatch, query
):
    submitted = [
        submit(name=str(number), tags=["heavy"], notes="n" * 10_000) for number in range(7)
    ]
    monkeypatch.setattr(experiments, "PAGE_BYTES", 28_000)
    monkeypatch.setattr(columns, "ROWS_PER_QUERY", 3)
    pages, cursor = [], {}
    while cursor is not None:
        page = client.get("/v1/experiments", params=query | cursor).json()
        pages.append([item["links"]["self"] for item in page["items"]])
        cursor = page["next"] and {"cursor": page["next"]}
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [path for page in pages for path in page] == submitted[::-1]


def test_an_experiment_larger_than_a_page_has_a_page_to_itself(client, submit, monkeypatch):
    submitted = [submit(), submit()]
    monkeypatch.setattr(experiments, "PAGE_BYTES", 1)
    page = client.get("/v1/experiments").json()
    assert [item["links"]["self"] for item in page["items"]] == submitted[1:]
    rest = client.get("/v1/experiments", params={"cursor": page["next"]}).json()
    assert ([item["links"]["self"] for item in rest["items"]], rest["next"]) == (
        submitted[:1],
        None,
    )


def test_tag_and_state_narrow_the_list(client, submit):
    tagged = submit(tags=["a", "b"])
    cancelled = submit(tags=["b"])
    client.post(f"{cancelled}:cancel")

    def listed(query: str) -> list[str]:
        return [
            item["links"]["self"] for item in client.get(f"/v1/experiments?{query}").json()["items"]
        ]

    assert listed("tag=a") == [tagged]
    assert listed("tag=b") == [cancelled, tagged]
    assert listed("state=cancelled") == [cancelled]
    assert listed("state=queued&tag=b") == [tagged]
    assert listed("tag=c") == []


def test_an_unchanged_experiment_is_not_sent_again(client, submit, worker):
    path = submit()
    etag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    worker.claim()
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_an_edit_changes_name_tags_and_notes_and_nothing_else(client, submit):
    path = submit(name="old", tags=["old"])
    before = client.get(path)
    edited = client.patch(
        path, json={"name": "new", "tags": ["x", "y"]}, headers={"If-Match": before.headers["etag"]}
    )
    assert edited.status_code == 200
    assert edited.headers["etag"] != before.headers["etag"]
    assert edited.json() == client.get(path).json()
    expected = before.json()
    expected["spec"] |= {"name": "new", "tags": ["x", "y"]}
    assert edited.json() == expected


def test_an_edit_of_an_outdated_version_is_refused(client, submit):
    path = submit()
    etag = client.get(path).headers["etag"]
    client.patch(path, json={"name": "mine"}, headers={"If-Match": etag})
    answer = client.patch(path, json={"name": "yours"}, headers={"If-Match": etag})
    assert answer.status_code == 412
    assert client.get(path).json()["spec"]["name"] == "mine"
    assert (
        client.patch(path, json={"name": "yours"}, headers={"If-Match": '"x"'}).status_code == 412
    )
    assert (
        client.patch(path, json={"name": "whatever"}, headers={"If-Match": "*"}).status_code == 200
    )


def test_progress_does_not_count_as_an_edit(client, submit, worker):
    path = submit()
    etag = client.get(path).headers["etag"]
    worker.complete(worker.claim())
    assert client.patch(path, json={"notes": "good"}, headers={"If-Match": etag}).status_code == 200


def test_an_edit_must_name_its_version(client, submit):
    answer = client.patch(submit(), json={"name": "x"})
    assert answer.status_code == 428
    assert answer.json()["errors"][0]["pointer"] == "/header/If-Match"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({}, ""),
        ({"nam": "x"}, "/nam"),
        ({"name": "a\0"}, "/name"),
        ({"name": "safe \u202etxet"}, "/name"),
        ({"notes": "\u2066isolated\u2069"}, "/notes"),
        ({"tags": ["two\u2028lines"]}, "/tags/0"),
        ({"tags": ["a", "a"]}, "/tags"),
        ({"seeds": 3}, "/seeds"),
    ],
)
def test_an_invalid_edit_is_refused_with_its_field(client, submit, change, pointer):
    answer = client.patch(submit(), json=change, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_an_ended_experiment_is_removed(client, submit):
    path = submit()
    refused = client.delete(path)
    assert refused.status_code == 409
    assert "cancel it first" in refused.json()["detail"]
    client.post(f"{path}:cancel")
    assert (client.delete(path).status_code, client.delete(path).status_code) == (204, 404)


def test_a_queued_experiment_is_cancelled_at_once_and_a_retry_queues_it_again(client, submit):
    path = submit()
    cancelled = client.post(f"{path}:cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert client.post(f"{path}:cancel").status_code == 409
    retried = client.post(f"{path}:retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "queued")
    refused = client.post(f"{path}:retry")
    assert refused.status_code == 409
    assert "queued" in refused.json()["detail"]


def test_a_running_experiment_is_asked_to_stop(client, submit, worker):
    path = submit()
    worker.claim()
    answer = client.post(f"{path}:cancel")
    assert (answer.status_code, answer.json()["state"], answer.json()["cancel_requested"]) == (
        202,
        "running",
        True,
    )
    assert client.get(path).json()["cancel_requested"]


def test_a_queued_experiment_is_paused_at_once_and_a_resume_queues_it_again(client, submit):
    path = submit()
    refused = client.post(f"{path}:resume")
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:extrapolab:problem:illegal-move",
    )
    assert "it is not paused" in refused.json()["detail"]
    paused = client.post(f"{path}:pause")
    assert (paused.status_code, paused.json()["state"], paused.json()["pause_requested"]) == (
        200,
        "paused",
        True,
    )
    assert paused.json()["links"]["resume"] == f"{path}:resume"
    assert client.get("/v1/experiments?state=paused").json()["items"][0]["state"] == "paused"
    assert client.post(f"{path}:pause").status_code == 409
    assert "resume it" in client.post(f"{path}:retry").json()["detail"]
    resumed = client.post(f"{path}:resume")
    assert (resumed.status_code, resumed.json()["state"], resumed.json()["pause_requested"]) == (
        202,
        "queued",
        False,
    )


def test_a_running_experiment_is_asked_to_pause_and_a_resume_withdraws_it(client, submit, worker):
    path = submit()
    worker.claim()
    answer = client.post(f"{path}:pause")
    assert (answer.status_code, answer.json()["state"], answer.json()["pause_requested"]) == (
        202,
        "running",
        True,
    )
    assert client.get(path).json()["pause_requested"]
    withdrawn = client.post(f"{path}:resume")
    assert (withdrawn.status_code, withdrawn.json()["pause_requested"]) == (202, False)


def test_a_queued_experiment_has_a_place_and_a_priority(client, submit, worker):
    first, second = submit(), submit()
    urgent = client.post("/v1/experiments?on_duplicate=rerun&priority=5", json=body()).headers[
        "location"
    ]
    places = [client.get(path).json()["queue"] for path in (urgent, first, second)]
    assert places == [{"position": n, "eta_seconds": None} for n in (1, 2, 3)]
    assert client.get(urgent).json()["priority"] == 5
    worker.claim()
    assert client.get(urgent).json()["queue"] is None


def test_a_completed_experiment_has_its_runs_and_provenance(client, submit, worker):
    path = submit()
    worker.complete(worker.claim())
    read = client.get(path).json()
    assert (read["state"], read["attempts"], read["device"]) == ("completed", 1, "cpu")
    assert read["provenance"] == {"torch": "2.13"}
    assert read["started_at"] <= read["finished_at"]
    assert [(run["seed"], run["outcome"], run["steps"]) for run in read["runs"]] == [
        (0, "fitted", 100),
        (1, "fitted", 100),
    ]
    assert read["runs"][0]["summary"]["train_loss"] == 0.25


def test_a_failed_experiment_has_the_reason_and_the_log(client, submit, worker):
    path = submit()
    worker.fail(worker.claim(), "the trainer met a bug", "Traceback\n  boom\n")
    read = client.get(path).json()
    assert (read["state"], read["error"]) == (
        "failed",
        {"kind": "infrastructure", "sentence": "the trainer met a bug"},
    )
    assert client.get(f"{path}/log").json()["items"] == [
        {"attempt": 1, "text": "Traceback\n  boom\n"}
    ]
    client.post(f"{path}:retry")
    assert client.get(path).json()["error"] is None


def test_the_events_are_read_in_pages(client, submit, worker):
    path = submit()
    worker.complete(worker.claim())
    events = client.get(f"{path}/events").json()["items"]
    assert [(event["kind"], event["attempt"]) for event in events] == [
        ("submitted", 0),
        ("started", 1),
        ("completed", 1),
    ]
    first = client.get(f"{path}/events?limit=2").json()
    rest = client.get(f"{path}/events", params={"cursor": first["next"]}).json()
    assert (first["items"] + rest["items"], rest["next"]) == (events, None)
    assert client.get(f"{path}/events?cursor=x").status_code == 400


def test_a_merged_tag_can_be_removed_by_an_edit(client):
    client.post("/v1/experiments", json=body(tags=["a"]))
    path = client.post("/v1/experiments", json=body(tags=["b"])).headers["location"]
    client.patch(path, json={"tags": []}, headers={"If-Match": "*"})
    assert client.get("/v1/experiments?tag=b").json()["items"] == []
