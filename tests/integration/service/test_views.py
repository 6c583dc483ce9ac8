"""Saved views over HTTP."""

import pytest

VIEW = {"name": "fits & fails, k = 8?", "page": "experiments", "query": "q=tag%3Aa&sort=-created"}


@pytest.fixture
def saved(client):
    answer = client.post("/v1/views", json=VIEW, headers={"X-Extrapolab-User": "ada"})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_view_is_saved_under_its_name(client, saved):
    path = saved.headers["Location"]
    assert (
        path == "/v1/views/fits%20%26%20fails%2C%20k%20%3D%208%3F" == saved.json()["links"]["self"]
    )
    read = client.get(path)
    assert read.json() == saved.json()
    assert {key: read.json()[key] for key in VIEW} == VIEW
    assert (read.json()["owner"], read.json()["created_at"]) == ("ada", read.json()["changed_at"])
    assert client.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    assert client.get("/v1/views", params={"page": "experiments"}).json()["items"] == [read.json()]
    assert client.get("/v1/views", params={"page": "lab"}).json() == {"items": [], "next": None}
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_view_is_changed_by_who_has_read_it(client, saved):
    path = saved.headers["Location"]
    etag = client.get(path).headers["ETag"]

    def change(if_match, **changes):
        return client.patch(path, json=changes, headers={"If-Match": if_match} if if_match else {})

    assert change(None, query="").status_code == 428
    assert change('"unknown"', query="").status_code == 412
    changed = change(etag, query="?q=state%20%3D%20failed")
    assert (changed.status_code, changed.json()["query"]) == (200, "q=state%20%3D%20failed")
    assert change(etag, query="").status_code == 412
    assert change("*", name="renamed").json()["links"]["self"] == "/v1/views/renamed"
    assert client.get(path).status_code == 404


def test_a_taken_name_is_refused(client, saved):
    again = client.post("/v1/views", json=VIEW)
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "/name")
    other = client.post("/v1/views", json=VIEW | {"name": "other"}).headers["Location"]
    renamed = client.patch(other, json={"name": VIEW["name"]}, headers={"If-Match": "*"})
    assert (renamed.status_code, renamed.json()["errors"][0]["code"]) == (409, "name_taken")
    assert saved.status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"name": ".."}, "/name"),
        ({"name": "tab\t"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"page": "/experiments"}, "/page"),
        ({"page": "https://example.org"}, "/page"),
        ({"query": "q=a b"}, "/query"),
        ({"query": 'q="'}, "/query"),
        ({"query": "q#top"}, "/query"),
        ({"query": "q" * 4001}, "/query"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_what_is_no_view_is_refused_by_field(client, change, pointer):
    answer = client.post("/v1/views", json=VIEW | change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_empty_change_and_a_bad_page_are_refused(client, saved):
    path = saved.headers["Location"]
    empty = client.patch(path, json={}, headers={"If-Match": "*"})
    assert (empty.status_code, "name, page or query" in empty.json()["detail"]) == (422, True)
    listed = client.get("/v1/views", params={"page": "a b"})
    assert (listed.status_code, listed.json()["errors"][0]["pointer"]) == (422, "/query/page")
