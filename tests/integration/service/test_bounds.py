"""Bad bodies of full size get short answers, and cost little: no list of errors grows with them."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.spec.bounds import MAX_PROBLEMS
from service.app import build
from service.settings import Settings
from tests.integration.service.conftest import NO_BROKER, body

FULL = 8 * 2**20
"""``EXTRAPOLAB_MAX_BODY_BYTES``, unless it is set."""

MOST_ANSWER = 60_000
"""Bytes of an answer."""

MOST_MEMORY = 100e6
"""Bytes; a list of numbers alone takes ten times its text."""

SWEEP = {"base": body(), "axes": [{"path": "training.length", "values": [4]}]}
IMPORT = {"file": "runs.csv", "base": {}, "content": ""}
IDS = {"ids": [], "expect_count": 0}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    file = tmp_path_factory.mktemp("bounds") / "lab.db"  # no body gets as far as the database
    settings = Settings(database_url=f"sqlite:///{file}", broker_url=NO_BROKER)
    with TestClient(build(settings), raise_server_exceptions=False) as client:
        yield client


def full(item: str, end: str = "", size: int = FULL - 4_000) -> str:
    """``item`` as often as it fits into a body, after an opening bracket of its kind."""
    return f"{item}," * (size // (len(item) + 1)) + (end or item)


def keys(value: str = "0") -> str:
    width = 8 + len(value)
    return "{" + ",".join(f'"{n:05x}":{value}' for n in range((FULL - 4_000) // (width + 1))) + "}"


HUGE = {
    "words": f"[{full(chr(34) + 'a' + chr(34))}]",
    "objects": f"[{full('{}')}]",
    "lists": f"[{full('[]')}]",
    "nested lists": f"[{full('[[0]]')}]",
    "zeros": f"[{full('0')}]",
    "fractions": f"[{full('0.5')}]",
    "negative": f"[{full('-1')}]",
    "infinities": f"[{full('1e999')}]",
    "NaNs": f"[{full('NaN')}]",
    "a long row": f"[[{full('0.5')}]]",
    "one wrong": f"[{full('1', chr(34) + 'a' + chr(34))}]",
    "few words": f"[{full(chr(34) + 'a' + chr(34), size=400_000)}]",
    "few objects": f"[{full('{}', size=400_000)}]",
    "keys": keys(),
    "few keys": "{" + ",".join(f'"{n}":0' for n in range(120_000)) + "}",
    "a text": '"' + "a" * (FULL - 4_000) + '"',
    "a key": '{"' + "a" * (FULL - 4_000) + '":1}',
    "digits": "9" * 4_000,
    "deep": "[" * 900 + "]" * 900,
    "deep objects": '{"a":' * 190 + "1" + "}" * 190,
    "braces in text": '"' + "[{" * (FULL // 2 - 4_000) + '"',
    "smileys": '"' + "\\ud83d\\ude00" * (FULL // 12 - 1_000) + '"',
}

PLACES: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/experiments", body(), "seeds"),
    ("/v1/experiments", body(), "name"),
    ("/v1/experiments", body(), "tags"),
    ("/v1/experiments", body(), "unknown"),
    ("/v1/experiments", body(), ""),
    ("/v1/experiments", body(), "teacher"),
    ("/v1/experiments", body(), "teacher.kind"),
    ("/v1/experiments", body(), "teacher.eigenvalues.values"),
    ("/v1/experiments", body() | {"teacher": {"kind": "explicit"}}, "teacher.A"),
    ("/v1/experiments", body(), "student.trained"),
    ("/v1/experiments", body(), "evaluation.record_at"),
    ("/v1/experiments", body(), "evaluation.metrics"),
    ("/v1/experiments", body(), "training.loss.inputs"),
    ("/v1/sweeps?dry_run=true", SWEEP, "axes"),
    ("/v1/sweeps?dry_run=true", SWEEP, "axes.0.values"),
    ("/v1/sweeps?dry_run=true", SWEEP, "axes.0.axes"),
    ("/v1/sweeps?dry_run=true", SWEEP, "base.seeds"),
    ("/v1/sweeps?dry_run=true", SWEEP, "base"),
    ("/v1/figures", {"x": "step"}, "xlim"),
    ("/v1/figures", {"x": "step"}, ""),
    ("/v1/views", {"name": "a", "page": "experiments", "query": ""}, ""),
    ("/v1/experiments:cancel", IDS, "ids"),
    ("/v1/experiments:cancel", IDS, ""),
    ("/v1/experiments:tag", IDS | {"ids": ["exp_" + "0" * 32]}, "add"),
    ("/v1/teachers:preview", {"teacher": body()["teacher"]}, "teacher.weights"),
    ("/v1/imports", IMPORT, "columns"),
    ("/v1/imports", IMPORT, "base"),
    ("/v1/imports", IMPORT, "tags"),
]


def with_value(content: Any, path: str, value: str) -> str:
    """``content`` as JSON, with the text ``value`` at ``path``."""
    if not path:
        return value
    content = json.loads(json.dumps(content))
    *parents, last = path.split(".")
    place = content
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    place[last] = "PLACE"
    return json.dumps(content).replace('"PLACE"', value)


def refused(client: TestClient, case: int, huge: str) -> None:
    """Posts a bad body; the answer is short and lists few problems."""
    path, content, place = PLACES[case % len(PLACES)]
    text = with_value(content, place, HUGE[huge]).encode()
    answer = client.post(path, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 413, 422}, answer.text[:500]
    assert len(answer.json()["errors"]) <= MAX_PROBLEMS + 1
    assert len(answer.content) < MOST_ANSWER


CASES = [
    pytest.param(case, huge, id=f"{PLACES[case][0]} {PLACES[case][2]} {huge}")
    for case in range(len(PLACES))
    for n, huge in enumerate(HUGE)
    if (case + n) % 11 == 0
]


@pytest.mark.parametrize(("case", "huge"), CASES)
def test_the_answer_to_a_bad_body_of_full_size_is_short(client, case, huge):
    refused(client, case, huge)


@pytest.mark.parametrize(("case", "huge"), [(0, "zeros"), (1, "objects"), (4, "few keys")])
def test_a_bad_body_of_full_size_takes_little_memory(client, case, huge):
    tracemalloc.start()
    try:
        refused(client, case, huge)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
