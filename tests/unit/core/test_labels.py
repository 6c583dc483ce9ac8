"""Labels: different for different values, short, and in the words of the field."""

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.labels import number, value_label, value_labels, value_texts
from core.spec import ExperimentSpec
from core.spec.experiment_labels import experiment_labels
from core.spec.paths import flatten
from core.symbols import QUANTITIES, short_name
from store.query.fields import FIELDS

BASE = {
    "teacher": {"kind": "balanced", "dim": 2},
    "student": {"kind": "linear", "dim": 20},
    "training": {"length": 6},
}
FLOW = {"kind": "gradient_flow", "time": 10.0}


def spec(change):
    """A spec as JSON that differs from BASE by the fields of some parts."""
    parts = {name: {**BASE.get(name, {}), **fields} for name, fields in change.items()}
    return ExperimentSpec.model_validate(BASE | parts).model_dump(mode="json")


def labels(*changes, names=None):
    """The labels of experiments whose specs differ from BASE."""
    specs = [spec(change) for change in changes]
    return experiment_labels(
        [f"exp_{n}" for n in range(len(specs))], names or [""] * len(specs), specs
    )


@given(
    st.lists(
        st.floats(allow_nan=False) | st.integers(0, 2**63), min_size=1, max_size=6, unique=True
    )
)
@example([0.1, 0.1 + 1e-12, 0.1 + 1e-5])
def test_different_numbers_have_different_labels(values):
    texts = value_texts(values)
    for (one, label), (other, other_label) in itertools.combinations(
        zip(values, texts, strict=True), 2
    ):
        assert (label == other_label) == (one == other)


@given(st.floats(-1e307, 1e307))
def test_a_number_is_rounded_by_less_than_one_percent_and_never_looks_exact_if_it_is_not(value):
    text = number(value)
    assert float(text) == pytest.approx(value, rel=0.006, abs=0)
    digits = text.partition("e")[0].replace(".", "").strip("-0")
    assert len(digits) >= 3 or float(text) == pytest.approx(value, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**-1.5, "0.0316"),
        (0.99999, "0.99999"),
        (119.96, "119.96"),
        (1e-12, "1e-12"),
        (20_000, "20000"),
        (20_000.0, "20000"),
        (12_345.6, "12346"),
        (1_000_000_000, "1e9"),
        (2**63 - 1, "9223372036854775807"),
        (-0.5, "-0.5"),
        (0.0, "0"),
        (math.inf, "inf"),
    ],
)
def test_numbers_are_as_people_write_them(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("path", "value", "label"),
    [
        ("training.length", 8, "k = 8"),
        ("student.dim", 40, "d = 40"),
        ("teacher.dim", 40, "d̂ = 40"),
        ("optimizer.lr", 0.01, "η = 0.01"),
        ("optimizer.kind", "gd", "GD"),
        ("teacher.kind", "tanh_rnn", "tanh RNN teacher"),
        ("student.start.balanced", True, "balanced at the start"),
        ("teacher.seed", 3, "teacher.seed = 3"),
        ("optimizer.steps", 100, "optimizer.steps = 100"),
        ("teacher.eigenvalues.values", [0.9, -0.5], "λ̂ = [0.9, -0.5]"),
        ("evaluation.record", [], "record = none"),
        ("teacher", {"dim": 3, "kind": "random"}, "random teacher, d̂ = 3"),
        ("optimizer.stop", {}, "stop = default"),
        ("seeds", [0, 1, 2], "seeds = 0..2"),
        ("optimizer.lr", None, "no learning rate"),
    ],
)
def test_a_value_is_labelled_in_the_words_of_the_field(path, value, label):
    assert value_label(path, value) == label


def test_values_that_no_digits_tell_apart_are_numbered():
    long, other = [*range(1, 9)], [*range(1, 8), 9]
    one, two = value_labels("teacher.weights", [long, other])
    assert one != two
    assert value_labels(None, [1, 2]) == ["", ""]


def test_every_field_of_a_spec_has_words():
    in_a_spec = {path for path, _ in flatten(ExperimentSpec.model_validate(BASE).model_dump())}
    in_a_spec -= {"name", "tags", "notes"}
    assert in_a_spec | {name for name, field in FIELDS.items() if field.path} <= set(QUANTITIES)


def test_names_of_fields_differ():
    paths = [path for path in QUANTITIES if "." in path]
    assert len({short_name(path) for path in paths}) == len(paths)


def test_names_label_experiments_if_all_are_given_and_different():
    changes = {"training": {"length": 4}}, {"training": {"length": 6}}
    assert labels(*changes, names=["short", "long"]) == ["short", "long"]
    assert labels(*changes, names=["same", "same"]) == ["k = 4", "k = 6"]
    assert labels(*changes, names=["short", ""]) == ["k = 4", "k = 6"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{"optimizer": {"kind": "gd"}}, {"optimizer": FLOW}], ["GD", "gradient flow"]),
        (
            [{"optimizer": {"lr": 0.01}}, {"optimizer": {"lr": 0.02}}, {"optimizer": FLOW}],
            ["GD, η = 0.01", "GD, η = 0.02", "gradient flow"],
        ),
        (
            [{"optimizer": {"stop": {"loss_below": 1e-12}}}, {"optimizer": {"stop": None}}],
            ["loss below = 1e-12", "no early stop"],
        ),
        (
            [{"optimizer": {"schedule": {"kind": "cosine"}}}, {}],
            ["cosine schedule", "constant schedule"],
        ),
        (
            [
                {"training": {"loss": {"covariance": {"kind": "ar1", "rho": rho}}}} if rho else {}
                for rho in (0, 0.5, 0.8)
            ],
            ["white inputs", "ρ = 0.5", "ρ = 0.8"],
        ),
        ([{"student": {"dim": 20}}, {"student": {"dim": 40}}], ["d = 20", "d = 40"]),
        ([{"teacher": {"dim": 2}}, {"teacher": {"dim": 4}}], ["d̂ = 2", "d̂ = 4"]),
        (
            [{"teacher": {"seed": 0}}, {"teacher": {"seed": 1}}],
            ["teacher.seed = 0", "teacher.seed = 1"],
        ),
        (
            [{"evaluation": {"record": ["response"]}, "training": {"length": 4}}, {}],
            ["k = 4", "k = 6"],
        ),
        (
            [{"numerics": {"device": "cpu"}, "training": {"length": 4}}, {}],
            ["k = 4", "k = 6"],
        ),
        ([{"evaluation": {"record": ["response"]}}, {}], ["record = [response]", "record = none"]),
        ([{}, {}], ["exp_0", "exp_1"]),
        (
            [{}, {}, {"training": {"length": 8}}],
            ["k = 6 (exp_0)", "k = 6 (exp_1)", "k = 8"],
        ),
    ],
)
def test_experiments_are_labelled_by_the_fewest_fields_that_tell_them_apart(changes, expected):
    assert labels(*changes) == expected


def test_more_than_three_fields_tell_experiments_apart_if_they_are_needed():
    axes = [
        [{"training": {"length": k}} for k in (4, 6)],
        [{"student": {"dim": d}} for d in (20, 40)],
        [{"optimizer": {"lr": lr}} for lr in (0.01, 0.02)],
        [{"teacher": {"dim": dim}} for dim in (2, 3)],
    ]
    twelve = [*itertools.product(*axes)][:12]
    found = labels(
        *({key: value for part in parts for key, value in part.items()} for parts in twelve)
    )
    assert len(set(found)) == 12
    assert set(found[0].split(", ")) == {"k = 4", "d = 20", "η = 0.01", "d̂ = 2"}
