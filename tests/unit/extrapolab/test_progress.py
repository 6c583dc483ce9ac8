"""Progress on a terminal and elsewhere."""

import io

from rich.console import Console

from extrapolab.client import progress
from extrapolab.client.answers.bundle import BundleProgress
from tests.unit.extrapolab.answers import record, running


def output(*updates, terminal):
    out = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=120,
        legacy_windows=False,
        color_system=None,
    )
    bars, lines = progress.experiment_bars, progress.experiment_lines
    with bars(out, len(updates[0])) if terminal else lines(out) as show:
        for records in updates:
            show(records)
    return out.file.getvalue()


def test_lines_report_each_change_of_state_once():
    updates = [[record()], [record()], [running(10)], [running(20)], [record("completed")]]
    before, first, last = output(*updates, terminal=False).splitlines()
    assert before == "[0/1]  number 0  queued"
    assert first == "[0/1]  number 0  running  step 10 of 100  250 steps/s, 0.4 s left"
    assert last == "[1/1]  number 0  completed"


def test_line_on_a_paused_experiment_names_its_step():
    paused = record(
        "paused", progress={"step": 10, "of": 100, "steps_per_second": 250.0, "eta_seconds": 0.4}
    )
    assert output([paused], terminal=False) == "[0/1]  number 0  paused  step 10 of 100\n"


def test_lines_keep_reporting_a_long_training(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    lines = output([running(10)], [running(20)], [running(30)], terminal=False).splitlines()
    assert [line.split("step ")[1][:2] for line in lines] == ["10", "20", "30"]


def test_of_many_experiments_lines_report_only_ends():
    count = progress.MAX_BARS + 1
    queued = [record(number=n) for n in range(count)]
    first_runs = [running(10, number=0), *queued[1:]]
    first_ended = [record("failed", number=0), *queued[1:]]
    assert (
        output(queued, first_runs, first_ended, terminal=False)
        == f"[1/{count}]  number 0  failed\n"
    )


def test_bar_shows_steps_speed_and_remaining_time():
    text = output([running(50)], terminal=True)
    assert "number 0" in text
    assert "50 / 100" in text
    assert "250 steps/s, 0.4 s left" in text


def test_bar_of_an_experiment_that_stopped_early_is_full():
    assert "100 / 100" in output([running(50)], [record("completed")], terminal=True)


def test_of_many_experiments_one_bar_counts_ends_and_others_show_running_ones():
    count = progress.MAX_BARS + 1
    records = [
        record("completed", number=0),
        running(30, number=1),
        *(record(number=n) for n in range(2, count)),
    ]
    text = output(records, terminal=True)
    assert f"1 / {count}" in text
    assert "number 1" in text
    assert "number 2" not in text.replace("number 1", "")


def bundle_output(*updates, terminal):
    out = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    with progress.bundle_progress(out) as show:
        for update in updates:
            show(update)
    return out.file.getvalue()


BUNDLES = [BundleProgress(0, 20, 700), BundleProgress(12, 20, 3_400_000)]


def test_bar_of_a_bundle_shows_experiments_and_bytes():
    text = bundle_output(*BUNDLES, terminal=True)
    assert "12/20" in text
    assert "3.4 MB" in text


def test_lines_of_a_bundle_are_printed_now_and_then(monkeypatch):
    assert bundle_output(*BUNDLES, terminal=False) == ""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    lines = bundle_output(*BUNDLES, BundleProgress(13, None, 4_000_000), terminal=False)
    assert lines.splitlines() == ["[0/20]  700 bytes", "[12/20]  3.4 MB", "[13/?]  4.0 MB"]
