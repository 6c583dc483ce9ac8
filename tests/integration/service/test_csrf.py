"""Pages of other websites, open in a user's browser, change nothing."""

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


def test_foreign_pages_may_read(client):
    answer = client.get("/v1/experiments", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 200


def test_only_changing_operations_document_the_refusal(client):
    for operations in client.get("/openapi.json").json()["paths"].values():
        for method, operation in operations.items():
            assert ("403" in operation["responses"]) is (method != "get"), operation["operationId"]
