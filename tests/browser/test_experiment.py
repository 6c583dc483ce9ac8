"""One experiment's page, while it trains and after it."""

import re

from playwright.sync_api import expect

from extrapolab import Lab
from tests.browser.conftest import Visitor, spec
from tests.kit.lab import RunningLab


def test_a_curve_grows_while_the_experiment_trains(empty_lab: RunningLab, visit: Visitor):
    long = spec(name="live", optimizer={"steps": 50_000_000}, evaluation={"points": 5000}, seeds=2)
    with Lab(empty_lab.url) as lab:
        experiment = lab.submit(long)
        page = visit(f"{empty_lab.url}/experiments/{experiment.id}").page
        step = page.locator("[data-part=step]")
        expect(page.locator(".status")).to_contain_text("running", timeout=30_000)
        expect(page.locator("[data-chart=training] canvas")).to_be_visible(timeout=30_000)
        first = step.inner_text()
        expect(step).not_to_have_text(first, timeout=30_000)
        page.evaluate("document.getElementById('log').textContent = ''")
        expect(page.locator("#log")).to_contain_text("training on cpu", timeout=30_000)
        over = page.locator("[data-chart=training] .u-over")
        box = over.bounding_box()
        assert box is not None
        over.hover(position={"x": box["width"] - 2, "y": 40})
        readout = page.locator("[data-chart=training] output")
        expect(readout).to_contain_text("median")
        page.locator(".actions").get_by_role("button", name="Cancel").click()
        page.locator("#ask").get_by_role("button", name="Yes").click()
        expect(page.locator(".status")).to_contain_text("cancelled", timeout=30_000)
        expect(page.locator(".history")).to_contain_text("asked to stop")


def test_a_page_says_what_is_known_of_a_completed_experiment(seeded: RunningLab, visit: Visitor):
    with Lab(seeded.url) as lab:
        (found,) = lab.query("tag:seeded and training.length = 6 and optimizer.lr = 0.02")
        record = lab.experiment(found.id).record
    page = visit(f"{seeded.url}/experiments/{found.id}").page
    expect(page.locator(".status")).to_contain_text("completed, 3 of 3 seeds fit")
    assert page.locator(".strip").first.locator(".tick").count() == len(record.runs)
    expect(page.locator(".checks .holds").first).to_be_visible()
    expect(page.locator("dd.strong", has_text="balanced").first).to_be_visible()
    expect(page.locator("[data-chart=response] canvas")).to_be_visible()
    page.get_by_text("Edit name, tags and notes").click()
    page.get_by_label("Notes, in Markdown").fill("*small* <b>k</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notes em")).to_have_text("small")
    assert page.locator(".notes b").count() == 0
    page.get_by_label("Difference from").fill(found.id)
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("against="))
    expect(page.locator("main")).to_contain_text("Their specs compute the same.")
