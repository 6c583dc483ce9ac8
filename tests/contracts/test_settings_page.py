"""docs/settings.md lists every setting, as the code defines it."""

import importlib.util
import re

import pytest

from tests.kit.pages import ROOT

NOT_FOR_USERS = {
    *("EXTRAPOLAB_COMPLETE", "EXTRAPOLAB_TEST_SABOTAGE"),
    *("EXTRAPOLAB_CHAOS_SEED", "EXTRAPOLAB_OPENAPI_EXAMPLES"),
}
"""Variables of shell completion and of the tests."""


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "docs/settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator):
    assert generator.PAGE.read_text() == generator.page(), "run: python docs/settings.py"


def test_every_setting_has_a_description(generator):
    assert all(
        field.description for kind in generator.CLASSES for field in kind.model_fields.values()
    )


def test_every_variable_in_the_code_is_on_the_page(generator):
    rooms = ("core", "store", "service", "worker", "lab", "extrapolab")
    sources = [file.read_text() for room in rooms for file in (ROOT / room).rglob("*.py")]
    in_code = {name for text in sources for name in re.findall(r"EXTRAPOLAB_[A-Z_]*[A-Z]", text)}
    on_page = set(re.findall(r"`(EXTRAPOLAB_[A-Z_]+)`", generator.PAGE.read_text()))
    assert in_code - on_page <= NOT_FOR_USERS
