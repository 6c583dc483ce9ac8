"""Tables in the width that there is, and numbers in them."""

import pytest

from core.labels import duration
from extrapolab.cli import (
    experiment_tables,
    result_tables,
    study_tables,
)
from extrapolab.cli.table_layout import table
from extrapolab.cli.terminal import console
from extrapolab.client.answers.formats import format_number
from extrapolab.models.studies import Claim
from tests.unit.extrapolab.answers import record, runs
from tests.unit.extrapolab.printed import on_a_terminal, text


def test_output_to_a_file_has_no_colour_and_no_folding(capsys):
    console().print(result_tables.runs_table(runs("fitted")))
    console().print("a long line " * 40)
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert len(output.splitlines()) == 3


def test_narrow_terminal_omits_columns_and_names_them():
    listed = [record("completed", runs=runs("fitted", "diverged")), record(number=1)]
    head, *rows, note = on_a_terminal(experiment_tables.experiments_table(listed), 62)
    assert head.split() == ["id", "state", "name"]
    assert [row.split() for row in rows] == [
        [listed[0].id, "completed", "number", "0"],
        [listed[1].id, "queued", "number", "1"],
    ]
    assert note == "no room for: seeds, created"  # empty columns are not named
    assert "no room" not in on_a_terminal(experiment_tables.experiments_table(listed), 200)[-1]


def test_narrow_terminal_keeps_what_rows_are_sorted_by():
    listed = [record("completed"), record(number=1)]
    order = {"sorted_by": ["created", "imbalance"], "further": {"imbalance": [0.5, None]}}
    head, row, *_ = on_a_terminal(experiment_tables.experiments_table(listed, **order), 84)
    assert head.split() == ["id", "state", "created", "imbalance"]
    assert row.split()[-1] == "0.5"


def test_text_is_folded_before_a_column_is_omitted():
    claim = Claim(
        claim="far " * 12, inequality="error < 0.01", value=0.5, bound=0.01, verdict="fails"
    )
    head, first, *_ = on_a_terminal(study_tables.claims_table([claim]), 40)
    assert head.split() == ["verdict", "claim", "value"]
    assert first.split() == ["fails", *["far"] * 6, "0.5"]


def test_of_many_omitted_columns_the_first_are_named():
    rows = table(*(f"column {n}" for n in range(20)))
    rows.add_row(*(f"some-cell-{n}" for n in range(20)))
    lines = on_a_terminal(rows, 30)
    assert lines[1].split() == ["some-cell-0", "some-cell-1"]
    assert " ".join(lines[2:]).endswith("column 5, column 6, and 13 more")


def test_brackets_in_names_are_not_markup():
    spec = {**record().spec.model_dump(), "name": "poles [0.9] :smile: [/red]"}
    assert "poles [0.9] :smile: [/red]" in text(
        experiment_tables.experiments_table([record(spec=spec)])
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0 s"),
        (9.94, "9.9 s"),
        (59.9, "60 s"),
        (3599.6, "60 min"),
        (86399, "24 h"),
        (86400 * 2, "2 days"),
    ],
)
def test_durations_have_units(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "word"), [(None, "-"), (0.0, "0"), (1234567.0, "1.23e+06"), (float("-inf"), "-inf")]
)
def test_numbers_have_three_significant_digits(value, word):
    assert format_number(value) == word
