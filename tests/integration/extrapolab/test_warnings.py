"""Warnings about specs: the same words in every form of a submission."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab.cli.app import app

LENGTHS = {"path": "training.length", "values": [5, 6, 7]}
SENTENCE = "The student has d = 6 <= k = 6"
WORDS = f"warning: {SENTENCE}, so it is not overparameterised in the paper's sense (d > k)."


@pytest.fixture
def invoke(lab):
    def invoke(*arguments, content):
        named = ["--url", lab.url, *arguments, "-"]
        result = CliRunner().invoke(app, named, input=json.dumps(content))
        assert result.exit_code == 0, result.output
        return result

    return invoke


def test_an_experiment_is_submitted_with_the_same_words_in_every_form(client, spec, invoke):
    content = spec(training={"length": 6})
    assert client.check(content).warnings[0] in WORDS
    assert client.submit(content).warnings[0] in WORDS
    for options in ((), ("--dry-run",)):
        assert WORDS in invoke("submit", *options, content=content).stdout
        as_json = invoke("submit", *options, "--json", content=content)
        assert WORDS in as_json.stderr
        assert json.loads(as_json.stdout)["warnings"][0] in WORDS


def test_a_sweep_is_submitted_and_extended_with_the_same_words_in_every_form(client, spec, invoke):
    base = {name: part for name, part in spec().items() if name != "training"}
    content = {"name": "worded", "base": base, "axes": [LENGTHS]}
    located = f"{WORDS} (at training.length = 6)"
    sweep = client.sweep(**content)
    sentences = [warning.message for warning in sweep.warnings]
    assert len([one for one in sentences if one in WORDS]) == 1
    assert [one.message for one in client.sweep_of(sweep.id).refresh().warnings] == sentences
    printed = [("sweep", "submit"), ("sweep", "submit", "--dry-run"), ("sweep", "extend", sweep.id)]
    for command in printed:
        assert located in invoke(*command, content=content).stdout
        as_json = invoke(*command, "--json", content=content)
        assert located in as_json.stderr
        found = json.loads(as_json.stdout)["warnings"]
        assert [warning["message"] for warning in found] == sentences
        assert {"training.length": 6} in [warning["first"] for warning in found]
    status = CliRunner().invoke(app, ["--url", client.url, "sweep", "status", sweep.id])
    assert located in status.stdout


def test_the_arms_of_a_study_have_their_warnings(client):
    study = client.study("unbalanced")
    study.submit()
    warnings = [warning for sweep in study.sweeps.values() for warning in sweep.warnings]
    assert "a tied student may not be able to match it" in warnings[0].message
    for sweep in study.sweeps.values():
        sweep.cancel()
