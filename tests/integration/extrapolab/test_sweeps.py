"""Sweeps from Python and the command line, in a whole lab."""

import csv
import io
import json
import math
import re

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from extrapolab import NotFound, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode

LENGTHS = {"path": "training.length", "values": [3, 4]}
SCALES = {"path": "student.start.scale", "kind": "logspace", "low": 0.01, "high": 1.0, "count": 2}


@pytest.fixture
def invoke(lab):
    return lambda *arguments, **options: CliRunner().invoke(
        app, ["--url", lab.url, *map(str, arguments)], **options
    )


@pytest.fixture
def file(tmp_path):
    def write(content, name="sweep.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def test_sweep_from_submission_to_extension(client, spec, tmp_path):
    base, states = spec(tags=["swept"]), []
    check = client.check_sweep(base, [LENGTHS, SCALES])
    assert (check.count, check.reused, check.points[0].coordinates["training.length"]) == (4, 0, 3)
    assert list(client.experiments(tag="swept")) == []

    sweep = client.sweep(base, [LENGTHS, SCALES], name="from start to end")
    assert (sweep.created, sweep.reused) == (4, 0)
    assert sweep.wait(timeout=60, observe=lambda refreshed: states.append(refreshed.state)) is sweep
    assert (states[-1], sweep.state, sweep.counts["completed"]) == ("completed", "completed", 4)

    members = list(sweep.members())
    assert [tuple(m.coordinates.values()) for m in members] == [
        (3, 0.01),
        (3, 1.0),
        (4, 0.01),
        (4, 1.0),
    ]
    experiments = list(sweep.experiments())
    assert [(e.spec.training.length, e.spec.student.start.scale) for e in experiments][1] == (
        3,
        1.0,
    )

    rows = sweep.table(["train_loss"], ["min", "max"])
    for row, experiment in zip(rows, experiments, strict=True):
        losses = [run.summary["train_loss"] for run in experiment.runs]
        assert (row["train_loss.min"], row["train_loss.max"]) == (min(losses), max(losses))
        assert (row["experiment"], row["state"], row["seeds"], row["diverged"]) == (
            experiment.id,
            "completed",
            2,
            0,
        )
    read = list(csv.DictReader(io.StringIO(sweep.table_csv(["train_loss"], ["min"]), newline="")))
    assert [float(row["train_loss.min"]) for row in read] == [row["train_loss.min"] for row in rows]

    assert sweep.figure("heatmap", tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
    errors = [row["fit_error.median"] for row in sweep.table(["fit_error"], sort="-fit_error")]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == len(members)
    info = json.loads(
        sweep.figure(
            "lines", tmp_path / "l.json", x="student.start.scale", y="train_loss"
        ).read_text()
    )
    assert [line["label"] for line in info["panel"]["lines"]] == ["k = 3", "k = 4"]

    assert (
        sweep.extend([{**LENGTHS, "values": [3, 4, 5]}, SCALES]).created,
        sweep.record.progress.of,
    ) == (2, 6)
    assert [m.experiment for m in sweep.wait(timeout=60).members()][:4] == [
        m.experiment for m in members
    ]
    again = client.sweep(base, [{**LENGTHS, "values": [3, 4, 5]}, SCALES], name="from start to end")
    assert (again.id, again.created, again.reused) == (sweep.id, 0, 6)
    assert sweep.id in [listed.id for listed in client.sweeps(limit=5)]


def test_a_threshold_is_located_by_rounds(client, invoke, spec):
    sweep = client.sweep(spec(), [SCALES, {"path": "training.length", "values": [2, 7]}]).wait(60)
    asked = {"axis": "training.length", "where": "training.length >= 4"}
    found = sweep.refine(**asked, rounds=2)
    assert ([bracket.middle for bracket in found.brackets], found.is_final) == ([3, 3], False)
    options = [sweep.id, "--axis", asked["axis"]]
    shown = invoke("sweep", "refine", *options, "--where", asked["where"], "--watch")
    assert "2 of 2 flips located" in shown.stdout
    row = shown.stdout.splitlines()[-1].split()
    assert row == ["1", "3", "fails", "0/2", "4", "holds", "0/2", "yes"]
    assert len(sweep.table(["fit_error"])) == 8
    nowhere = invoke("sweep", "refine", *options, "--where", "training.length < 1")
    assert nowhere.stdout == "The verdict flips nowhere: it holds for no experiment of 8.\n"


def test_sweep_is_submitted_and_fetched_by_what_people_have(client, spec, file):
    base = spec()
    path = file({"name": "in a file", "base": base, "axes": [LENGTHS]})
    sweep = client.sweep(path).wait(timeout=60)
    assert (sweep.record.name, sweep.record.progress.of) == ("in a file", 2)
    for given in (sweep.id, sweep.record.name):
        assert client.sweep(given).id == sweep.id
    assert client.submit(path).id == sweep.id
    with pytest.raises(TypeError, match="this is a sweep, which can't have priority"):
        client.submit(path, priority=1)
    lengths = {"training.length": np.array([3, 4])}
    assert client.check_sweep(base, lengths).reused == 2
    assert client.check_sweep(base, lengths, on_duplicate="rerun").created == 2
    assert client.check_sweep(str(path), {**lengths, SCALES["path"]: SCALES}).count == 4
    assert sweep.extend({"training.length": range(3, 6)}).created == 1
    with pytest.raises(TypeError, match="a sweep needs axes"):
        client.sweep(base)
    with pytest.raises(TypeError, match="this is a sweep"):
        client.check(path)

    first, second, third = sweep
    assert client.submit(first).reused
    assert client.submit(file(base | {"training": {"length": 4}}, "spec.json")).id == second.id
    found = client.query(f"sweep:{sweep.id}", columns=["name"])
    for ids in (sweep, [first, second.id, third.record], found):
        assert len(client.tag(ids=ids, add=["chosen"])) == 3
    assert len(client.compare(sweep).experiments) == 3
    assert [given.id for given in client.as_completed(first.id)] == [first.id]
    assert [curves.experiment for curves in client.series(ids=first)] == [first.id]
    with pytest.raises(TypeError, match="should be an id"):
        client.experiment(3)
    with pytest.raises(TypeError, match=r"the path of a \.yaml or \.json file, not a str: 'exp_1'"):
        client.submit("exp_1")


def test_sweep_is_cancelled_and_retried(client, endless):
    sweep = client.sweep(endless(), [LENGTHS], name="to be cancelled")
    sweep.cancel()
    assert sweep.wait(timeout=30).state == "incomplete"
    assert sweep.counts["cancelled"] == 2
    row = sweep.table(["train_loss"])[0]
    assert (row["diverged"], "train_loss.median" in row) == (None, False)
    assert sweep.retry().state in {"queued", "running"}
    assert client.sweep_of(sweep.id).cancel().wait(timeout=30).counts["cancelled"] == 2


def test_invalid_sweep_is_refused_with_its_points(client, spec):
    with pytest.raises(Refused) as caught:
        client.sweep(spec(), [{"path": "training.length", "values": [3, 0]}])
    assert "(at training.length = 0)" in str(caught.value)
    with pytest.raises(NotFound):
        client.sweep_of("swp_" + "0" * 32)


def test_diverged_seeds_count_as_infinite(client, spec):
    sweep = client.sweep(spec(steps=200), [{"path": "optimizer.lr", "values": [1000.0]}]).wait(
        timeout=60
    )
    (row,) = sweep.table(["extrapolation_error"])
    assert (row["diverged"], row["extrapolation_error.median"]) == (2, math.inf)


def test_file_is_submitted_watched_and_tabulated(invoke, file, spec, tmp_path):
    path = file({"name": "from a file", "base": spec(), "axes": [LENGTHS, SCALES]})
    checked = invoke("submit", path, "--dry-run")
    assert (
        "4 experiments, 0 of which the lab already has\n  training.length: 3, 4\n" in checked.stdout
    )
    result = invoke("submit", path, "--watch")
    assert result.exit_code == ExitCode.OK, result.output
    sweep_id = result.stdout.split()[0]
    assert "4 experiments queued" in result.stdout
    assert "[4/4]  from a file  4 completed" in result.stdout
    timed = invoke("sweep", "submit", path, "--dry-run").stdout
    assert re.search(r"need about [\d.]+ s on this lab's (slot|\d+ slots), ", timed)
    again = invoke("sweep", "submit", path, "--dry-run", "--rerun").stdout
    assert [text.split(", ")[1].split("\n")[0] for text in (timed, again)] == [
        "4 of which the lab already has",
        "none is reused",
    ]
    assert "from a file" in invoke("sweep", "list").stdout
    wrong = invoke("status", sweep_id)
    assert wrong.exit_code == ExitCode.REFUSED
    assert "it is the id of a sweep" in wrong.stderr
    assert "extrapolab sweep status ID" in wrong.stderr
    output = invoke("sweep", "status", "from a file").stdout
    assert "training.length: 3, 4" in output
    assert "student.start.scale: 0.01, 1\n" in output
    lines = invoke("sweep", "table", sweep_id, "--metrics", "train_loss").stdout.splitlines()
    assert lines[0].split() == [
        "length",
        "scale",
        "state",
        "fitted",
        "diverged",
        "train_loss.median",
        "experiment",
    ]
    assert lines[1].split()[:2] == ["3", "0.01"]
    assert len(lines) == 5
    crossed = (
        "--rows",
        "student.start.scale",
        "--columns",
        "training.length",
        "--metrics",
        "train_loss",
    )
    lines = invoke("sweep", "table", sweep_id, *crossed).stdout.splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == ["median", "scale", "0.01", "1"]
    assert json.loads(invoke("sweep", "table", sweep_id, *crossed, "--json").stdout)["columns"][
        "values"
    ] == [3, 4]
    text = invoke("sweep", "table", sweep_id, *crossed, "--csv").stdout
    assert next(csv.reader(io.StringIO(text)))[1:3] == ["metric", "statistic"]
    text = invoke(
        "sweep", "table", sweep_id, "--csv", "--statistic", "all", "--metrics", "fit_error"
    ).stdout
    assert next(csv.reader(io.StringIO(text)))[-1] == "fit_error.standard_error"
    picture = tmp_path / "picture.pdf"
    assert invoke("sweep", "figure", sweep_id, "heatmap", "-o", picture).stdout == f"{picture}\n"
    assert picture.read_bytes().startswith(b"%PDF")

    wider = file({"base": {}, "axes": [{**LENGTHS, "values": [3, 4, 5]}, SCALES]})
    extended = invoke("sweep", "extend", sweep_id, wider, "--watch")
    assert "2 experiments queued" in extended.stdout
    other = file({"base": {"seeds": [7, 8, 9]}, "axes": [{**LENGTHS, "values": [3, 4, 5]}, SCALES]})
    refused = invoke("sweep", "extend", sweep_id, other)
    assert refused.exit_code == ExitCode.REFUSED
    assert "has another base than the sweep" in refused.stderr
    assert "seeds" in refused.stderr
    fewer = file({"base": {}, "axes": [LENGTHS]})
    refused = invoke("sweep", "extend", sweep_id, fewer)
    assert refused.exit_code == ExitCode.REFUSED
    assert "should keep student.start.scale" in refused.stderr
    assert "completed" in invoke("sweep", "watch", sweep_id).stdout
    assert "6 completed" in invoke("sweep", "cancel", sweep_id).stdout
    assert "6 completed" in invoke("sweep", "retry", sweep_id).stdout


def test_json_output_is_json_and_nothing_else(invoke, spec, tmp_path):
    text = json.dumps({"base": spec(), "axes": [LENGTHS]})
    assert (
        json.loads(invoke("sweep", "submit", "-", "--dry-run", "--json", input=text).stdout)[
            "count"
        ]
        == 2
    )
    record = json.loads(invoke("sweep", "submit", "-", "--watch", "--json", input=text).stdout)
    assert record["state"] == "completed"
    for command in ("status", "watch", "cancel", "retry"):
        assert (
            json.loads(invoke("sweep", command, record["id"], "--json").stdout)["id"]
            == record["id"]
        )
    rows = [
        json.loads(line)
        for line in invoke("sweep", "table", record["id"], "--json").stdout.splitlines()
    ]
    assert [row["coordinates"] for row in rows] == [{"training.length": 3}, {"training.length": 4}]
    assert json.loads(invoke("sweep", "list", "--limit", 1, "--json").stdout)["id"] == record["id"]
    picture = tmp_path / "lines.svg"
    drawn = invoke("sweep", "figure", record["id"], "lines", "-o", picture, "--json")
    assert json.loads(drawn.stdout) == {"path": str(picture)}


def test_watching_a_cancelled_sweep_ends_with_exit_code_1(invoke, file, endless):
    path = file({"base": endless(), "axes": [LENGTHS]})
    sweep_id = json.loads(invoke("sweep", "submit", path, "--json").stdout)["id"]
    assert sweep_id in invoke("sweep", "cancel", sweep_id).stdout
    assert invoke("sweep", "watch", sweep_id).exit_code == ExitCode.FAILED


def test_mistakes_have_their_exit_codes(invoke, file, spec, tmp_path):
    wrong = invoke("sweep", "submit", file({"base": spec(), "axes": [{"path": "a"}], "nmae": 1}))
    assert wrong.exit_code == ExitCode.REFUSED
    assert "is not a valid sweep:\n  axes.0.values: is required" in wrong.stderr
    assert "did you mean 'name'" in wrong.stderr
    refused = invoke(
        "sweep",
        "submit",
        file({"base": spec(), "axes": [{"path": "training.length", "values": [0]}]}),
    )
    assert refused.exit_code == ExitCode.REFUSED
    assert "(at training.length = 0)" in refused.stderr
    one = invoke("sweep", "submit", file(spec()))
    assert one.exit_code == ExitCode.REFUSED
    assert "is the spec of one experiment: 'extrapolab submit' takes it" in one.stderr
    ineffective = invoke("submit", file({"base": spec(), "axes": []}), "--priority", "3")
    assert ineffective.exit_code == ExitCode.USAGE
    assert "is a sweep" in ineffective.stderr
    assert invoke("sweep", "submit", tmp_path / "nothing.yaml").exit_code == ExitCode.USAGE
    assert invoke("sweep", "status", "swp_1").exit_code == ExitCode.REFUSED
    assert invoke("sweep", "figure", "swp_1", "lines", "-o", "picture").exit_code == ExitCode.USAGE


def test_reports_of_all_studies_are_a_table(client, invoke):
    rows = client.reports("full")
    assert {row.state for row in rows} == {"not_started"}
    result = invoke("study", "report", "--size", "full")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.splitlines()[1].split()[0] == rows[0].name == "balanced"
    assert len(result.stdout.splitlines()) == len(rows) + 1
    printed = invoke("study", "report", "--size", "full", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in printed] == [row.name for row in rows]


def test_study_has_a_sweep_per_arm(client):
    study = client.study("balanced", "quick")
    experiments = study.submit()
    try:
        ids = {member.experiment for sweep in study.sweeps.values() for member in sweep.members()}
        assert ids == {experiment.id for experiment in experiments}
    finally:
        for sweep in study.sweeps.values():
            sweep.cancel()
