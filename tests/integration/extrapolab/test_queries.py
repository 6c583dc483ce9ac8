"""Questions from Python and the command line, asked of a real lab."""

import json
import time

import pytest
from typer.testing import CliRunner

from extrapolab import Conflict, Refused
from extrapolab.cli import app
from extrapolab.exits import Exit


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


def test_a_filter_finds_what_was_computed(client, spec, invoke):
    done = client.submit(spec(tags=["asked"])).wait(60)
    metric = done.runs[0].summary["extrapolation_error"]
    q = f"tag:asked and any(seed = 3 and extrapolation_error between {metric!r} and {metric!r})"
    assert [experiment.id for experiment in client.query(q)] == [done.id]
    assert list(client.query(f"{q} and outcome = diverged")) == []
    shown = invoke("query", q, "--json")
    assert json.loads(shown.stdout)["id"] == done.id
    assert done.id in invoke("query", "tag:asked", "--sort", "-created,name").stdout


def test_a_filter_that_is_not_understood_is_explained(client, invoke):
    with pytest.raises(Refused) as caught:
        list(client.query("train_los < 1"))
    assert caught.value.problems[0].column == 1
    ended = invoke("query", "train_los < 1")
    assert ended.exit_code == Exit.REFUSED
    assert "did you mean train_loss" in ended.stderr


def test_the_names_are_listed(client, invoke):
    assert {"outcome", "student.start.scale"} <= {field.name for field in client.fields()}
    assert "extrapolation_error_rms" in invoke("query", "--fields").stdout


def test_all_that_a_filter_finds_are_cancelled(client, endless, invoke):
    ids = {client.submit(endless(tags=["to be cancelled at once"])).id for _ in range(3)}
    q = 'tag:"to be cancelled at once"'
    with pytest.raises(Conflict, match="3 experiments"):
        client.cancel(q, 2)
    assert invoke("cancel", "--where", q).exit_code == Exit.USAGE
    assert set(json.loads(invoke("cancel", "--where", q, "--expect", 3, "--json").stdout)) == ids
    deadline = time.monotonic() + 60
    while {client.experiment(id).state for id in ids} != {"cancelled"}:  # noqa: A001  # the lab's word
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.cancel(q, 0) == {}
