"""An experiment is run again by a real lab, to the last bit; and what is not the same is found."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import Exit
from extrapolab.client import reproduction


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


def test_the_same_comes_out_to_the_last_bit(client, spec, invoke):
    done = client.submit(spec()).wait(60)
    ended = invoke("reproduce", done.id, "--verify", "--json")
    assert ended.exit_code == Exit.OK, ended.stdout
    found = json.loads(ended.stdout)
    assert (found["grade"], found["differs"]) == ("bitwise", [])
    assert found["again"] != done.id
    arrays = {deviation["array"]: deviation for deviation in found["deviations"]}
    assert {
        "response",
        "parameters.A",
        "series.train_loss",
        "summary.fit_error",
        "teacher_response",
    } <= set(arrays)
    assert all((d["largest"], d["passed"]) == (0.0, True) for d in arrays.values())
    shown = invoke("reproduce", done.id, "--verify")
    assert "reproduced; every bit" in shown.stdout


def test_another_result_is_not_a_reproduction(client, spec):
    first = client.submit(spec()).wait(60)
    other = client.submit(spec()).wait(60)
    found = reproduction.verify(first, other)
    assert (found.grade, found.passed) == ("bitwise", False)
    (teacher,) = (one for one in found.deviations if one.array == "teacher_response")
    assert 0 < teacher.largest < 1
    assert not teacher.passed


def test_two_experiments_are_compared_and_drawn(client, spec, invoke, tmp_path):
    a, b = (client.submit(spec(training={"length": k})).wait(60) for k in (4, 5))
    found = client.compare(a.id, b.id)
    assert ("training.length", (4, 5)) in [(one.path, one.values) for one in found.differences]
    assert found.metrics["fit_error"][0]["max"] == max(run.summary["fit_error"] for run in a.runs)
    picture = tmp_path / "both.svg"
    shown = invoke("compare", a.id, b.id, "-o", picture)
    assert shown.exit_code == Exit.OK
    assert "training.length" in shown.stdout
    assert picture.read_bytes().startswith(b"<?xml")
