"""Tables and lines on runs, baselines, the theorem and comparisons."""

import pytest

from extrapolab.cli import (
    result_tables,
)
from extrapolab.client.answers import notebook
from extrapolab.models.experiments import Assumption, Comparison, Measure, Theorem
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import runs
from tests.unit.extrapolab.printed import text

NOT_FITTED = "step_budget_spent"


def test_runs_table_has_outcomes_beside_the_zero_baseline():
    output = text(
        result_tables.runs_table(
            runs(
                "fitted",
                "diverged",
                fit_error=1e-9,
                extrapolation_error=float("inf"),
                zero_baseline=0.25,
            )
        )
    )
    head, first, second = output.splitlines()
    assert (
        " ".join(head.split()) == "seed outcome steps fit error extrapolation error zero baseline"
    )
    assert first.split() == ["0", "fitted", "100", "1e-09", "inf", "0.25"]
    assert second.split()[1] == "diverged"


def test_runs_table_can_have_errors_on_sequences():
    output = text(
        result_tables.runs_table(
            runs("fitted", sequence_extrapolation_error=0.125), on_sequences=True
        )
    )
    head, row = output.splitlines()
    assert "sequence fit error" in head
    assert row.split()[-2:] == ["-", "0.125"]


def test_run_that_has_not_ended_is_a_row_of_dashes():
    assert text(result_tables.runs_table(runs(None))).splitlines()[1].split() == [
        "0",
        "-",
        "100",
        "-",
        "-",
        "-",
    ]


def test_people_read_that_a_run_does_not_fit_not_that_its_budget_is_spent():
    table = result_tables.runs_table(runs(NOT_FITTED))
    assert "not fitted" in text(table)
    assert "not fitted" in notebook.runs_table(runs(NOT_FITTED))
    compared = Comparison.read(
        {
            "experiments": [
                {"id": "exp_1", "name": "", "state": "completed", "seeds": 3,
                 "outcomes": {"fitted": 2, NOT_FITTED: 1}}
            ],
            "differences": [],
            "metrics": {},
        }
    )  # fmt: skip
    assert "2 fitted, 1 not fitted" in text(result_tables.comparison_table(compared, []))


def test_baselines_table_has_orders_and_notes():
    (_, row) = text(
        result_tables.baselines_table([sample_specs.baseline("least_squares", 1e-9)])
    ).splitlines()
    assert row.split()[:5] == ["least", "squares", "2", "1e-09", "0.333"]
    assert row.endswith("The order is where the singular values fall most.")


@pytest.mark.parametrize(("holds", "word"), [(True, "holds"), (False, "fails"), (None, "unknown")])
def test_theorem_table_has_verdict_margin_and_sentence(holds, word):
    theorem = Theorem(
        assumptions=(
            Assumption(name="stable", holds=holds, margin=0.1, sentence="The radius is 0.9."),
        )
    )
    (_, row) = text(result_tables.theorem_table(theorem)).splitlines()
    assert " ".join(row.split()) == f"{word} stable 0.1 The radius is 0.9."


def test_measure_is_a_sum_of_atoms():
    measure = Measure(
        atoms=(0.9, -0.5), weights=(0.75, 0.25), unique=False, gap=float("inf"), residual=0.0
    )
    output = result_tables.measure_line(Theorem(measure=measure))
    assert output == (
        "The teacher's measure: 0.75 δ(0.9) + 0.25 δ(-0.5); "
        "the training length leaves others possible."
    )
    assert "not the moments of a nonnegative measure" in result_tables.measure_line(Theorem())


def test_a_comparison_is_headed_by_what_tells_experiments_apart():
    experiments = [
        {"id": f"exp_{n}", "name": "", "label": label, "state": "completed", "seeds": 1}
        for n, label in enumerate(["GD", "gradient flow [1]"])
    ]
    comparison = Comparison.read({"experiments": experiments, "differences": [], "metrics": {}})
    head, ids, *_ = text(result_tables.comparison_table(comparison, [])).splitlines()
    assert head.split("  ")[-1].strip() == "gradient flow [1]"
    assert head.split()[0] == "GD"
    assert ids.split() == ["id", "exp_0", "exp_1"]
