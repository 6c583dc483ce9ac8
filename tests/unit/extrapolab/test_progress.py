"""How progress reads, on a terminal and elsewhere."""

import io

from rich.console import Console

from extrapolab.cli import progress
from tests.unit.extrapolab.answers import record, running


def shown(*looks, terminal):
    out = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=120,
        legacy_windows=False,
        color_system=None,
    )
    with progress._bars(out, len(looks[0])) if terminal else progress._lines(out) as show:
        for records in looks:
            show(records)
    return out.file.getvalue()


def test_lines_tell_each_change_of_state_once():
    looks = [[record()], [record()], [running(10)], [running(20)], [record("completed")]]
    before, first, last = shown(*looks, terminal=False).splitlines()
    assert before == "[0/1]  number 0  queued"
    assert first == "[0/1]  number 0  running  step 10 of 100  250 steps/s, 0.4 s left"
    assert last == "[1/1]  number 0  completed"


def test_a_line_on_a_paused_experiment_tells_where_it_was_paused():
    paused = record(
        "paused", progress={"step": 10, "of": 100, "steps_per_second": 250.0, "eta_seconds": 0.4}
    )
    assert shown([paused], terminal=False) == "[0/1]  number 0  paused  step 10 of 100\n"


def test_lines_go_on_telling_of_a_long_training(monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    lines = shown([running(10)], [running(20)], [running(30)], terminal=False).splitlines()
    assert [line.split("step ")[1][:2] for line in lines] == ["10", "20", "30"]


def test_of_many_experiments_lines_tell_the_ends_only():
    many = progress.MOST_BARS + 1
    queued = [record(number=n) for n in range(many)]
    one_runs = [running(10, number=0), *queued[1:]]
    one_ended = [record("failed", number=0), *queued[1:]]
    assert shown(queued, one_runs, one_ended, terminal=False) == f"[1/{many}]  number 0  failed\n"


def test_a_bar_shows_steps_speed_and_the_time_left():
    text = shown([running(50)], terminal=True)
    assert "number 0" in text
    assert "50 / 100" in text
    assert "250 steps/s, 0.4 s left" in text


def test_a_completed_experiment_fills_its_bar_though_it_stopped_early():
    assert "100 / 100" in shown([running(50)], [record("completed")], terminal=True)


def test_of_many_experiments_one_bar_counts_the_ended_and_others_show_the_running():
    many = progress.MOST_BARS + 1
    look = [
        record("completed", number=0),
        running(30, number=1),
        *(record(number=n) for n in range(2, many)),
    ]
    text = shown(look, terminal=True)
    assert f"1 / {many}" in text
    assert "number 1" in text
    assert "number 2" not in text.replace("number 1", "")
