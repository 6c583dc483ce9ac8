"""What holds for every page: its weight, its manners, and who can read it."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from extrapolab import Lab
from tests.browser.conftest import Visitor, phase_diagram
from tests.kit.lab import RunningLab

PAGES = (
    "/",
    "/workers",
    "/sweeps",
    "/sweeps/SWEEP",
    "/studies",
    "/studies/balanced",
    "/experiments/ID",
    "/compare?ids=IDS",
    "/experiments?q=tag:seeded",
    "/figures?query=tag:seeded&x=training.length",
    "/new",
)
"""Every page; ID is an experiment that ended, IDS are three of them, SWEEP is that of them all."""

COLD_BYTES, WARM_BYTES = 130_000, 20_000
SCRIPT_SECONDS = 0.5


@pytest.fixture(params=PAGES)
def address(request: pytest.FixtureRequest, seeded: RunningLab) -> str:
    """The address of a page."""
    with Lab(seeded.url) as lab:
        ids = [row.id for row in lab.query("tag:seeded and state = completed", limit=3)]
        sweep = phase_diagram(lab).id
    path = request.param.replace("IDS", ",".join(ids)).replace("ID", ids[0])
    return seeded.url + path.replace("SWEEP", sweep)


def test_a_page_is_light_and_asks_no_other_host(address: str, visit: Visitor):
    cold = visit(address)
    cold.page.wait_for_load_state("load")
    empty = cold.page.locator("[data-chart]:visible:not(:has(canvas))")
    expect(empty).to_have_count(0)  # the data of charts came
    assert cold.bytes[0] < COLD_BYTES
    host = urlsplit(address).netloc
    assert {urlsplit(request).netloc for request in cold.requests} == {host}
    metrics = {entry["name"]: entry["value"] for entry in cold.metrics()}
    assert metrics["ScriptDuration"] < SCRIPT_SECONDS
    cold.reload()
    assert cold.bytes[1] < WARM_BYTES


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(address: str, visit: Visitor, scheme: str):
    shown = visit(address, color_scheme=scheme)
    assert shown.violations() == []


def test_a_phone_needs_no_sideways_scroll(address: str, visit: Visitor):
    shown = visit(address, viewport={"width": 390, "height": 844}, device_scale_factor=2)
    shown.page.wait_for_load_state("load")
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_reads_without_scripts(address: str, visit: Visitor):
    shown = visit(address, java_script_enabled=False)
    assert shown.page.locator("main h1").inner_text()
    assert shown.page.locator("nav a").count() >= 9


def test_an_unknown_address_is_a_page(seeded: RunningLab, visit: Visitor):
    shown = visit(f"{seeded.url}/nowhere")
    assert shown.page.locator("main h1").inner_text() == "Not found"
    assert shown.messages.pop()  # the browser's own word on a 404
