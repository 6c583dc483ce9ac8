"""Runs from elsewhere, brought in by the client and the command line, beside those that a whole lab computed."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab import Conflict, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import Exit

RUNS = "training.length,seed,loss,host\n5,0,1e-9,a\n5,1,2e-9,b\n"


@pytest.fixture
def table(tmp_path):
    """A file of two runs, no two alike."""

    def write(name="runs.csv", content=RUNS):
        path = tmp_path / name
        path.write_text(
            content + f"7,{abs(hash(tmp_path)) % 10**9},1e-8,c\n" if content == RUNS else content
        )
        return path

    return write


@pytest.fixture
def base(spec):
    """What all rows have in common: a spec of a small experiment, without its seeds."""
    whole = spec()
    return {name: whole[name] for name in ("teacher", "student", "evaluation")} | {
        "outcome": "fitted",
        "steps": 50,
    }


def test_a_file_is_imported_and_stands_beside_what_the_lab_computed(client, base, spec, table):
    columns = {"loss": "train_loss", "host": None}
    told = client.import_runs(
        table(), base=base, columns=columns, origin="elsewhere", tags=["both"]
    )
    assert [one.seeds for one in told.experiments] == [2, 1]
    own = client.submit(spec(tags=["both"])).wait(60)
    rows = client.table("tag:both", by=["source"], metrics=["train_loss"], statistic=["min"])
    assert {(row["source"], row["seeds"]) for row in rows} == {("import", 3), ("lab", 2)}
    imported = client.experiment(told.experiments[0].id)
    assert imported.record.source == "import"
    assert [run.summary for run in imported.runs] == [{"train_loss": 1e-9}, {"train_loss": 2e-9}]
    assert client.compare(own.id, imported.id).metrics["train_loss"][1]["max"] == 2e-9
    with pytest.raises(Conflict, match="imported"):
        client.reproduce(imported.id)
    with pytest.raises(Conflict, match="imported"):
        imported.result()
    assert client.submit(imported.spec).reused is False
    again = client.import_runs(table(), base=base, columns=columns)
    assert all(one.reused for one in again.experiments)


def test_a_file_that_is_not_understood_is_refused_whole(client, base, table):
    with pytest.raises(Refused) as refused:
        client.import_runs(table(), base=base, columns={"loss": "train_los"})
    assert "train_loss" in str(refused.value)
    latin = table("latin.csv", "x\n")
    latin.write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        client.import_runs(latin)


def test_the_command_line_imports(lab, base, table, tmp_path):
    shared = tmp_path / "common.yaml"
    shared.write_text(
        json.dumps({name: base[name] for name in ("teacher", "student", "evaluation")})
    )

    def invoke(*words):
        return CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])

    how = (
        "--set",
        "outcome=fitted",
        "--set",
        "steps=50",
        "--column",
        "loss=train_loss",
        "--ignore",
        "host",
    )
    looked = invoke("import", table(), "--base", shared, *how, "--dry-run")
    assert "holds 2 experiments with 3 runs" in looked.stdout, looked.output
    done = invoke("import", table(), "--base", shared, *how, "--origin", "our old code", "--json")
    assert done.exit_code == Exit.OK, done.output
    told = json.loads(done.stdout)
    shown = invoke("status", told["experiments"][0]["id"]).stdout
    assert "from runs.csv (sha256 " in shown
    assert "our old code" in shown
    assert "2 fitted (imported)" in invoke("list", "--tag", told["tag"]).stdout
    assert "2 of which were there" in invoke("import", table(), "--base", shared, *how).stdout
    wrong = invoke("import", table(), "--base", shared, "--set", "outcome=well", *how[2:])
    assert (wrong.exit_code, "row 0, outcome" in wrong.output) == (Exit.REFUSED, True)
    assert invoke("import", tmp_path / "none.csv").exit_code == Exit.USAGE
    assert invoke("import", table(), "--set", "outcome").exit_code == Exit.USAGE
    assert invoke("import", table(), "--base", table("base.yaml", "- 1\n")).exit_code == Exit.USAGE
