"""The command line and a whole lab."""

import json
import os
import subprocess

import httpx2
import pytest
from typer.testing import CliRunner

from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from tests.kit.lab import EXTRAPOLAB


@pytest.fixture
def invoke(lab):
    return lambda *arguments, **options: CliRunner().invoke(
        app, ["--url", lab.url, *map(str, arguments)], **options
    )


@pytest.fixture
def file(tmp_path):
    def write(content, name="spec.json"):
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write


def test_file_is_submitted_watched_and_its_result_read(invoke, file, spec, tmp_path):
    path = file(spec(name="from [a] file", tags=["by-hand"]))
    result = invoke("submit", path, "--watch")
    assert result.exit_code == ExitCode.OK, result.output
    experiment_id, state = result.stdout.split()[:2]
    assert state in {"queued", "running", "completed"}, (
        "the lab's workers may be faster than the answer"
    )
    assert f"/experiments/{experiment_id}\n" in result.stdout
    assert "[1/1]  from [a] file  completed" in result.stdout
    assert "not fitted" in result.stdout

    assert "the lab has it already" in invoke("submit", path).stdout
    assert "from [a] file  completed" in invoke("status", experiment_id).stdout
    assert experiment_id in invoke("list", "--tag", "by-hand", "--state", "completed").stdout
    assert "zero baseline" in invoke("result", experiment_id).stdout
    assert "training on cpu" in invoke("log", experiment_id).stdout
    assert len(invoke("workers").stdout.splitlines()) == 3

    lines = invoke("series", experiment_id, "--names", "train_loss").stdout.splitlines()
    assert lines[0] == "seed,step,train_loss"
    assert lines[1].startswith("3,0,")

    picture = tmp_path / "picture.pdf"
    assert invoke("figure", experiment_id, "response", "-o", picture).stdout == f"{picture}\n"
    assert picture.read_bytes().startswith(b"%PDF")
    result = invoke("figure", experiment_id, "response", "-o", tmp_path / "nowhere" / "picture.svg")
    assert result.exit_code == ExitCode.USAGE
    assert "No such file" in result.stderr


def test_json_output_is_json_and_nothing_else(invoke, file, spec, tmp_path):
    path = file(spec())
    watched = invoke("submit", path, "--watch", "--json")
    record = json.loads(watched.stdout)
    assert record["state"] == "completed"
    assert "completed" in watched.stderr
    for command in ("status", "watch"):
        assert json.loads(invoke(command, record["id"], "--json").stdout)["id"] == record["id"]
    assert len(json.loads(invoke("result", record["id"], "--json").stdout)["runs"]) == 2
    assert json.loads(invoke("series", record["id"], "--format", "json").stdout)["seed"][0] == 3
    picture = tmp_path / "response.svg"
    assert json.loads(
        invoke("figure", record["id"], "response", "-o", picture, "--json").stdout
    ) == {"path": str(picture)}
    assert json.loads(invoke("list", "--limit", "1", "--json").stdout)["id"] == record["id"]
    assert json.loads(invoke("workers", "--json").stdout.splitlines()[0])["device"] == "cpu"
    assert (
        json.loads(invoke("study", "report", "balanced", "--size", "full", "--json").stdout)[
            "state"
        ]
        == "not_started"
    )


def test_a_study_is_written_as_sweep_files_that_the_lab_accepts(invoke, tmp_path):
    assert "study.memoryless" in invoke("init").stdout
    written = invoke("init", "study.memoryless", "--folder", tmp_path).stdout.split()
    assert len(written) > 1
    checked = invoke("sweep", "submit", written[0], "--dry-run")
    assert checked.exit_code == ExitCode.OK, checked.output
    assert "tags:" not in (tmp_path / written[0]).read_text()
    assert invoke("init", "study.nonsense").exit_code == ExitCode.REFUSED


def test_open_prints_the_address_of_a_page(lab, client, invoke, spec, monkeypatch):
    experiment = client.submit(spec())
    sweep = client.sweep(spec(), [{"path": "training.length", "values": [3, 4]}])
    figure = client.figure(x="training.length").save()
    pages = {
        experiment.id: experiment.page,
        experiment.id[:-4]: experiment.page,
        sweep.id: sweep.page,
        figure.id: figure.page,
        "balanced": f"{lab.url}/studies/balanced",
    }
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, page in pages.items():
        assert invoke("open", name).stdout == f"{page}\n"
        assert httpx2.get(page).status_code == 200, page
    refused = invoke("open", "balance")
    assert refused.exit_code == ExitCode.USAGE
    assert "study: balanced, threshold" in " ".join(refused.stderr.replace("│", "").split())
    assert "exp_0" in invoke("open", "exp_0").stderr  # an error of the lab


def test_open_shows_a_page_where_there_is_a_display(lab, tmp_path):
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\necho $1 > {opened}\n")
    browser.chmod(0o700)
    desktop = {**os.environ, "DISPLAY": ":0", "BROWSER": str(browser)}
    subprocess.run([EXTRAPOLAB, "--url", lab.url, "open"], env=desktop, check=True)
    assert opened.read_text() == f"{lab.url}\n"


def test_a_retry_takes_limits_and_a_sweep_is_deleted_with_its_experiments(client, invoke, endless):
    sweep = client.sweep(endless(), [{"path": "training.length", "values": [3, 4]}])
    invoke("sweep", "cancel", sweep.id)
    sweep.wait()
    assert invoke("sweep", "retry", sweep.id, "--max-seconds", 0).exit_code == ExitCode.REFUSED
    invoke("sweep", "retry", sweep.id, "--max-seconds", 4000, "--max-memory", 3000)
    first, second = sweep
    assert first.refresh().record.max_seconds == second.refresh().record.max_seconds == 4000
    invoke("sweep", "cancel", sweep.id)
    sweep.wait()
    limited = json.loads(invoke("--json", "retry", first.id, "--max-seconds", 5000).stdout)
    assert (limited["max_seconds"], limited["max_memory_mb"]) == (5000, 3000)
    pending = invoke("sweep", "delete", sweep.id)
    assert (pending.exit_code, "1 of its experiments" in pending.stderr) == (ExitCode.REFUSED, True)
    first.cancel()
    sweep.wait()
    deleted = invoke("sweep", "delete", sweep.id, "--with-experiments")
    assert deleted.stdout == f"{sweep.id}  deleted\n"
    assert invoke("status", second.id).exit_code == ExitCode.REFUSED


def test_spec_is_read_from_standard_input(invoke, spec):
    text = json.dumps(spec())
    checked = invoke("submit", "-", "--dry-run", input=text)
    assert checked.exit_code == ExitCode.OK
    assert "standard input is valid: balanced teacher (d̂ = 2)" in checked.stdout
    assert (
        json.loads(invoke("submit", "-", "--dry-run", "--json", input=text).stdout)["cost"]["flop"]
        > 0
    )


def test_one_cancelled_of_several_watched_experiments_makes_the_exit_code_1(
    invoke, file, spec, endless
):
    first = json.loads(
        invoke("submit", file(endless(name="to be cancelled"), "a.json"), "--json").stdout
    )["id"]
    second = json.loads(invoke("submit", file(spec(), "b.json"), "--json").stdout)["id"]
    assert "cancelled" in invoke("cancel", first).stdout
    watched = invoke("watch", first, second)
    assert watched.exit_code == ExitCode.FAILED
    assert "to be cancelled  cancelled" in watched.stdout
    assert "completed" in watched.stdout
    assert invoke("retry", first).exit_code == ExitCode.OK
    assert invoke("cancel", first).exit_code == ExitCode.OK


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "exp_1"),
        ("watch", "exp_1"),
        ("cancel", "exp_1"),
        ("pause", "exp_1"),
        ("resume", "exp_1"),
        ("list", "--state", "nonsense"),
        ("study", "run", "nonsense"),
        ("series", "exp_1"),
    ],
)
def test_refusal_ends_with_exit_code_4_and_its_sentence(invoke, arguments):
    result = invoke(*arguments)
    assert result.exit_code == ExitCode.REFUSED
    assert "exp_1" in result.stderr or "nonsense" in result.stderr
    assert result.stdout == ""


def test_truncated_list_says_so(invoke, client, spec):
    for _ in range(3):
        client.submit(spec(tags=["cut"]))
    for command in (["list", "--tag", "cut"], ["query", "tag:cut"]):
        short, full = invoke(*command, "--limit", 2), invoke(*command, "--limit", 3)
        assert "Only the first 2 are shown" in short.stderr
        assert full.stderr == ""
        assert len(full.stdout.splitlines()) == len(short.stdout.splitlines()) + 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            ["query", "--group", "training.length", "--columns", "created"],
            "does not work with --group",
        ),
        (["query", "--metrics", "fit_error"], "needs --group"),
        (["compare", "exp_1", "exp_2", "--metrics", "nope"], "nope is not one of"),
    ],
)
def test_ineffective_option_is_refused(invoke, command, message):
    refused = invoke(*command)
    assert refused.exit_code == ExitCode.USAGE
    assert message in " ".join(refused.stderr.replace("│", " ").split())


def test_unambiguous_beginning_of_an_id_is_enough(invoke, client, endless):
    first, second = client.submit(endless(name="twin")), client.submit(endless(name="twin"))
    abbreviated = first.id[:9]
    assert second.id in invoke("status", "@latest").stdout
    refused = invoke("pause", "twin")
    assert refused.exit_code == ExitCode.REFUSED
    assert first.id in refused.stderr
    assert second.id in refused.stderr
    assert invoke("pause", abbreviated).stdout.startswith(first.id)
    assert invoke("cancel", abbreviated).stdout.startswith(first.id)
    assert invoke("watch", abbreviated).exit_code == ExitCode.FAILED
    assert invoke("compare", abbreviated, second.id, "--json").exit_code == ExitCode.OK
    assert invoke("delete", abbreviated).stdout == f"{first.id}  deleted\n"
    second.cancel()


def test_edit_changes_only_what_is_named(invoke, client, endless):
    first, second = (client.submit(endless(name="draft", tags=["kept", "draft"])) for _ in range(2))
    edited = invoke(
        "edit", first.id, second.id, "--tag", "figure-2", "--untag", "draft", "--notes", "see [2]"
    )
    assert edited.stdout == f"{first.id}  edited\n{second.id}  edited\n"
    for record in (first.refresh().record, second.refresh().record):
        assert (record.name, record.tags, record.spec.notes) == (
            "draft",
            ("kept", "figure-2"),
            "see [2]",
        )
    renamed = json.loads(invoke("edit", first.id, "--name", "", "--json").stdout)
    assert (renamed["spec"]["name"], renamed["spec"]["notes"]) == ("", "see [2]")
    assert invoke("edit", first.id).exit_code == ExitCode.USAGE
    assert invoke("edit", first.id, "--tag", "x" * 300).exit_code == ExitCode.REFUSED
    assert first.refresh().record.tags == ("kept", "figure-2")
    for experiment in (first, second):
        experiment.cancel()


def test_submission_takes_a_start_time_and_limits(invoke, client, file, endless):
    limits = (
        "--not-before",
        "2100-01-31T22:00+01:00",
        "--max-seconds",
        "90.5",
        "--max-memory",
        "3000",
    )
    experiment = client.experiment(invoke("submit", file(endless()), *limits).stdout.split()[0])
    record = experiment.record
    assert (record.state, record.not_before.isoformat()) == ("queued", "2100-01-31T21:00:00+00:00")
    assert (record.max_seconds, record.max_memory_mb) == (90.5, 3000)
    experiment.cancel()
    refused = invoke("submit", file(endless()), "--not-before", "tomorrow")
    assert refused.exit_code == ExitCode.USAGE
    assert "2026-11-30T22:00" in refused.stderr
    refused = invoke("submit", file(endless()), "--max-seconds", "0", "--max-memory", "0")
    assert refused.exit_code == ExitCode.REFUSED
    assert "--max-seconds: " in refused.stderr
    assert "--max-memory: " in refused.stderr


def test_only_a_completed_experiment_is_reproduced(invoke, client, endless):
    running = client.submit(endless())
    refused = invoke("reproduce", running.id)
    assert refused.exit_code == ExitCode.REFUSED
    assert "only a completed experiment" in refused.stderr
    running.cancel()


def test_only_an_ended_experiment_is_deleted(invoke, client, spec, endless):
    completed, running = client.submit(spec()).wait(90), client.submit(endless())
    refused = invoke("delete", running.id)
    assert refused.exit_code == ExitCode.REFUSED
    running.cancel()
    assert invoke("delete", completed.id).stdout == f"{completed.id}  deleted\n"
    assert invoke("status", completed.id).exit_code == ExitCode.REFUSED


def test_what_a_filter_finds_is_changed_at_once(invoke, client, endless):
    first, second = (client.submit(endless(tags=["bulk"])) for _ in range(2))
    assert invoke("pause", "--where", "tag:bulk", "--expect", 2).exit_code == ExitCode.OK
    for experiment in (first, second):
        while experiment.refresh().state == "running":  # saves a checkpoint before it pauses
            pass
    tagged = invoke("tag", "--where", "tag:bulk", "--expect", 2, "--add", "b", "--json")
    assert json.loads(tagged.stdout) == {first.id: "paused", second.id: "paused"}
    invoke("tag", first.id, "--remove", "bulk", "--add", "c")
    assert first.refresh().record.tags == ("b", "c")
    invoke("prioritise", "--where", "tag:b", "--expect", 2, "--priority", 9)
    assert invoke("prioritise", second.id, "--priority", -3).stdout == f"{second.id}  paused\n"
    assert (first.refresh().record.priority, second.refresh().record.priority) == (9, -3)
    changed = invoke("cancel", "--where", "tag:b", "--expect", 1)
    assert changed.exit_code == ExitCode.REFUSED
    assert "--expect: 2 unfinished experiments match" in changed.stderr
    assert invoke("cancel", first.id, second.id).stdout.count("cancelled") == 2
    assert set(client.delete(ids=[first.id, second.id]).values()) == {"deleted"}


def test_what_refuses_is_named(invoke, client, spec):
    completed = client.submit(spec()).wait(90)
    retried = client.retry(ids=[completed.id])
    assert (retried, [*retried.refused]) == ({}, [completed.id])
    assert invoke("retry", completed.id, "--where", "tag:a").exit_code == ExitCode.USAGE
    assert invoke("tag", completed.id).exit_code == ExitCode.USAGE
