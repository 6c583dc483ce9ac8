"""The reference pages in the repository are as the code would write them."""

import importlib.util
import sys

import pytest

from core.spec.schema import experiment_schema, sweep_schema
from tests.kit.pages import ROOT


@pytest.fixture(scope="module")
def generator():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        spec = importlib.util.spec_from_file_location("reference_pages", ROOT / "docs/reference.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return module


def test_the_pages_are_up_to_date(generator):
    kept = {file: file.read_text() for file in generator.FOLDER.glob("*.md")}
    assert kept == generator.kept_pages(), "run: python docs/reference.py"


def test_every_field_of_a_spec_and_of_a_sweep_has_a_description():
    sweep = sweep_schema()
    parts = {"ExperimentSpec": experiment_schema(), "SweepSpec": sweep, **sweep["$defs"]}
    fields = {
        f"{part}.{name}": field
        for part, definition in parts.items()
        for name, field in definition.get("properties", {}).items()
    }
    assert [name for name, field in fields.items() if "description" not in field] == [
        name for name in fields if name.endswith(".kind")
    ]


def test_bounds_in_the_schema_have_their_standard_names():
    definitions = sweep_schema()["$defs"]
    names = {
        key
        for part in definitions.values()
        for field in part.get("properties", {}).values()
        for key in field
    }
    assert {"minimum", "maximum"} <= names
    assert not {"ge", "le"} & names
