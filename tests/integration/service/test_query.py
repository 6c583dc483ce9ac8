"""Filters, sorting and sparse fields over HTTP; bulk cancellation."""

import pytest

from core.result import Outcome
from store.query.fields import FIELDS, Scope
from tests.kit import sample_specs


def ids(client, **query):
    answer = client.get("/v1/experiments", params=query)
    assert answer.status_code == 200, answer.text
    return [item["links"]["self"] for item in answer.json()["items"]]


def test_a_filter_narrows_the_list_and_sort_orders_it(client, submit, worker):
    small = submit(name="b", student={"kind": "linear", "dim": 3})
    large = submit(name="a", student={"kind": "linear", "dim": 9}, tags=["figure-1"])
    worker.complete(worker.claim())
    assert ids(client, q="student.dim > 4") == [large]
    assert ids(client, q="outcome = fitted") == [small]
    assert ids(client, q="tag:figure-1 or state = completed", sort="name") == [large, small]
    assert ids(client, q="student.dim > 1", tag="figure-1", state="completed") == []


def test_an_invalid_filter_is_refused_with_the_column(client):
    answer = client.get("/v1/experiments", params={"q": "student.scale < 1"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    (problem,) = answer.json()["errors"]
    assert (problem["pointer"], problem["column"], problem["given"]) == (
        "/query/q",
        1,
        "'student.scale'",
    )
    assert "student.start.scale" in problem["message"]


def test_a_cursor_of_another_query_is_refused(client, submit):
    for _ in range(3):
        submit()
    cursor = client.get("/v1/experiments", params={"limit": 1, "sort": "name"}).json()["next"]
    assert (
        client.get("/v1/experiments", params={"cursor": cursor, "sort": "name"}).status_code == 200
    )
    mixed = client.get("/v1/experiments", params={"cursor": cursor, "sort": "-name"})
    assert (mixed.status_code, mixed.json()["errors"][0]["pointer"]) == (400, "/query/cursor")


def test_only_requested_fields_are_returned(client, submit, worker):
    submit(name="n")
    worker.complete(worker.claim())
    query = {"fields": "state,spec.training.length,runs.seed,runs.summary.train_loss,spec.nothing"}
    (item,) = client.get("/v1/experiments", params=query).json()["items"]
    assert item.pop("id").startswith("exp_")
    assert item == {
        "state": "completed",
        "spec": {"training": {"length": 4}},
        "runs": [{"seed": seed, "summary": {"train_loss": 0.25}} for seed in (0, 1)],
    }
    refused = client.get("/v1/experiments", params={"fields": "stat"})
    assert (refused.status_code, "did you mean 'state'?" in refused.json()["detail"]) == (422, True)


def test_names_of_the_filter_language_are_columns_of_a_list(client, submit, worker):
    submit(name="fits", tags=["b", "a"])
    submit(name="waits")
    runs = (
        sample_specs.run(0, value=3.0),
        sample_specs.run(1, value=1.0, outcome=Outcome.DIVERGED),
    )
    worker.complete(worker.claim(), sample_specs.result(*runs))
    names = [
        "name", "training.length", "created", "tag", "outcome", "train_loss", "min(train_loss)",
        "count(outcome in (fitted, diverged))", "sweep", "finished",
    ]  # fmt: skip
    query = {"fields": ",".join([*names, "created_at"]), "sort": "-count()"}
    fits, waits = client.get("/v1/experiments", params=query).json()["items"]
    assert fits.pop("created") == fits["created_at"]
    finished = fits.pop("finished")
    assert finished is not None
    assert {name: fits[name] for name in names if name in fits} == {
        "name": "fits",
        "training.length": 4,
        "tag": ["b", "a"],
        "outcome": ["fitted", "diverged"],
        "train_loss": "Infinity",
        "min(train_loss)": 3.0,
        "count(outcome in (fitted, diverged))": 2,
        "sweep": [],
    }
    assert [waits[name] for name in names[3:] if name != "created"] == [
        *([], [], None, None, 0, [], None)
    ]
    whole = client.get("/v1/experiments", params={"fields": "*,name"}).json()["items"]
    plain = client.get("/v1/experiments").json()["items"]
    assert [item.pop("name") for item in whole] == ["waits", "fits"]
    assert whole == plain


def test_every_name_has_one_meaning_in_filters_orders_and_lists(client, submit, worker):
    first = submit(name="a", notes="look")
    submit(name="b")
    worker.complete(worker.claim())
    id_of_first = first.rpartition("/")[2]
    for field in FIELDS.values():
        for name in (field.name, *field.aliases):
            answer = client.get("/v1/experiments", params={"fields": name, "q": f"{name} is null"})
            assert answer.status_code == 200, (name, answer.text)
            if field.scope is Scope.EXPERIMENT or field.is_metric:
                short, other = (
                    client.get("/v1/experiments", params={"sort": sort, "fields": "id"}).json()
                    for sort in (field.name, name)
                )
                assert short["items"] == other["items"]
    for q in ("spec.name = a", "created_at > -1h and notes ~ look", "runs.summary.train_loss > 0"):
        items = client.get("/v1/experiments", params={"q": q}).json()["items"]
        assert [item["id"] for item in items] == [id_of_first], q


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("median(train_los)", "column 8: unknown field; did you mean train_loss"),
        ("name,count(outcome = fit)", "column 22"),
        ("count(outcome = fitted) > 1", "one field or statistic"),
        ("mode(train_loss)", "expected one of median"),
        ("trainin.length", "did you mean 'training.length'?"),
        (",".join(f"count(seed = {n})" for n in range(33)), "at most 32"),
        ("median(train_loss", "expected ')'"),
    ],
)
def test_a_column_that_is_not_understood_is_refused(client, fields, message):
    answer = client.get("/v1/experiments", params={"fields": fields})
    (problem,) = answer.json()["errors"]
    assert (answer.status_code, problem["pointer"]) == (422, "/query/fields")
    assert message in problem["message"]


def test_the_fields_of_the_filter_language_are_listed(client):
    items = client.get("/v1/fields").json()["items"]
    listed = {item["name"]: item for item in items}
    assert listed["outcome"]["choices"][0] == "fitted"
    assert listed["created"]["aliases"] == ["created_at"]
    assert (listed["student.start.scale"]["kind"], listed["tag"]["scope"]) == ("real", "tag")
    length = listed["training.length"]
    assert length["aliases"] == ["spec.training.length"]
    assert (length["meaning"], length["symbol"], length["unit"]) == (
        "training length",
        "k",
        "time steps",
    )


@pytest.fixture
def pending(submit, worker):
    """Tagged experiments, one completed, one running, three queued; and an untagged queued one."""
    tagged = [submit(tags=["x"]) for _ in range(5)]
    worker.complete(worker.claim())
    worker.claim()
    submit()
    return tagged


def test_all_unfinished_matches_of_a_filter_are_cancelled(client, pending):
    answer = client.post("/v1/experiments:cancel", json={"q": "tag:x", "expect_count": 4})
    assert answer.status_code == 200, answer.text
    states = {f"/v1/experiments/{item['id']}": item["state"] for item in answer.json()["items"]}
    assert answer.json()["count"] == 4
    assert states == dict(
        zip(pending[1:], ["running", "cancelled", "cancelled", "cancelled"], strict=True)
    )
    assert ids(client, q="state = queued", sort="created") == [
        path for path in ids(client) if path not in pending
    ]
    assert client.get(pending[1]).json()["cancel_requested"]


def test_nothing_is_cancelled_if_the_number_of_matches_has_changed(client, pending):
    answer = client.post("/v1/experiments:cancel", json={"q": "tag:x", "expect_count": 3})
    assert answer.status_code == 409
    (problem,) = answer.json()["errors"]
    assert (problem["pointer"], problem["given"], problem["allowed"]) == ("/expect_count", "3", "4")
    assert len(ids(client, q="state = queued")) == 4


@pytest.mark.parametrize(
    ("content", "status", "pointer"),
    [
        ({"q": "tag:x"}, 422, "/expect_count"),
        ({"expect_count": 1}, 422, "/q"),
        ({"q": "", "expect_count": 1}, 422, "/q"),
        ({"q": "stat = x", "expect_count": 1}, 400, "/q"),
        ({"q": "tag:x", "expect_count": -1}, 422, "/expect_count"),
        ({"q": "tag:x", "expect_count": 1, "force": True}, 422, "/force"),
    ],
)
def test_a_bulk_cancel_needs_a_filter_and_a_count(client, content, status, pointer):
    answer = client.post("/v1/experiments:cancel", json=content)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
