"""No request gets a 500, and every refusal says what to do."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import build
from service.intake.theorem import TOO_LARGE
from service.settings import Settings
from tests.integration.service.conftest import NO_BROKER, body

JSON = {"Content-Type": "application/json"}
LIMIT = 20_000


@pytest.fixture(scope="module")
def client(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("refusals") / "lab.db")
    settings = Settings(
        database_url=f"sqlite:///{file}",
        broker_url=NO_BROKER,
        max_body_bytes=LIMIT,
        max_experiment_flop=5e12,
    )
    with TestClient(build(settings), raise_server_exceptions=False) as client:
        yield client


def problems_of(answer, status: int) -> list[dict[str, str]]:
    """The field problems of an answer, which must be a well-formed problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["request_id"]) == (status, answer.headers["x-request-id"])
    assert problem["type"].startswith("urn:extrapolab:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["errors"]
    return problem["errors"]


def text(**changes) -> bytes:
    return json.dumps(body() | changes).encode()


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/experiments?dry_run=true"])
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b"[" * 10_000, 400),
        (b'{"seeds": ' + b"9" * 5000 + b"}", 400),
        (b"[]", 422),
        (b"null", 422),
        (b"NaN", 422),
        (b"{}", 422),
        (text(name="\0"), 422),
        (text(**{"\0": 1}), 422),
        (text(training={"length": 0}), 422),
        (text(training={"length": 10**30}), 422),
        (text(training={"length": "4"}), 422),
        (text(training={"length": 4.5}), 422),
        (text(training={"length": 4, "outputs": ["last"]}), 422),
        (text(optimizer={"steps": 0}), 422),
        (text(optimizer={"kind": {"a": 1}}), 422),
        (text(optimizer={"kind": None}), 422),
        (text(optimizer=[]), 422),
        (text(optimizer={"lr": float("nan")}), 422),
        (text(optimizer={"lr": float("-inf")}), 422),
        (text(optimizer={"lr": "NaN"}), 422),
        (text(optimizer={"lr": 1}).replace(b'"lr": 1', b'"lr": 1e999'), 422),
        (text(student={"kind": "linear", "dim": True}), 422),
        (text(student={"kind": "gru", "dim": 3, "structure": "symmetric"}), 422),
        (text(seeds=[1, 1]), 422),
        (text(seeds=[2**63]), 422),
        (text(seeds=[-1]), 422),
        (text(seeds=0), 422),
        (text(seeds=10**18), 422),
        (text(evaluation={"horizon": 4}), 422),
        (text(teacher={"kind": "explicit", "A": [[1, 2]], "B": [[1]], "C": [[1]]}), 422),
        (text(teacher={"kind": "explicit", "A": [[1, 2], [3]], "B": [[1]], "C": [[1]]}), 422),
        (text(teacher={"kind": "explicit", "A": [], "B": [], "C": []}), 422),
        (text(teacher={"kind": "balanced", "dim": 10**9}), 422),
        (text(teacher={"kind": "balanced", "eigenvalues": {"kind": "list", "values": 3}}), 422),
        (text(training={"length": 4, "loss": {"kind": "second_moment", "matrix": [[-1.0]]}}), 422),
        (text(optimizer={"steps": 1_000_000_000}, seeds=100), 422),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
def test_an_invalid_body_is_refused_with_a_reason(client, path, content, status):
    answer = client.post(path, content=content, headers=JSON)
    assert all(problem["message"] for problem in problems_of(answer, status))


@pytest.mark.parametrize(
    "teacher",
    [
        {
            "kind": "explicit",
            "A": [[1e308, 1e308], [1e308, 1e308]],
            "B": [[1e308], [1e308]],
            "C": [[1e308, 1e308]],
        },
        {"kind": "explicit", "A": [[5e-324]], "B": [[0.0]], "C": [[0.0]]},
        {
            "kind": "balanced",
            "eigenvalues": {"kind": "list", "values": [10, -10]},
            "weights": [1e308, 1e308],
        },
        {"kind": "memoryless", "gain": 1e308},
        {"kind": "random", "dim": 1, "spectral_radius": 0},
        {"kind": "random", "dim": 50},
        {"kind": "delay", "lag": 500},
    ],
    ids=lambda teacher: f"{teacher['kind']}-{len(str(teacher))}",
)
@pytest.mark.parametrize(
    "loss", [{"kind": "population"}, {"kind": "second_moment", "matrix": [[1e308] * 4] * 4}]
)
def test_extreme_numbers_get_a_warning_or_a_refusal(client, teacher, loss):
    spec = body() | {"teacher": teacher, "training": {"length": 4, "loss": loss}}
    assert client.post("/v1/experiments", json=spec).status_code in {200, 202, 422}


@pytest.mark.parametrize(
    "large",
    [
        {"teacher": {"kind": "random", "dim": 4096}},
        {"teacher": {"kind": "delay", "lag": 4095}},
        {
            "training": {"length": 200, "loss": {"kind": "finite_sample", "sequences": 1_000_000}},
            "evaluation": {},
        },
    ],
    ids=lambda large: next(iter(large.values()))["kind" if "teacher" in large else "length"],
)
def test_a_dry_run_does_not_analyse_a_large_teacher_or_sample(client, large):
    answer = client.post("/v1/experiments?dry_run=true", json=body() | large)
    assert answer.is_success
    assert answer.json()["theorem"]["note"] == TOO_LARGE
    assert any("too large" in warning for warning in answer.json()["warnings"])


def test_all_problems_of_a_body_are_reported_at_once_with_their_pointers(client):
    spec = body() | {
        "nmae": "x",
        "training": {"length": 0},
        "optimizer": {"steps": 0},
        "evaluation": {"points": 1},
    }
    problems = problems_of(client.post("/v1/experiments", json=spec), 422)
    messages = {problem["pointer"]: problem["message"] for problem in problems}
    assert messages.keys() >= {
        "/nmae",
        "/training/length",
        "/optimizer/steps",
        "/evaluation/points",
    }
    assert "did you mean 'name'?" in messages["/nmae"]


def test_an_experiment_above_the_cost_limit_is_refused_with_the_limit(client):
    spec = body() | {"optimizer": {"steps": 1_000_000_000}, "seeds": 100}
    problem, *_ = problems_of(client.post("/v1/experiments", json=spec), 422)
    assert (problem["pointer"], problem["allowed"]) == ("/optimizer/steps", "at most 5e+12")


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 40 * LIMIT])
def test_a_body_over_the_limit_is_refused(client, size):
    problems_of(client.post("/v1/experiments", content=b" " * size, headers=JSON), 413)


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 40 * LIMIT])
def test_a_body_over_the_limit_is_refused_whatever_its_length_header_says(client, size):
    chunks = (b" " * 1000 for _ in range(size // 1000 + 1))
    answer = client.post("/v1/experiments", content=chunks, headers=JSON)
    assert "content-length" not in answer.request.headers
    problems_of(answer, 413)


def test_a_body_of_exactly_the_limit_is_read(client):
    assert client.post("/v1/experiments", content=text().ljust(LIMIT), headers=JSON).is_success


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "nonsense"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_a_body_of_another_content_type_is_refused(client, headers):
    problems_of(client.post("/v1/experiments", content=text(), headers=headers), 415)


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", "application/vnd.lab+json", "APPLICATION/JSON"],
)
def test_every_content_type_of_json_is_read(client, content_type):
    assert client.post(
        "/v1/experiments", content=text(), headers={"Content-Type": content_type}
    ).is_success


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=501", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("limit=" + "9" * 5000, "/query/limit"),
        ("limit=1&limit=2", "/query/limit"),
        ("state=done", "/query/state"),
        ("tag=", "/query/tag"),
        ("tag=%00", "/query/tag"),
        ("tag=" + "a" * 101, "/query/tag"),
        ("cursor=", "/query/cursor"),
        ("lmit=1", "/query/lmit"),
        ("=", "/query/"),
        ("%00=%ff", "/query/\\x00"),
    ],
)
def test_an_invalid_query_parameter_is_refused_by_its_name(client, query, pointer):
    problem, *_ = problems_of(client.get(f"/v1/experiments?{query}"), 422)
    assert problem["pointer"] == pointer


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "%00", "💥", "WzEuMCwgMV0", "W05hTiwgImV4cCJd"])
def test_an_invented_cursor_is_refused(client, cursor):
    assert (
        problems_of(client.get(f"/v1/experiments?cursor={cursor}"), 400)[0]["pointer"]
        == "/query/cursor"
    )


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("dry_run=perhaps", "/query/dry_run"),
        ("on_duplicate=ignore", "/query/on_duplicate"),
        ("priority=101", "/query/priority"),
        ("priority=1.5", "/query/priority"),
        ("not_before=tomorrow", "/query/not_before"),
        ("not_before=2026-01-01T00:00:00", "/query/not_before"),
        ("not_before=1e400", "/query/not_before"),
        ("not_before=99999999999999999999", "/query/not_before"),
        ("not_before=0001-01-01T00:00:00%2B14:00", "/query/not_before"),
        ("not_before=9999-12-31T23:59:59-14:00", "/query/not_before"),
        ("max_seconds=0", "/query/max_seconds"),
        ("max_seconds=nan", "/query/max_seconds"),
        ("max_seconds=inf", "/query/max_seconds"),
        ("max_memory_mb=0", "/query/max_memory_mb"),
        ("max_memory_mb=" + "9" * 30, "/query/max_memory_mb"),
    ],
)
def test_an_invalid_option_is_refused_by_its_name(client, query, pointer):
    assert (
        problems_of(client.post(f"/v1/experiments?{query}", json=body()), 422)[0]["pointer"]
        == pointer
    )


@pytest.mark.parametrize("header", ["X-Extrapolab-User", "Idempotency-Key"])
@pytest.mark.parametrize("value", ["", "a" * 300, "a\tb", "é".encode("latin-1"), b"\xff"])
def test_an_invalid_header_is_refused_by_its_name(client, header, value):
    answer = client.post("/v1/experiments", json=body(), headers={header: value})
    assert problems_of(answer, 422)[0]["pointer"] == f"/header/{header}"


@pytest.mark.parametrize(
    "unknown", ["exp_" + "0" * 32, "x", "%00", "%ff", "💥", "a" * 3000, "exp_1; DROP TABLE runs"]
)
@pytest.mark.parametrize(
    "part", ["", "/result", "/series", "/events", "/log", "/figures/response.svg"]
)
def test_an_unknown_id_is_not_found(client, unknown, part):
    problems_of(client.get(f"/v1/experiments/{unknown}{part}"), 404)


@pytest.mark.parametrize("verb", [":cancel", ":retry"])
def test_a_verb_on_an_unknown_id_is_not_found(client, verb):
    problems_of(client.post(f"/v1/experiments/exp_{'0' * 32}{verb}"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs/try",
        "/openapi.json",
        "/healthz",
        "/readyz",
        "/v1/schema",
        "/v1/workers",
        "/v1/studies",
    ],
)
def test_every_operation_refuses_unknown_parameters(client, path):
    assert problems_of(client.get(f"{path}?x=1"), 422)[0]["pointer"] == "/query/x"


@pytest.mark.parametrize(
    "path",
    ["/v2", "/v1/", "/v1/experiment", "/static/../app.py", "/static/none", "/v1/experiments/a:b"],
)
def test_an_unknown_path_is_not_found(client, path):
    problems_of(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/experiments", "GET, HEAD, POST"),
        ("POST", "/v1/experiments/x", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/v1/experiments/x:cancel", "POST"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("DELETE", "/v1/studies/balanced", "POST"),
    ],
)
def test_an_unsupported_method_is_refused_with_the_supported_ones(client, method, path, allowed):
    answer = client.request(method, path)
    problems_of(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("a" * 65, False), ("a b", False), ("", False)]
)
def test_an_answer_has_the_id_of_its_request(client, given, kept):
    for path in ("/healthz", "/nope"):
        answered = client.get(path, headers={"X-Request-Id": given}).headers["x-request-id"]
        assert (answered == given) is kept
        assert answered
