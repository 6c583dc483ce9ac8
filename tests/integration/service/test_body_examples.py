"""A body that lacks a field, or is another thing, is answered with one that is valid."""

import json

import pytest

from core.spec import ExperimentSpec, SweepSpec
from extrapolab.errors import error_of


@pytest.mark.parametrize("sent", ["{}", "[]", "teacher: delay"])
@pytest.mark.parametrize(
    ("path", "model"), [("/v1/experiments", ExperimentSpec), ("/v1/sweeps", SweepSpec)]
)
def test_a_body_that_misses_the_point_is_answered_with_an_example(client, path, model, sent):
    headers = {"Content-Type": "application/json"}
    answer = client.post(path, content=sent, headers=headers)
    assert answer.status_code in {400, 422}
    assert model.model_validate(answer.json()["example"])
    shown = str(error_of(answer.status_code, answer.content)).partition("For example: ")[2]
    assert json.loads(shown) == answer.json()["example"]


def test_a_mistake_in_a_whole_body_is_answered_alone(client):
    sent = {"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 0}}
    whole = {**sent, "training": {"length": 3}}
    assert "example" not in client.post("/v1/experiments", json=whole).json()
    assert "example" in client.post("/v1/experiments", json=sent).json()


def test_every_path_with_a_documented_body_shows_its_example(client):
    headers, shown = {"Content-Type": "application/json"}, 0
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            example = content.get("application/json", {}).get("example")
            if example is not None:
                answer = client.request(method, path, content="[", headers=headers)
                if answer.status_code == 400:  # otherwise something else is wrong, such as the id
                    assert answer.json()["example"] == example
                    shown += 1
    assert shown > 5
