"""Pages of other websites, open in a user's browser, read and change nothing."""

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from service.app import build
from service.http.response_headers import PROTECTION
from service.settings import Settings
from tests.integration.service.conftest import body

FOREIGN = [
    "http://evil.example",
    "https://evil.example:8000",
    "http://testserver:8000",
    "null",
    "http://testserver.evil",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_change_by_a_foreign_page_is_refused(client, submit, origin):
    path, headers = submit(), {"Origin": origin}
    for method, target in (
        ("POST", "/v1/experiments"),
        ("POST", "/v1/studies/balanced"),
        ("POST", f"{path}:cancel"),
        ("POST", f"{path}:retry"),
        ("PATCH", path),
        ("DELETE", path),
    ):
        answer = client.request(method, target, headers=headers)
        assert answer.status_code == 403, target
        assert answer.headers["content-type"] == "application/problem+json", target
        assert answer.json()["errors"][0]["pointer"] == "/header/Origin"
    assert client.get(path).json()["state"] == "queued"


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://testserver"}, {"Origin": "https://TESTSERVER"}]
)
def test_programs_and_the_services_own_pages_may_change_things(client, headers):
    answer = client.post("/v1/experiments", json=body(), headers=headers)
    assert answer.status_code == 202


@pytest.mark.parametrize("path", ["/", "/v1/experiments", "/v1/events", "/static/page.css", "/no"])
def test_a_foreign_page_reads_nothing(client, path):
    for origin in ("http://evil.example", "null", "http://evil.example@localhost"):
        answer = client.get(path, headers={"Origin": origin})
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["pointer"] == "/header/Origin"
    if path != "/v1/events":  # which never ends
        for origin in ("http://testserver", "http://localhost:8888", "http://[::1]:8000"):
            assert client.get(path, headers={"Origin": origin}).status_code in {200, 404}


@pytest.mark.parametrize("path", ["/", "/v1/experiments", "/v1/events", "/static/page.css", "/no"])
def test_a_rebound_page_gets_no_answer(client, path):
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "10.0.0.1"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["title"]) == (
            421,
            "The lab is not known by this host name",
        )
        assert "EXTRAPOLAB_HOSTS" in answer.json()["detail"]
        assert answer.headers["x-request-id"]
        assert answer.headers["x-frame-options"] == PROTECTION["X-Frame-Options"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:9000",
        "localhost.",
        "lab.localhost",
        "127.0.0.1:8000",
        "127.8.9.1",
        "[::1]:80",
        "testserver",
        "Lab.example",
        "lab.example:443",
    ],
)
def test_loopback_the_listening_address_and_configured_names_are_known(sqlite_url, host):
    client = TestClient(build(Settings(database_url=sqlite_url, hosts="lab.example, other")))
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "pointer"),
    [
        ([("Host", "")], "/header/Host"),
        ([("Host", "localhost"), ("Host", "localhost")], "/header/Host"),
        ([("Host", "evil.example@localhost")], "/header/Host"),
        ([("Host", "localhost/")], "/header/Host"),
        ([("Host", "localhost:port")], "/header/Host"),
        (
            [
                ("Host", "localhost"),
                ("Origin", "http://localhost"),
                ("Origin", "http://evil.example"),
            ],
            "/header/Origin",
        ),
    ],
)
def test_a_host_and_an_origin_are_given_once(client, headers, pointer):
    request = client.build_request("POST", "/v1/experiments", json=body())
    del request.headers["Host"]
    request.headers = type(request.headers)([*request.headers.multi_items(), *headers])
    answer = client.send(request)
    assert (answer.status_code, answer.json()["title"]) == (
        400,
        "The host or origin of the request is not clear",
    )
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert client.get("/v1/experiments").json()["items"] == []


def test_there_are_no_websockets(client):
    for headers in ({}, {"Host": "evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/", headers=headers):
            pass


def test_other_machines_are_refused_unless_anyone_is_allowed(sqlite_url):
    for anyone, status in ((False, 403), (True, 200)):
        app = build(Settings(database_url=sqlite_url, allow_anyone=anyone))
        for address in ("http://192.168.1.5:8000", "http://[fd00::1]"):
            answer = TestClient(app, base_url=address).get("/v1/schema")
            assert answer.status_code == status
            if status == 403:
                assert "--allow-anyone" in answer.json()["detail"]


@pytest.mark.parametrize("hosts", ["https://lab.example", "lab.example:8000", "*", "a b"])
def test_names_of_the_host_are_names(hosts):
    with pytest.raises(ValueError, match="without scheme or port"):
        Settings(hosts=hosts)


def test_only_changing_operations_document_the_refusal(client):
    for operations in client.get("/openapi.json").json()["paths"].values():
        for method, operation in operations.items():
            assert ("403" in operation["responses"]) is (method != "get"), operation["operationId"]
