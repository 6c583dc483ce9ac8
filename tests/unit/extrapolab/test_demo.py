"""The sentences and tables of the demo."""

import io

from rich.console import Console

from core.spec import BalancedTeacher
from extrapolab.cli import demo
from extrapolab.client.handles.experiment import Experiment
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import record, runs


def experiment(length, error, *outcomes, baseline=0.5):
    evaluation = {"horizon": 40, "fit_tolerance": 0.01}
    spec = sample_specs.spec(training={"length": length}, evaluation=evaluation).model_dump(
        mode="json"
    )
    run_records = runs(*outcomes, extrapolation_error=error, zero_baseline=baseline)
    completed = record("completed", number=length, spec=spec, runs=run_records)
    return Experiment(None, completed.id, record=completed)  # it never contacts a lab


def text(renderable):
    out = Console(file=io.StringIO(), width=200)
    out.print(renderable)
    return out.file.getvalue()


def test_verdict_counts_lengths_above_twice_the_teachers_dimension_and_names_the_worst():
    experiments = [
        experiment(4, 9.0, "fitted"),
        experiment(5, 0.001, "fitted", "fitted"),
        experiment(6, 0.05, "fitted", "step_budget_spent"),
    ]
    assert demo._verdict("a near-zero start", experiments) == (
        "From a near-zero start, 3 of 4 seeds fit the training lengths k > 2 d̂ = 4 "
        "within 1 % of the largest response. "
        "Beyond k, their median error is up to 0.1 times that of predicting zero (at k = 6)."
    )


def test_diverged_seed_counts_as_infinite_in_the_median():
    assert demo._error(experiment(5, 0.1, "diverged", "diverged", "fitted")) == float("inf")
    assert demo._error(experiment(5, 0.1, "diverged", "fitted", "fitted")) == 0.1


def test_errors_table_has_both_starts_at_each_length():
    near, large = (
        [experiment(4, 0.2, "fitted"), experiment(5, 1e-7, "fitted")],
        [experiment(4, 0.4, "fitted"), experiment(5, 0.6, "diverged")],
    )
    lines = [
        " ".join(line.split()) for line in text(demo._errors_table(near, large)).splitlines()[1:]
    ]
    assert lines[0] == "4 0.5 0.2 1 of 1 0.4 1 of 1"
    assert lines[1] == "5 > 2 d̂ 0.5 1e-07 1 of 1 inf 0 of 1"


def test_poles_table_has_each_seeds_largest_poles_below_the_teachers():
    teacher = BalancedTeacher.model_validate(
        {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [-0.5, 0.9]}}
    )
    seed = sample_specs.run(3).model_copy(
        update={"eigenvalues": [(0.9, 0.0), (-0.5, 0.25), (0.001, 0.0)]}
    )
    lines = [
        line.split()
        for line in text(demo._poles_table(teacher, sample_specs.result(seed))).splitlines()
    ]
    assert lines[1] == ["teacher", "0.900000", "-0.500000"]
    assert lines[2] == ["seed", "3", "0.900000", "-0.500000+0.250000j", "0.001"]
