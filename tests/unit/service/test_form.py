"""The form shows every field of the spec, and what it begins with is valid."""

import itertools

import pytest

from core.spec import ExperimentSpec
from core.spec.experiment import METADATA
from core.spec.paths import flatten
from service.pages.spec_form.form import SECTIONS, sections
from service.pages.spec_form.presets import PRESETS

FIELDS = [field for section in sections() for field in section.fields]


def test_each_part_of_a_spec_has_a_section():
    parts = [*itertools.chain(*SECTIONS.values())]
    assert sorted([*parts, *METADATA]) == sorted(ExperimentSpec.model_fields)


USUAL = frozenset({"balanced", "list", "linear", "gaussian", "population", "gd"})


def test_few_fields_are_in_sight_at_first():
    shown = [
        field
        for field in FIELDS
        if not field.rare and all(USUAL & kinds for kinds in field.when.values())
    ]
    assert 12 <= len(shown) <= 16
    assert {field.path for field in shown} >= {"teacher.kind", "training.length", "seeds"}


def test_kinds_share_a_field_that_is_the_same():
    (seed,) = [field for field in FIELDS if field.path == "teacher.seed"]
    assert seed.when["teacher.kind"] == {
        "balanced",
        "unbalanced",
        "random",
        "gru",
        "lstm",
        "tanh_rnn",
    }
    rates = {field.default for field in FIELDS if field.path == "optimizer.lr"}
    assert rates == {"0.01", "0.001"}  # Adam's default is its own


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_the_form_shows_all_of_it(name):
    preset = PRESETS[name]
    ExperimentSpec.model_validate(preset.spec)
    paths = {field.path for field in FIELDS} | METADATA
    assert {path for path, _ in flatten(preset.spec)} <= paths
