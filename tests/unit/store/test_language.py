"""Filters that are not understood say where, what was found, what was expected and what may have been meant."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.query.errors import BadQuery
from store.query.parser import parse
from store.query.query import ExperimentQuery


@pytest.mark.parametrize(
    ("q", "column", "words"),
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
        ("train_loss", 1, "a comparison behind it, such as train_loss < 0.1"),
        ("train_loss < zero_baselin", 14, "did you mean zero_baseline?"),
        ("train_loss < nan", 14, "is_nan(...)"),
        ("train_loss < 1e400", 14, "below 1.8e308"),
        ("3 < train_loss", 1, "a field first"),
        ("median(train_los) < 1", 8, "did you mean train_loss"),
        ("medain(train_loss) < 1", 1, "did you mean median"),
        ("median(train_loss)", 1, "a comparison behind median(...)"),
        ("any(median(train_loss) < 1)", 5, "statistics are of all runs"),
        ("any(all(outcome = fitted))", 5, "don't stand in one another"),
        ("any()", 1, "a condition on a run"),
        ("created > 7d", 11, "such as -7d"),
        ("created > yesterday", 11, "a time to compare created with"),
        ("created > 2026-02-30", 11, "day"),
        ("created = 2026-11-25", 9, "between two times"),
        ("tag != x", 5, "not tag:..."),
        ("name < b", 6, "= or !="),
        ("student.tied = maybe", 16, "true or false"),
        ("name = 'open", 8, "a closing '"),
        ("name = €", 8, "quotation marks"),
        ("frob:x", 1, "unknown field"),
        ("name is nul", 9, "'null'"),
    ],
)
def test_a_mistake_is_told_with_its_column(q, column, words):
    with pytest.raises(BadQuery) as caught:
        parse(q)
    (problem,) = caught.value.problems
    assert (problem.column, words in problem.message) == (column, True), problem.message


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
def test_what_is_too_much_is_refused(q, code):
    with pytest.raises(BadQuery) as caught:
        parse(q)
    assert caught.value.problems[0].code == code


WORDS = (
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


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_understood_or_refused_in_words(q):
    with contextlib.suppress(BadQuery):
        parse(q)


def test_filter_and_order_are_refused_together():
    with pytest.raises(BadQuery) as caught:
        ExperimentQuery.of("frobnicate > 1", "-crated,median(name)")
    assert [problem.pointer for problem in caught.value.problems] == ["/query/q", "/query/sort"]


@pytest.mark.parametrize(
    ("sort", "words"),
    [
        ("crated", "did you mean created"),
        ("name,-name", "named once"),
        ("", None),
        ("name,", "expected a field"),
        ("mode(train_loss)", "expected one of median"),
        ("median(name)", "unknown field"),
        ("outcome", "unknown field"),
        (",".join(["name"] * 9), "at most 8"),
        ("name desc", "expected a field"),
    ],
)
def test_an_order_names_fields_and_statistics_once(sort, words):
    if words is None:
        assert ExperimentQuery.of(sort=sort) == ExperimentQuery.of()
        return
    with pytest.raises(BadQuery, match=words):
        ExperimentQuery.of(sort=sort)
