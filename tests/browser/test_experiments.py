"""The list of experiments: filter, completion, errors, selection, actions on many."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from extrapolab import Lab
from tests.browser.conftest import Visitor, spec
from tests.kit.lab import RunningLab


@pytest.fixture
def page(seeded: RunningLab, visit: Visitor) -> Page:
    """The list of the seeded sweep."""
    return visit(f"{seeded.url}/experiments?q=tag%3Aseeded").page


def shown_query(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("q", [""])[0]


def test_rows_tell_setups_apart_and_say_how_their_seeds_ended(page: Page):
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(9)
    headers = page.locator("thead").inner_text()
    assert {"k", "η"} <= set(headers.split())
    assert page.locator(".state.diverged").count() >= 3
    first = rows.filter(has=page.locator(".state.completed:not(.diverged):not(.not-fitted)")).first
    assert first.locator(".strip .tick").count() == 3
    expect(page.locator("#total")).to_contain_text("9 setups, 9 experiments")


def test_a_filter_completes_says_its_mistake_and_goes_into_the_address(page: Page):
    box = page.get_by_role("combobox", name="Filter")
    box.fill('tag:seeded and name != "🙂" and extrap')
    option = page.get_by_role("option", name=re.compile("^extrapolation_error "))
    expect(option).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(9)  # while the filter is half typed
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value(re.compile('tag:seeded and name != "🙂" and extrapolation_error'))
    box.fill("tag:seeded and training.lenght = 6")
    expect(page.locator("#mistake")).to_contain_text("training.length")
    carets = page.locator("#mistake").inner_text()
    assert carets.index("^") == box.input_value().index("training.lenght")
    expect(page.locator("[data-row]")).to_have_count(9)
    box.fill("tag:seeded and training.length = 6")
    expect(page.locator("[data-row]")).to_have_count(3)
    expect(page.locator("#mistake")).to_be_empty()
    assert shown_query(page) == "tag:seeded and training.length = 6"
    page.reload()
    expect(page.locator("[data-row]")).to_have_count(3)


def test_a_header_sorts_and_columns_are_chosen(page: Page):
    page.get_by_role("columnheader", name="η").get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort=optimizer.lr"))
    rates = page.locator("[data-row] .value:nth-of-type(5)").all_inner_texts()
    page.locator("#columns-menu summary").click()
    page.locator("#columns-menu").get_by_role("link", name="✓ training length").click()
    expect(page).to_have_url(re.compile("columns=optimizer.lr"))
    assert len(rates) == 9
    assert rates == sorted(rates, key=float)


def test_the_keyboard_selects_rows_and_compares_them(page: Page):
    page.locator("h1").click()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("#selection")).to_contain_text("2 selected")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/compare\?ids=exp_\w+,exp_\w+"))


def test_many_are_cancelled_after_a_question(empty_lab: RunningLab, visit: Visitor):
    with Lab(empty_lab.url) as lab:
        many = [
            spec(name="bulk", tags=["bulk"], teacher={"seed": seed}, optimizer={"steps": 10**8})
            for seed in (1, 2, 3)
        ]
        for one in many[:2]:
            lab.submit(one)
        page = visit(f"{empty_lab.url}/experiments?q=tag%3Abulk").page
        expect(page.locator("[data-row]")).to_have_count(2)
        page.locator("#columns-menu summary").click()
        lab.submit(many[2])
        expect(page.locator("[data-row]")).to_have_count(3, timeout=30_000)
        expect(page.locator("#columns-menu")).to_have_attribute("open", "")
        page.keyboard.press("Escape")
        page.locator("#actions-menu summary").click()
        page.get_by_role("button", name="Cancel", exact=True).click()
        expect(page.locator("#question")).to_have_text("Cancel 3 experiments?")
        page.locator("#ask").get_by_role("button", name="Yes").click()
        expect(page.locator(".state.cancelled")).to_have_count(3, timeout=30_000)
        assert all(row.state == "cancelled" for row in lab.query("tag:bulk"))


def test_a_view_is_saved_with_all_that_the_address_says(page: Page):
    page.locator("#views-menu summary").click()
    page.get_by_role("button", name="Save this view").click()
    page.locator("#answer").fill("the seeded ones")
    page.locator("#ask").get_by_role("button", name="Yes").click()
    expect(page.locator("#notice")).to_contain_text("Saved as the seeded ones.")
    page.goto(page.url.partition("?")[0])
    page.locator("#views-menu summary").click()
    page.get_by_role("link", name="the seeded ones").click()
    expect(page.locator("#total")).to_contain_text("9 setups")
