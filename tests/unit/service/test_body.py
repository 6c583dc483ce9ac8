"""Request bodies as models."""

import pytest

from core.errors import SpecError
from core.spec import ExperimentSpec
from core.spec.bounds import MAX_PROBLEMS
from service.http.body import parse
from service.http.errors import BodyTooLarge, Malformed, TwiceGiven
from service.schemas import Edit, Tagging


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1,}',
        b'{"a": 1} x',
        b"\xef\xbb\xbf{}",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"seeds": [' + b"9" * 5000 + b"]}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"'a'",
        b"nan",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_json_is_malformed(body):
    with pytest.raises(Malformed, match="JSON"):
        parse(body, ExperimentSpec)


@pytest.mark.parametrize(
    "body",
    [
        b'{"seeds": 3, "seeds": 4}',
        b'{"teacher": [{"seeds": 3, "x": 1, "seeds": 3}]}',
        b'{"seeds": 3, "\\u0073eeds": 3}',
    ],
)
def test_a_repeated_key_is_named(body):
    with pytest.raises(TwiceGiven, match="the key 'seeds' appears twice"):
        parse(body, ExperimentSpec)


def test_a_body_of_very_many_parts_is_too_large():
    with pytest.raises(BodyTooLarge, match="lists, objects and strings"):
        parse(b"[" + b"{}," * 250_000 + b"{}]", ExperimentSpec)
    with pytest.raises(SpecError):
        parse(b'{"name": "' + b"[{" * 250_000 + b'"}', ExperimentSpec)


def test_of_many_problems_the_first_are_listed_and_the_others_counted():
    with pytest.raises(SpecError) as refused:
        parse(b'{"remove": [' + b"1," * 60 + b"1]}", Tagging)
    *problems, more = refused.value.problems
    listed = [problem.pointer for problem in problems if problem.pointer.startswith("/remove")]
    assert listed[:2] == ["/remove/0", "/remove/1"]
    assert len(problems) == MAX_PROBLEMS
    others = 61 + 2 - MAX_PROBLEMS  # q and expect_count are missing, too
    assert more.message == f"and {others} more like these"


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
def test_a_non_finite_number_is_refused_by_its_field(number):
    body = (
        b'{"teacher": {"kind": "delay"}, "student": {"kind": "linear", "dim": 4},'
        b' "training": {"length": 2}, "optimizer": {"lr": ' + number + b"}}"
    )
    with pytest.raises(SpecError) as refused:
        parse(body, ExperimentSpec)
    assert [problem.pointer for problem in refused.value.problems] == ["/optimizer/lr"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"x"', b"NaN"])
def test_json_that_is_not_an_object_is_invalid(body):
    with pytest.raises(SpecError):
        parse(body, ExperimentSpec)


def test_all_problems_of_a_body_are_listed_at_once():
    with pytest.raises(SpecError) as refused:
        parse(b'{"nmae": "x", "tags": ["a", "a"], "notes": "\\u0000"}', Edit)
    assert {problem.pointer for problem in refused.value.problems} == {"/nmae", "/tags", "/notes"}
    assert "did you mean 'name'" in str(refused.value)


@pytest.mark.parametrize("body", [b"{}", b'{"name": null}'])
def test_an_edit_without_changes_is_refused(body):
    with pytest.raises(SpecError):
        parse(body, Edit)
