"""What half-typed filters expect at the cursor, and where their mistakes are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.result import METRICS
from store.query.expectation import Mistake, expected_at, mistake_in, written
from store.query.fields import FIELDS, Scope
from store.query.parser import parse

OF_RUNS = {name for name, field in FIELDS.items() if field.scope is Scope.RUN}


def at(marked):
    """The pieces expected at the bar."""
    return expected_at(marked.replace("|", "", 1), marked.index("|"))


@pytest.mark.parametrize("marked", ["|", "sta|", "(|", "not |", "tag:x and |", "a|b = 1"])
def test_a_condition_starts_with_a_field_function_or_label(marked):
    expected = at(marked)
    assert set(expected.fields) == set(FIELDS)
    assert {"any", "median", "is_nan"} <= set(expected.functions)
    assert (expected.labels, expected.keywords) == (("tag:", "sweep:"), ("not",))


@pytest.mark.parametrize(
    ("marked", "fields"),
    [
        ("median(|", set(METRICS)),
        ("is_nan(train|", set(METRICS)),
        ("any(|", OF_RUNS),
        ("count(outcome = fitted and |", OF_RUNS),
        ("all((|", OF_RUNS),
        ("train_loss < z|", {n for n, f in FIELDS.items() if f.kind.is_number} - {"train_loss"}),
        ("train_loss < |", set()),
        ("state = |", set()),
    ],
)
def test_fields_are_those_that_make_sense(marked, fields):
    assert set(at(marked).fields) == fields


@pytest.mark.parametrize(
    ("marked", "operators", "keywords"),
    [
        ("state |", FIELDS["state"].operators, ()),
        ("created |", ("<", "<=", ">", ">=", "between", "is null", "is not null"), ()),
        ("tag |", ("=", "~", "in", "is null", "is not null"), ()),
        ("student.tied |", ("=", "!=", "is null", "is not null"), ("and", "or")),
        ("median(train_loss) |", FIELDS["train_loss"].operators, ()),
        ("state = completed |", (), ("and", "or")),
        ("(state = completed) |", (), ("and", "or")),
        ("any(outcome = fitted) |", (), ("and", "or")),
        ("tag:x |", (), ("and", "or")),
        ("training.length between 4 |", (), ("and",)),
        ("failure is |", (), ("null", "not null")),
        ("failure is not |", (), ("null",)),
        ("nonsense |", (), ()),
        ("state completed |", (), ()),
    ],
)
def test_what_follows_an_operand(marked, operators, keywords):
    expected = at(marked)
    assert set(expected.operators) == set(operators)
    assert expected.keywords == keywords


@pytest.mark.parametrize(
    ("marked", "field", "start", "end", "typed"),
    [
        ("state = |", "state", 8, 8, ""),
        ("state = com|pleted", "state", 8, 17, "com"),
        ("training.length in (4, |)", "training.length", 23, 23, ""),
        ("training.length between 4 and |", "training.length", 30, 30, ""),
        ("any(outcome = f|", "outcome", 14, 15, "f"),
        ("tag:|", "tag", 4, 4, ""),
        ("tag:fig|", "tag", 4, 7, "fig"),
        ('tag:"two w|', "tag", 4, 10, "two w"),
        ("name = 'it\\'s|", "name", 7, 13, "it's"),
        ("spec.name ~ b|", "name", 12, 13, "b"),
    ],
)
def test_a_value_is_one_of_the_field_before_it(marked, field, start, end, typed):
    expected = at(marked)
    assert expected.values_of is FIELDS[field]
    assert (expected.start, expected.end, expected.typed) == (start, end, typed)


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_each_operator_of_a_field_can_follow_it(field):
    value = {"text": field.choices[0] if field.choices else "x", "time": "-7d", "flag": "true"}
    constant = value.get(field.kind, "1")
    for operator in field.operators:
        right = {"in": f"({constant})", "between": f"{constant} and {constant}"}
        rest = "" if operator.endswith("null") else right.get(operator, constant)
        parse(f"{field.name} {operator} {rest}")


def test_a_mistake_has_its_place():
    assert mistake_in("") is None
    assert mistake_in("state = completed") is None
    unknown = mistake_in("state = completed and trainig.length = 3")
    assert (unknown.offset, unknown.length) == (22, 14)
    assert unknown.message.startswith("unknown field; did you mean training.length")
    missing = mistake_in("(state = completed")
    assert missing == Mistake("expected ')'", 18, 0)


@example("and")
@example("not")
@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_written_value_is_read_as_the_same_text(value):
    assert parse(f"name = {written(value)}").right == value
    assert parse(f"name in ({written(value)}, x)").constants == (value, "x")


@given(st.text("state=completd (\"'\\tag:,<0~andorinmedian\0", max_size=30), st.data())
def test_any_text_has_an_expectation(text, data):
    cursor = data.draw(st.integers(0, len(text)))
    expected = expected_at(text, cursor)
    assert 0 <= expected.start <= cursor <= expected.end <= len(text)
    mistake = mistake_in(text)
    assert mistake is None or 0 <= mistake.offset <= mistake.offset + mistake.length <= len(text)
