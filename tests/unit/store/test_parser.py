"""Errors of filters and orders: the column, what was given, what is expected, and suggestions."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.query.errors import BadQuery
from store.query.parser import parse
from store.query.query import ExperimentQuery


@pytest.mark.parametrize(
    ("q", "column", "message"),
    [
        ("student.scale < 3", 1, "unknown field; did you mean student.start.scale"),
        ("trainig.length = 3", 1, "did you mean training.length"),
        (
            "outcome = divrged",
            11,
            "step_budget_spent, diverged, cancelled; did you mean diverged?",
        ),
        ("state completed", 7, "expected a comparison"),
        ("(state = completed", 19, "expected ')'"),
        ("state = completed state = failed", 19, "expected 'and' or 'or'"),
        ("train_loss <", 13, "expected a field, number or word"),
        ("train_loss", 1, "a comparison after it, such as train_loss < 0.1"),
        ("train_loss < zero_baselin", 14, "did you mean zero_baseline?"),
        ("train_loss < nan", 14, "is_nan(...)"),
        ("train_loss < 1e400", 14, "a number below 1.8e308"),
        ("3 < train_loss", 1, "a field first"),
        ("median(train_los) < 1", 8, "did you mean train_loss"),
        ("medain(train_loss) < 1", 1, "did you mean median"),
        ("median(train_loss)", 1, "a comparison after median(...)"),
        ("any(median(train_loss) < 1)", 5, "statistics cover all runs"),
        ("any(all(outcome = fitted))", 5, "any, all and count can't be nested"),
        ("any()", 1, "a condition on a run"),
        ("created > 7d", 11, "such as -7d"),
        ("created > yesterday", 11, "a time to compare created with"),
        ("created > 2026-02-30", 11, "a valid date and time (day"),
        ("created = 2026-11-25", 9, "<, <=, >, >= or between"),
        ("tag != x", 5, "for experiments without one use not tag:..."),
        ("name < b", 6, "=, != or ~, since name is text"),
        ("student.tied = maybe", 16, "true or false for student.tied"),
        ("student.tied < true", 14, "= or !=, since student.tied is true or false"),
        ("train_loss ~ x", 1, "a text field before ~; train_loss is a number"),
        ("student.dim < name", 15, "a number; name is text"),
        ("count(outcome = fitted) is null", 1, "for counts use count(...) = 0"),
        ("name:'x'", 6, "only tag: and sweep: take a bare value"),
        ("name = 'open", 8, "a closing '"),
        ("name = €", 8, "quotation marks"),
        ("frob:x", 1, "unknown field"),
        ("name is nul", 9, "'null'"),
    ],
)
def test_an_error_names_the_column_and_what_is_expected(q, column, message):
    with pytest.raises(BadQuery) as caught:
        parse(q)
    (problem,) = caught.value.problems
    assert (problem.column, message in problem.message) == (column, True), problem.message


@pytest.mark.parametrize(
    ("q", "code"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("name = '" + "x" * 8000 + "'", "too_long"),
        ("not " * 1000 + "student.tied", "too_deep"),
        ("(" * 3000 + "student.tied" + ")" * 3000, "too_deep"),
        (" or ".join(["student.tied"] * 101), "too_many"),
        ("name = 'a\0'", "control_character"),
        ("name = '\ud800'", "control_character"),
    ],
)
def test_an_oversized_or_unprintable_filter_is_refused(q, code):
    with pytest.raises(BadQuery) as caught:
        parse(q)
    assert caught.value.problems[0].code == code


TOKENS = (
    *("and", "or", "not", "(", ")", "in", ",", "=", "<", "~", "is", "null", "between", '"', "\\"),
    *(
        "train_loss",
        "1e-3",
        "name",
        "any",
        "median",
        "tag:x",
        "'x'",
        "created",
        "-7d",
        "student.tied",
        "count",
        "fitted",
    ),
)


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_parses_or_raises_bad_query(q):
    with contextlib.suppress(BadQuery):
        parse(q)


def test_errors_of_filter_and_order_are_reported_together():
    with pytest.raises(BadQuery) as caught:
        ExperimentQuery.parse("frobnicate > 1", "-crated,median(name)")
    assert [problem.pointer for problem in caught.value.problems] == ["/query/q", "/query/sort"]


@pytest.mark.parametrize(
    ("sort", "message"),
    [
        ("crated", "did you mean created"),
        ("name,-name", "named once"),
        ("name,", "expected a field"),
        ("mode(train_loss)", "expected one of median"),
        ("median(name)", "unknown field"),
        ("outcome", "unknown field"),
        (",".join(["name"] * 9), "at most 8"),
        ("name desc", "expected a field"),
    ],
)
def test_an_order_takes_known_fields_and_statistics_once(sort, message):
    with pytest.raises(BadQuery, match=message):
        ExperimentQuery.parse(sort=sort)


def test_an_empty_order_is_the_default():
    assert ExperimentQuery.parse(sort="") == ExperimentQuery.parse()
