"""Runs imported by the client and the command line, beside those that a whole lab computed."""

import json

import pytest
from typer.testing import CliRunner

from extrapolab import Conflict, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode

RUNS = "training.length,seed,loss,host\n5,0,1e-9,a\n5,1,2e-9,b\n"


@pytest.fixture
def table(tmp_path):
    """Writes files of runs, no two alike."""

    def write(name="runs.csv", content=RUNS):
        path = tmp_path / name
        path.write_text(
            content + f"7,{abs(hash(tmp_path)) % 10**9},1e-8,c\n" if content == RUNS else content
        )
        return path

    return write


@pytest.fixture
def base(spec):
    """Values that all rows share: a small spec without its seeds."""
    small = spec()
    return {name: small[name] for name in ("teacher", "student", "evaluation")} | {
        "outcome": "fitted",
        "steps": 50,
    }


def test_imported_runs_are_found_beside_the_labs_own(client, base, spec, table):
    columns = {"loss": "train_loss", "host": None}
    imported = client.import_runs(
        table(), base=base, columns=columns, origin="elsewhere", tags=["both"]
    )
    assert [experiment.seeds for experiment in imported.experiments] == [2, 1]
    computed = client.submit(spec(tags=["both"])).wait(60)
    rows = client.table("tag:both", by=["source"], metrics=["train_loss"], statistic=["min"])
    assert {(row["source"], row["seeds"]) for row in rows} == {("import", 3), ("lab", 2)}
    by_run = client.table(
        "tag:both and source = import", by=["source"], metrics=["imbalance"], group=False
    )
    assert [row["imbalance"] for row in by_run] == [None] * 3, "missing, not NaN"
    experiment = client.experiment(imported.experiments[0].id)
    assert experiment.record.source == "import"
    assert [run.summary["train_loss"] for run in experiment.runs] == [1e-9, 2e-9]
    assert all(set(run.summary) == {"train_loss", "zero_baseline"} for run in experiment.runs)
    assert client.compare(computed.id, experiment.id).metrics["train_loss"][1]["max"] == 2e-9
    with pytest.raises(Conflict, match="imported"):
        client.reproduce(experiment.id)
    with pytest.raises(Conflict, match="imported"):
        experiment.result()
    assert client.submit(experiment.spec).reused is False
    again = client.import_runs(table(), base=base, columns=columns)
    assert all(known.reused for known in again.experiments)


def test_invalid_file_is_refused_as_a_whole(client, base, table):
    with pytest.raises(Refused) as refused:
        client.import_runs(table(), base=base, columns={"loss": "train_los"})
    assert "train_loss" in str(refused.value)
    latin = table("latin.csv", "x\n")
    latin.write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        client.import_runs(latin)


def test_command_line_imports(lab, base, table, tmp_path):
    shared = tmp_path / "common.yaml"
    shared.write_text(
        json.dumps({name: base[name] for name in ("teacher", "student", "evaluation")})
    )

    def invoke(*words):
        return CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])

    options = (
        "--set",
        "outcome=fitted",
        "--set",
        "steps=50",
        "--column",
        "loss=train_loss",
        "--ignore",
        "host",
    )
    checked = invoke("import", table(), "--base", shared, *options, "--dry-run")
    assert "has 2 experiments with 3 runs" in checked.stdout, checked.output
    result = invoke(
        "import", table(), "--base", shared, *options, "--origin", "our old code", "--json"
    )
    assert result.exit_code == ExitCode.OK, result.output
    imported = json.loads(result.stdout)
    output = invoke("status", imported["experiments"][0]["id"]).stdout
    assert "from runs.csv (sha256 " in output
    assert "our old code" in output
    assert "2 fitted (imported)" in invoke("list", "--tag", imported["tag"]).stdout
    assert "2 already there" in invoke("import", table(), "--base", shared, *options).stdout
    wrong = invoke("import", table(), "--base", shared, "--set", "outcome=well", *options[2:])
    assert (wrong.exit_code, "row 2, outcome" in wrong.output) == (ExitCode.REFUSED, True)
    assert invoke("import", tmp_path / "none.csv").exit_code == ExitCode.USAGE
    assert invoke("import", table(), "--set", "outcome").exit_code == ExitCode.USAGE
    assert (
        invoke("import", table(), "--base", table("base.yaml", "- 1\n")).exit_code == ExitCode.USAGE
    )
