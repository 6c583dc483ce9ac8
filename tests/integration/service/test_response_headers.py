"""Every answer protects its reader, and says whether it may be kept."""

import sqlite3
from pathlib import Path

import pytest

from service.http.response_headers import PAGE_POLICY, PROTECTION
from tests.integration.service.conftest import body


def policy(answer) -> dict[str, str]:
    """The directives of an answer's Content-Security-Policy."""
    directives = answer.headers["content-security-policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs/try", 200),
        ("/docs", 307),
        ("/static/try/start.js", 200),
        ("/openapi.json", 200),
        ("/v1/experiments", 200),
        ("/v1/experiments?limit=0", 422),
        ("/v1/experiments/exp_1/figures/response.svg", 404),
        ("/nope", 404),
        ("/v1/experiments:cancel", 405),
    ],
)
def test_every_answer_is_protected(client, path, status):
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == status
    for name, value in PROTECTION.items():
        assert answer.headers.get_list(name) == [value]
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert len(answer.headers.get_list("cache-control")) == 1


def test_the_answer_to_an_unexpected_error_is_protected(client, sqlite_url):
    path = client.post("/v1/experiments", json=body()).headers["location"]
    with sqlite3.connect(Path(sqlite_url.removeprefix("sqlite:///"))) as other:
        other.execute("UPDATE experiments SET state = 'nonsense'")
    other.close()
    answer = client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (500, "no-store")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_load_everything_from_this_host_and_have_no_inline_code(client):
    directives = policy(client.get("/docs/try"))
    images = directives.pop("img-src")  # an exception for this page only
    assert directives == dict(part.split(" ", 1) for part in PAGE_POLICY.split("; "))
    assert directives["default-src"] == "'self'"
    assert images == "'self' blob: data:"


def test_a_figure_opened_by_itself_runs_no_script(client, submit, worker):
    path = submit()
    worker.complete(worker.claim())
    answer = client.get(f"{path}/figures/response.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "script-src" not in policy(answer)
    for name, value in PROTECTION.items():
        assert answer.headers.get_list(name) == [value]


def test_what_has_a_tag_is_kept_and_asked_for_again(client, submit):
    for path in (submit(), "/static/try/start.js"):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
    for path in ("/v1/experiments", "/v1/workers", "/healthz"):
        assert client.get(path).headers["cache-control"] == "no-store"
