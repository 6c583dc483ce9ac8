"""The check of a spec while it is typed: whatever the text, the page says what is wrong with it."""

import html
import itertools
import json
import re

import pytest

from service.pages.spec_form import draft
from tests.integration.service.conftest import body
from tests.integration.service.sweep_specs import sweep

JSON = {"Content-Type": "application/json"}


def checked(client, text):
    answer = client.post("/new/check", json={"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pointers(client, text):
    return [problem["pointer"] for problem in checked(client, text)["problems"]]


ALIASES = "a: &a [0, 0, 0]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 20)}]\n"
    for last, name in itertools.pairwise("abcdef")
)
"""A few lines of YAML that stand for ten million numbers."""

LONG = "teacher: {kind: delay}\n# " + "x" * draft.MAX_YAML


@pytest.mark.parametrize(
    "text",
    ["", "[1, 2]", "{", "a: [", ALIASES, "a: &a [*a]", LONG],
    ids=["empty", "list", "brace", "bracket", "aliases", "itself", "long"],
)
def test_a_text_that_is_no_spec_is_one_problem_of_the_whole(client, text):
    assert pointers(client, text) == [""]


@pytest.mark.parametrize("name", ["\\ud800", "<script>alert(1)</script>"])
def test_any_name_comes_back_as_it_was(client, name):
    text = json.dumps(body()).replace('"name": ""', f'"name": "{name}"')
    assert checked(client, text)["content"]["name"] == json.loads(f'"{name}"')


def test_problems_of_a_sweep_name_their_axis_or_field(client):
    axis = {"path": "training.length", "kind": "linspace", "low": 2, "high": 4, "count": 0}
    assert pointers(client, json.dumps(sweep(axis))) == ["/axes/0/count"]
    base = body(training={"length": 3})
    base["evaluation"]["horizon"] = 4
    late = {"path": "training.length", "values": [3, 5]}
    assert pointers(client, json.dumps(sweep(late, base=base))) == ["/base/evaluation/horizon"]


def test_a_sweep_of_very_many_is_counted_and_not_expanded(client):
    axis = {"path": "teacher.seed", "values": [*range(draft.MAX_POINTS + 1)]}
    shown = checked(client, json.dumps(sweep(axis)))
    assert shown["problems"] == []
    assert f'data-count="{draft.MAX_POINTS + 1}"' in shown["panel"]
    assert "Too many to check" in shown["panel"]


def test_a_page_from_nothing_is_a_problem(client):
    assert client.get("/new?from=exp_0000").status_code == 404
    assert client.get("/new?preset=balance").json()["errors"][0]["pointer"] == "/query/preset"


@pytest.mark.parametrize(
    "changes",
    [
        {"student": {"kind": "linear", "dim": 4, "start": {"kind": "default"}}},
        {"training": {"length": 3, "loss": {"covariance": {"kind": "ar1", "rho": 0.5}}}},
        {"optimizer": {"kind": "adam", "stop": {"loss_below": 1e-9}}, "seeds": [0, 1, 7]},
    ],
)
def test_a_clone_computes_what_its_original_does(client, submit, changes):
    path = submit(**changes)
    page = client.get("/new", params={"from": path.rpartition("/")[2]}).text
    document = html.unescape(re.search(r'data-document="([^"]*)"', page)[1])
    dry = client.post("/v1/experiments?dry_run=true", content=document, headers=JSON).json()
    assert dry["spec_hash"] == client.get(path).json()["spec_hash"]
    assert "numerics" not in json.loads(document)  # all of it is default
