"""Reproduction by a whole lab: the same bits again, and differences that are found."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.client import reproduction


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


def test_reproduction_is_bitwise_equal(client, spec, invoke):
    completed = client.submit(spec()).wait(60)
    result = invoke("reproduce", completed.id, "--verify", "--json")
    assert result.exit_code == ExitCode.OK, result.stdout
    comparison = json.loads(result.stdout)
    assert (comparison["grade"], comparison["differs"]) == ("bitwise", [])
    assert comparison["again"] != completed.id
    arrays = {deviation["array"]: deviation for deviation in comparison["deviations"]}
    assert {
        "response",
        "parameters.A",
        "series.train_loss",
        "summary.fit_error",
        "teacher_response",
    } <= set(arrays)
    assert all((d["largest"], d["passed"]) == (0.0, True) for d in arrays.values())
    printed = invoke("reproduce", completed.id, "--verify")
    assert "reproduced; every bit" in printed.stdout


def test_different_result_is_not_a_reproduction(client, spec):
    first = client.submit(spec()).wait(60)
    other = client.submit(spec()).wait(60)
    comparison = reproduction.verify(first, other)
    assert (comparison.grade, comparison.passed) == ("bitwise", False)
    (teacher,) = (item for item in comparison.deviations if item.array == "teacher_response")
    assert 0 < teacher.largest < 1
    assert not teacher.passed


def test_experiments_are_compared_and_drawn(client, spec, invoke, tmp_path):
    a, b = (client.submit(spec(training={"length": k})).wait(60) for k in (4, 5))
    comparison = client.compare(a.id, b.id)
    assert ("training.length", (4, 5)) in [
        (difference.path, difference.values) for difference in comparison.differences
    ]
    assert comparison.metrics["fit_error"][0]["max"] == max(
        run.summary["fit_error"] for run in a.runs
    )
    picture = tmp_path / "both.svg"
    result = invoke("compare", a.id, b.id, "-o", picture)
    assert result.exit_code == ExitCode.OK
    assert "training.length" in result.stdout
    assert picture.read_bytes().startswith(b"<?xml")
