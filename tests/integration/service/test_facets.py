"""Counts, facets, values of fields, differences and completion over HTTP."""

import pytest


@pytest.fixture
def stored(submit, worker):
    """Two experiments, one completed, with different tags and lengths."""
    submit(name="fits", tags=["two words"], training={"length": 2})
    worker.complete(worker.claim())
    submit(name="waits", tags=["x", "two words"])


def get(client, path, **query):
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_list_has_the_number_of_all_matches_on_request(client, stored):
    page = get(client, "/v1/experiments", limit=1, include="count")
    assert (page["count"], len(page["items"])) == (2, 1)
    assert get(client, "/v1/experiments", q="state = queued", include="count")["count"] == 1
    assert get(client, "/v1/experiments", tag="x", include="count")["count"] == 1
    assert "count" not in get(client, "/v1/experiments")


def test_facets_count_matches_by_value(client, stored):
    answer = get(client, "/v1/facets", q="name in (fits, waits)", by="state,tag", limit=1)
    assert answer == {
        "count": 2,
        "items": [
            {
                "field": "state",
                "values": [{"value": "completed", "count": 1}],
                "more": 1,
                "missing": 0,
            },
            {
                "field": "tag",
                "values": [{"value": "two words", "count": 2}],
                "more": 1,
                "missing": 0,
            },
        ],
        "next": None,
    }


def test_values_of_a_field_start_with_a_prefix(client, stored):
    answer = get(client, "/v1/fields/tag/values", prefix="TW", q="state = queued")
    assert answer["items"] == [{"value": "two words", "count": 1}]
    lengths = get(client, "/v1/fields/spec.training.length/values")["items"]
    assert lengths == [{"value": 2, "count": 1}, {"value": 4, "count": 1}]


@pytest.mark.parametrize(
    ("path", "status", "pointer", "message"),
    [
        ("/v1/facets?by=created", 400, "/query/by", "created has a value of its own"),
        ("/v1/facets?by=stat", 400, "/query/by", "did you mean state"),
        ("/v1/facets?by=" + ",".join(["a"] * 3), 400, "/query/by", "unknown field"),
        ("/v1/facets?by=state,,tag", 400, "/query/by", "without empty names"),
        ("/v1/facets?q=stat", 400, "/query/q", "did you mean state"),
        ("/v1/fields/tagg/values", 404, "/path/name", "did you mean tag"),
        ("/v1/fields/train_loss/values", 400, "/path/name", "choose another field"),
        ("/v1/fields/tag/values?prefix=%00", 422, "/query/prefix", "control characters"),
        ("/v1/varying?q=stat", 400, "/query/q", "did you mean state"),
        ("/v1/fields:complete?q=a&cursor=2", 422, "/query/cursor", "at most 1"),
        ("/v1/experiments?include=total", 422, "/query/include", "should be 'count'"),
    ],
)
def test_what_cannot_be_counted_is_refused(client, path, status, pointer, message):
    answer = client.get(path)
    assert answer.status_code == status
    (problem,) = answer.json()["errors"]
    assert problem["pointer"] == pointer
    assert message in problem["message"]


def test_too_many_facets_are_refused(client):
    fields = get(client, "/v1/fields")["items"]
    names = [f["name"] for f in fields if f["scope"] == "experiment" and f["kind"] == "whole"]
    answer = client.get("/v1/facets", params={"by": ",".join(names[:13])})
    assert (answer.status_code, "at most 12" in answer.json()["detail"]) == (400, True)


def test_varying_parts_have_their_range_and_symbol(client, stored):
    answer = get(client, "/v1/varying")
    assert (answer["sample"], answer["of"]) == (2, 2)
    (part,) = answer["items"]
    assert part == {
        "path": "training.length",
        "meaning": "training length",
        "symbol": "k",
        "unit": "time steps",
        "numeric": True,
        "distinct": 2,
        "missing": 0,
        "min": 2,
        "max": 4,
        "values": [{"value": 2, "count": 1}, {"value": 4, "count": 1}],
    }


def test_a_half_typed_filter_is_completed_and_its_mistake_is_located(client, stored):
    answer = get(client, "/v1/fields:complete", q="tag:tw and stat = x", cursor=6)
    assert (answer["start"], answer["end"]) == (4, 6)
    value = {"text": '"two words"', "kind": "value", "meaning": "", "count": 2}
    assert answer["items"] == [value]
    problem = answer["problem"]
    assert (problem["offset"], problem["length"]) == (11, 4)
    completed = get(client, "/v1/fields:complete", q="sta", limit=1)
    assert completed["items"] == [
        {"text": "state", "kind": "field", "meaning": "state", "count": None}
    ]


def test_fields_tell_their_operators(client):
    fields = {field["name"]: field for field in get(client, "/v1/fields")["items"]}
    assert fields["tag"]["operators"] == ["=", "~", "in", "is null", "is not null"]
    assert "<" in fields["training.length"]["operators"]
