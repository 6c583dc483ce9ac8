"""Queries from Python and the command line, answered by a whole lab."""

import json
import time
import zipfile

import pytest
from typer.testing import CliRunner

from extrapolab import Conflict, Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.client.answers.bundle import BundleProgress


@pytest.fixture
def invoke(lab):
    return lambda *words: CliRunner().invoke(app, ["--url", lab.url, *map(str, words)])


def test_filter_finds_computed_values(client, spec, invoke):
    completed = client.submit(spec(tags=["asked"])).wait(60)
    metric = completed.runs[0].summary["extrapolation_error"]
    q = f"tag:asked and any(seed = 3 and extrapolation_error between {metric!r} and {metric!r})"
    assert [experiment.id for experiment in client.query(q)] == [completed.id]
    assert list(client.query(f"{q} and outcome = diverged")) == []
    result = invoke("query", q, "--json")
    assert json.loads(result.stdout)["id"] == completed.id
    assert completed.id in invoke("query", "tag:asked", "--sort", "-created,name").stdout


def test_columns_are_what_they_are_called(client, spec, invoke):
    completed = client.submit(spec(tags=["columns"])).wait(60)
    names = ["spec.name", "training.length", "max(fit_error)", "count(seed in (0, 3))"]
    (row,) = client.query("tag:columns", sort="max(fit_error)").select(*names)
    largest = max(run.summary["fit_error"] for run in completed.runs)
    assert row["id"] == completed.id
    assert [row[name] for name in names[1:3]] == [completed.spec.training.length, largest]
    options = ["--columns", ",".join(names[1:]), "--json"]
    assert json.loads(invoke("query", "tag:columns", *options).stdout) == {
        name: row[name] for name in ["id", *names[1:]]
    }
    shown = invoke("query", "tag:columns", "--columns", "state,spec.training.length").stdout
    assert shown.split()[:3] == ["id", "state", "spec.training.length"]
    assert shown.split()[3:] == [completed.id, "completed", str(completed.spec.training.length)]
    shown = invoke("query", "tag:columns", "--sort", "-max(fit_error),spec.training.length").stdout
    header, line = shown.splitlines()[:2]
    assert "max(fit_error)" in header.replace(" ", "_").replace("max_(", "max(")
    assert str(completed.spec.training.length) in line.split()
    (best,) = client.query("tag:columns", sort="-max(fit_error)", columns=["name"])
    assert best == {"max(fit_error)": largest, "name": completed.record.name, "id": completed.id}
    listed = invoke(
        *("list", "--tag", "columns", "--sort", "max(fit_error)", "--columns", "name", "--json")
    )
    assert json.loads(listed.stdout) == best


def test_series_of_many_experiments(client, spec):
    first, second = (client.submit(spec(tags=["curves"])).wait(60) for _ in range(2))
    for chosen in ({"q": "tag:curves"}, {"ids": [first.id, second.id]}):
        curves = client.series(**chosen, names=["train_loss"], max_points=4, sort="created")
        assert [item.experiment for item in curves] == [first.id, second.id]
        assert (curves[0].thinned, curves[0].of, len(curves[0].step)) == (True, 10, 4)
    recorded = first.series(["train_loss"])
    for seed, columns in curves[0].seeds.items():
        losses = recorded["train_loss"][recorded["seed"] == seed]
        assert (columns["train_loss"][0], columns["train_loss"][-1]) == (losses[0], losses[-1])
    (band,) = client.series(ids=second.id, over="seeds", names="fit_error")
    assert (band.seeds, band.step[-1], band.thinned) == (2, 50, False)
    final = [run.summary["fit_error"] for run in second.runs]
    assert band.metrics["fit_error"]["median"][-1] == pytest.approx(sum(final) / 2)
    with pytest.raises(Refused, match="can't be combined"):
        client.series("tag:curves", ids=first.id)


def test_invalid_filter_is_explained(client, invoke):
    with pytest.raises(Refused) as caught:
        list(client.query("train_los < 1"))
    assert caught.value.problems[0].column == 1
    result = invoke("query", "train_los < 1")
    assert result.exit_code == ExitCode.REFUSED
    assert "did you mean train_loss" in result.stderr


def test_fields_are_listed(client, invoke):
    assert {"outcome", "student.start.scale"} <= {field.name for field in client.fields()}
    assert "extrapolation_error_rms" in invoke("query", "--fields").stdout


def test_everything_that_a_filter_finds_is_cancelled(client, endless, invoke):
    ids = {client.submit(endless(tags=["to be cancelled at once"])).id for _ in range(3)}
    q = 'tag:"to be cancelled at once"'
    with pytest.raises(Conflict, match="3 unfinished experiments"):
        client.cancel(q, 2)
    assert invoke("cancel", "--where", q).exit_code == ExitCode.USAGE
    refused = invoke("cancel", "--where", q, "--expect", 2)
    assert refused.exit_code == ExitCode.REFUSED
    assert "--expect: 3 unfinished experiments" in refused.stderr
    assert set(json.loads(invoke("cancel", "--where", q, "--expect", 3, "--json").stdout)) == ids
    deadline = time.monotonic() + 60
    while {client.experiment(id).state for id in ids} != {"cancelled"}:  # noqa: A001  # the lab's word
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.cancel(q, 0) == {}


def test_table_groups_runs(client, spec, invoke):
    completed = [client.submit(spec(tags=["tabulated"], training={"length": k})) for k in (4, 5)]
    for experiment in completed:
        experiment.wait(60)
    rows = client.query("tag:tabulated").table(
        ["training.length"], ["fit_error"], ["median", "max"]
    )
    assert [(row["training.length"], row["seeds"], row["diverged"]) for row in rows] == [
        (4, 2, 0),
        (5, 2, 0),
    ]
    fits = [run.summary["fit_error"] for run in completed[0].runs]
    assert rows[0]["fit_error.max"] == max(fits)
    ungrouped = client.query("tag:tabulated").table(["training.length"], ["fit_error"], group=False)
    assert {row["fit_error"] for row in ungrouped if row["training.length"] == 4} == set(fits)
    result = invoke(
        "query", "tag:tabulated", "--group", "training.length", "--metrics", "fit_error"
    )
    assert "fit_error.median" in result.stdout
    assert len(result.stdout.splitlines()) == 3


def test_query_becomes_a_file_and_a_data_frame(client, spec, invoke, tmp_path):
    completed = client.submit(spec(tags=["exported"])).wait(60)
    losses = {run.seed: run.summary["train_loss"] for run in completed.runs}
    query = client.query("tag:exported")
    for frame in (query.to_pandas(), query.to_polars()):
        assert dict(zip(frame["seed"], frame["train_loss"], strict=True)) == losses
        assert set(frame["training.length"]) == {5}
    series = query.to_pandas("series", metrics=["fit_error"])
    assert list(series["fit_error"]) == list(completed.series(["fit_error"])["fit_error"])
    file = tmp_path / "runs.csv"
    written = invoke("export", "tag:exported", "-o", file, "--metrics", "train_loss", "--json")
    assert json.loads(written.stdout) == {"path": str(file)}
    assert repr(losses[3]) in file.read_text()
    with pytest.raises(Refused):
        query.export(tmp_path / "runs.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]


def test_bundle_tells_its_progress_and_may_have_no_figures(client, spec, invoke, tmp_path):
    for _ in range(2):
        client.submit(spec(tags=["bundled"])).wait(60)
    progress = []
    path = client.query("tag:bundled").bundle(tmp_path / "all.zip", observe=progress.append)
    assert progress[-1] == BundleProgress(2, 2, path.stat().st_size)
    without = tmp_path / "numbers.zip"
    written = invoke("export", "tag:bundled", "-o", without, "--no-figures")
    assert written.stdout == f"{without}\n"
    names, fewer = (zipfile.ZipFile(file).namelist() for file in (path, without))
    assert fewer == [name for name in names if "/figures/" not in name] != names
    refused = invoke("export", "-o", tmp_path / "runs.csv", "--no-figures")
    assert refused.exit_code == 2
    assert "needs a .zip file" in refused.stderr


def test_notebook_shows_experiments_sweeps_and_queries(client, spec):
    completed = client.submit(spec(name="<b> shown", tags=["shown"])).wait(60)
    output = completed._repr_html_()
    assert (
        f'<a href="{completed.page}" target="_blank"><b>&lt;b&gt; shown</b></a> completed' in output
    )
    assert f"{completed.runs[0].summary['fit_error']:.3g}" in output
    assert 'src="data:image/svg+xml;base64,' in output
    query = client.query("tag:shown", sort="name")
    assert completed.id in query._repr_html_()
    assert query.page == f"{client.url}/experiments?q=tag%3Ashown&sort=name"
    assert "nothing yet" in client.query("tag:nobody-has-it")._repr_html_()
    sweep = client.sweep(
        spec(), [{"path": "training.length", "values": [3, 4]}], name="shown"
    ).wait(60)
    assert "<td>completed</td><td>2</td>" in sweep._repr_html_()
    assert "data:image/svg+xml" in sweep._repr_html_()
    assert f'<a href="{client.url}/sweeps/{sweep.id}"' in sweep._repr_html_()
