"""Tables and lines on experiments, sweeps, queries, workers and claims."""

import io

import pytest
from rich.console import Console

from extrapolab.cli import (
    experiment_tables,
    query_tables,
    queue_tables,
    study_tables,
    sweep_tables,
)
from extrapolab.models.experiments import Cost
from extrapolab.models.facets import Facet
from extrapolab.models.operations import Worker
from extrapolab.models.studies import Claim
from extrapolab.models.sweeps import SweepRow
from extrapolab.models.tables import Group
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import record, running, runs
from tests.unit.extrapolab.printed import text

NOT_FITTED = "step_budget_spent"


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ({"kind": "gru", "dim": 4}, "GRU student (d = 4)"),
        (
            {"kind": "linear", "dim": 4, "structure": "diagonal", "readout": {}},
            "diagonal student with a readout (d = 4)",
        ),
    ],
)
def test_setup_line_names_every_kind_of_student(student, words):
    spec = sample_specs.spec(teacher={"kind": "lstm", "dim": 2}, student=student)
    assert f"LSTM teacher (d̂ = 2), {words}, k = 4" in experiment_tables.setup_line(spec)


def test_experiments_table_has_progress_and_outcomes():
    output = text(
        experiment_tables.experiments_table(
            [running(10), record("completed", runs=runs("fitted", "fitted", NOT_FITTED))]
        )
    )
    assert "10 / 100  250 steps/s, 0.4 s left" in output
    assert "2 fitted, 1 not fitted" in output


def test_tables_say_how_many_of_how_many_seeds_fit():
    group = {"by": {}, "experiments": 1, "newest": "exp_1", "seeds": 5, "fitted": 4, "diverged": 1}
    groups = [Group.read({**group, "metrics": {}})]
    header, row = text(query_tables.groups_table(groups)).splitlines()
    assert (header.split(), row.split()) == (["fitted", "diverged", "name"], ["4/5", "1"])
    members = [
        {"coordinates": {}, "experiment": "exp_1", "state": state, "seeds": 5, "fitted": fitted}
        for state, fitted in (("completed", 4), ("queued", None))
    ]
    output = text(sweep_tables.members_table([SweepRow.read(member) for member in members]))
    assert [line.split()[1] for line in output.splitlines()] == ["fitted", "4/5", "-/5"]


def test_values_of_one_axis_are_told_apart():
    near, far = 0.3, 0.1 + 0.2
    shown = ["0.3", "0.30000000000000004"]
    axis = {"path": "optimizer.lr", "values": [near, far]}
    assert [*sweep_tables.axis_lines([axis])] == [f"optimizer.lr: {', '.join(shown)}"]
    members = [
        {"coordinates": {"optimizer.lr": rate}, "experiment": "e", "state": "queued", "seeds": 1}
        for rate in (near, far)
    ]
    groups = [
        {"by": {"optimizer.lr": rate}, "experiments": 1, "newest": "e", "seeds": 1, "diverged": 0}
        for rate in (near, far)
    ]
    facet = {"field": "lr", "values": [{"value": rate, "count": 1} for rate in (near, far)]}
    for made in (
        sweep_tables.members_table([SweepRow.read(one | {"metrics": None}) for one in members]),
        query_tables.groups_table([Group.read(one | {"metrics": {}}) for one in groups]),
        query_tables.facets_table([Facet.read(facet)]),
    ):
        words = text(made).split()
        assert [word for word in words if word in shown] == shown, text(made)


def test_axis_line_has_all_values_or_the_first_and_the_last():
    many = {"path": "optimizer.lr", "kind": "linspace", "low": 0.1, "high": 0.9, "count": 9}
    lengths, dims = (
        {"path": "training.length", "values": [3, 4]},
        {"path": "student.dim", "values": [10, 20]},
    )
    scales = {
        "path": "student.start.scale",
        "kind": "logspace",
        "low": 0.001,
        "high": 1,
        "count": 4,
    }
    starts = {"path": "student.start", "values": [{"kind": "gaussian", "scale": 0.5}]}
    assert [*sweep_tables.axis_lines([scales, many, {"kind": "zip", "axes": [lengths, dims]}])] == [
        "student.start.scale: 0.001, 0.01, 0.1, 1",
        "optimizer.lr: 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, ..., 0.9 (9 values)",
        "zip (training.length: 3, 4; student.dim: 10, 20)",
    ]
    assert [*sweep_tables.axis_lines([starts])] == ["student.start: gaussian 0.5"]


def test_paused_experiment_has_a_step_and_no_speed():
    paused = record(
        "paused", progress={"step": 10, "of": 100, "steps_per_second": 250.0, "eta_seconds": 0.4}
    )
    out = Console(file=io.StringIO(), width=200)
    experiment_tables.print_experiment(paused, out)
    for output in (out.file.getvalue(), text(experiment_tables.experiments_table([paused]))):
        assert "10 / 100" in output
        assert "steps/s" not in output


def test_experiment_is_printed_with_notes_and_limits():
    out = Console(file=io.StringIO(), width=200, markup=False)
    spec = {**record().spec.model_dump(mode="json"), "notes": "the start of [figure 2]"}
    limits = {"not_before": "2026-11-30T22:00:00Z", "max_seconds": 90, "max_memory_mb": 3000}
    experiment_tables.print_experiment(record(spec=spec, **limits), out)
    assert "the start of [figure 2]" in out.file.getvalue()
    assert ":00, 90 s of training, 3,000 MB" in out.file.getvalue()


def test_experiment_is_printed_with_setup_warnings_and_failure():
    out = Console(file=io.StringIO(), width=200)
    error = {"kind": "timeout", "sentence": "It trained for more than 5 s."}
    experiment_tables.print_experiment(
        record("failed", error=error, warnings=["lr is large"], attempts=2), out
    )
    output = out.file.getvalue()
    assert (
        "balanced teacher (d̂ = 2), symmetric student (d = 3), k = 4, q = 8, gd at 0.01, 100 steps"
        in output
    )
    assert "timeout: It trained for more than 5 s." in output
    assert "warning: lr is large" in output
    assert "attempts  2" in output


def test_claims_table_has_words_inequality_and_number():
    claim = Claim(
        claim="It holds",
        inequality="error < 0.01",
        value=0.5,
        bound=0.01,
        verdict="fails",
        fitted=9,
        seeds=10,
        swapped="holds",
    )
    missing = Claim(claim="Unknown", inequality="x > 1", value=None, bound=1, verdict="not_run")
    lines = [
        line.split() for line in text(study_tables.claims_table([claim, missing])).splitlines()
    ]
    assert lines[1] == ["fails", "It", "holds", "0.5", "9", "of", "10"]
    assert lines[2] == ["error", "<", "0.01"]
    assert lines[3] == ["with", "its", "arms", "swapped:", "holds"]
    assert lines[4] == ["not", "run", "Unknown", "-"]


def test_workers_table_has_the_current_experiment():
    slot = {
        "id": "w",
        "state": "busy",
        "host": "node7",
        "pid": 41,
        "trainer_pid": 42,
        "device": "cuda",
        "threads": 4,
    }
    progress = {"step": 130, "of": 200, "steps_per_second": 10.0, "eta_seconds": 7.0}
    activity = {"name": "node7 cuda·0", "experiment_id": "exp_1", "experiment_name": "long"}
    busy = Worker.read(
        {**slot, **activity, "heartbeat_age_seconds": 75.0, "progress": progress}
        | {"seed_steps_per_second": 1530.0, "memory_limit_mb": 2048}
        | {"memory_mb": 311.6, "peak_memory_mb": 1402.0}
    )
    idle = Worker.read({**slot, "state": "idle", "trainer_pid": None, "heartbeat_age_seconds": 0.5})
    lines = text(queue_tables.workers_table([busy, idle])).splitlines()
    assert " ".join(lines[1].split()) == (
        "node7 cuda·0 busy long 65% 1,530 seed-steps/s 7 s 75 s ago w 41 42 4 312 MB "
        "1,402 MB 2,048 MB"
    )
    assert " ".join(lines[2].split()) == "node7 idle - - - - 0.5 s ago w 41 - 4 - - -"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ({}, "1.5e+11 flop (how long is unknown: no experiment has completed here yet)"),
        ({"seconds": 80.0}, "80 s on one slot (no worker is up)"),
        ({"seconds": 80.0, "lab_seconds": 40.0, "slots": 2}, "40 s on this lab's 2 slots"),
        ({"seconds": 7200.0, "lab_seconds": 7200.0, "slots": 1}, "2 h on this lab's slot"),
    ],
)
def test_a_cost_is_told_in_time_if_it_is_known(time, words):
    cost = Cost(flop=1.5e11, memory_mb=1, storage_mb=1, **time)
    assert experiment_tables.expected_time(cost) == words
