"""A study's page, from the button to the verdict."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.kit.lab import RunningLab


def test_a_study_runs_to_its_verdict(empty_lab: RunningLab, visit: Visitor):
    page = visit(f"{empty_lab.url}/studies/counterexample").page
    expect(page.locator(".claims .state.completed")).to_have_count(0)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[data-actions]")).to_contain_text(
        re.compile(r"all \d+ experiments"), timeout=90_000
    )
    expect(page.locator(".claims .state.completed").first).to_have_text("holds")
    assert page.locator(".bullet circle.holds").count() >= 1
    expect(page.locator("img.figure")).to_be_visible()
    page.goto(f"{empty_lab.url}/studies")
    expect(page.locator("#counterexample-quick")).to_contain_text("hold")
