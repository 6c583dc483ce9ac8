"""A page of another website, open in a user's browser, changes nothing here."""

import pytest

from tests.integration.service.conftest import body

FOREIGN = [
    "http://evil.example",
    "https://evil.example:8000",
    "http://testserver:8000",
    "null",
    "http://testserver.evil",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_change_for_a_foreign_page_is_refused(client, submit, origin):
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
        assert (answer.status_code, answer.headers["content-type"]) == (
            403,
            "application/problem+json",
        ), target
        assert answer.json()["errors"][0]["pointer"] == "/header/Origin"
    assert client.get(path).json()["state"] == "queued"


def test_the_services_own_pages_and_programs_may_change_things(client):
    for headers in ({}, {"Origin": "http://testserver"}, {"Origin": "https://TESTSERVER"}):
        assert client.post("/v1/experiments", json=body(), headers=headers).status_code in {
            200,
            202,
        }


def test_reading_is_left_to_the_browsers_rules(client):
    assert (
        client.get("/v1/experiments", headers={"Origin": "http://evil.example"}).status_code == 200
    )


def test_every_change_documents_its_refusal_and_no_reading_does(client):
    for operations in client.get("/openapi.json").json()["paths"].values():
        for method, operation in operations.items():
            assert ("403" in operation["responses"]) is (method != "get"), operation["operationId"]
