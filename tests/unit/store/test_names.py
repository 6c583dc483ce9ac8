"""Comma-separated lists of names."""

import pytest

from store.query.errors import BadQuery
from store.query.names import split_names, with_columns


def test_names_are_trimmed_and_listed_once_in_order():
    assert split_names("b, a,b ,\tc", "/query/fields") == ["b", "a", "c"]


@pytest.mark.parametrize("text", ["", " ", ",", "a,", ",a", "a,,b", "a, ,b"])
def test_an_empty_name_is_refused_with_the_parameter(text):
    with pytest.raises(BadQuery) as caught:
        split_names(text, "/query/fields")
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.code) == ("/query/fields", "empty_name")
    assert problem.given == repr(text)
    assert "without empty names" in problem.message


def test_the_caller_chooses_the_exception():
    with pytest.raises(LookupError, match=r"/query/metrics: .*empty names"):
        split_names("", "/query/metrics", LookupError)


def test_parts_carry_their_column():
    assert list(with_columns("a,  b ,c")) == [("a", 1), ("b", 5), ("c", 8)]
    calls = ["count(outcome in (fitted, 'x,)'))", "a"]
    assert [name for name, _ in with_columns(",".join(calls))] == calls
