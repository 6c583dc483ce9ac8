"""HEAD is answered wherever GET is, with the same headers and without content."""

import pytest

from service.app import ROUTERS
from service.pages.routers import PAGES

VARYING = {"x-request-id", "etag", "content-length", "last-modified"}
"""Headers of answers that tell the time, in which two answers may differ."""

QUERIES = {
    "/v1/compare": "ids=exp_1,exp_2",
    "/v1/fields:complete": "q=st",
    "/v1/varying": "q=state = completed",
}


def addresses() -> list[str]:
    """An address for each GET route, mostly of things that are not there."""
    routes = [route for module in (*ROUTERS, *PAGES) for route in module.router.routes]
    values = {"id": "exp_1", "id:experiment": "exp_1", "format": "svg", "name": "balanced"}
    paths = []
    for route in routes:
        if "GET" in route.methods:
            path = route.path
            for name, value in (*values.items(), ("figure", "extrapolation")):
                path = path.replace(f"{{{name}}}", value)
            paths.append(path.partition("{")[0])
    return sorted({*paths, "/static/page.css", "/docs/", "/docs", "/nope"})


def test_every_get_answers_head(client):
    assert len(addresses()) > 50
    for address in addresses():
        if address == "/v1/events":
            continue
        url = f"{address}?{QUERIES[address]}" if address in QUERIES else address
        get, head = (client.request(m, url, follow_redirects=False) for m in ("GET", "HEAD"))
        assert head.status_code == get.status_code, address
        assert head.content == b""
        assert {*head.headers} == {*get.headers}, address
        for name, value in get.headers.items():
            assert name in VARYING or head.headers[name] == value, (address, name)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/export"])
def test_head_of_a_stream_is_answered_at_once(client, path):
    answer = client.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


def test_head_of_what_has_no_get_is_refused_as_get_is(client):
    answer = client.head("/v1/experiments:cancel")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_version_that_the_client_has_is_not_sent_again(client, submit):
    path = submit()
    etag = client.head(path).headers["etag"]
    assert etag == client.get(path).headers["etag"]
    assert client.head(path, headers={"If-None-Match": etag}).status_code == 304
