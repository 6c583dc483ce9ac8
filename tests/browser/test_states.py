"""Pages in states that a visit alone doesn't show: open menus, dialogs, a selection, mistakes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from extrapolab import Lab
from tests.browser.conftest import Visitor
from tests.kit.lab import RunningLab

OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
LIST = "/experiments?q=tag%3Aseeded"


def open_menu(name: str) -> Callable[[Page], None]:
    return lambda page: page.locator(f"#{name}-menu summary").click()


def complete(page: Page) -> None:
    page.get_by_role("combobox", name="Filter").fill("extrap")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def mistake(page: Page) -> None:
    page.get_by_role("combobox", name="Filter").fill("training.lenght = 6")
    expect(page.locator("#mistake")).to_contain_text("training.length")


def ask(page: Page) -> None:
    page.get_by_label("Select all rows").check()
    expect(page.locator("#selection")).to_contain_text("9 selected")
    page.locator("#selection").get_by_role("button", name="Delete").click()
    expect(page.locator("#question")).to_have_text("Delete 9 experiments?")


def problem(page: Page) -> None:
    page.locator("#user").click()
    page.locator("#answer").fill("reversed \N{RIGHT-TO-LEFT OVERRIDE}name")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#notice.problem")).to_be_visible()


def show_keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def open_details(page: Page) -> None:
    page.evaluate(OPEN_ALL)
    expect(page.locator("#log")).to_be_visible()
    expect(page.get_by_label("Notes, in Markdown")).to_be_visible()


def vary_and_mistype(page: Page) -> None:
    page.get_by_role("button", name="vary length").click()
    page.get_by_label("dimension d", exact=False).last.fill("-3")
    expect(page.locator("p.error:visible").first).to_be_visible()
    page.evaluate(OPEN_ALL)


def open_text(page: Page) -> None:
    page.get_by_role("tab", name="YAML").click()
    page.get_by_label("The spec as text").fill("teacher: [")
    expect(page.locator(".problems")).to_be_visible()


STATES: dict[str, tuple[Callable[[Page], None], ...]] = {
    LIST: (open_menu("columns"), open_menu("actions"), complete, mistake, ask),
    "/workers": (show_keys, problem),
    "/experiments/ID?against=ID": (open_details,),
    "/new": (vary_and_mistype, open_text),
}
"""The states of pages, each of which begins with the page as it is visited."""


@pytest.mark.parametrize("path", STATES)
def test_axe_finds_nothing_in_states(seeded: RunningLab, visit: Visitor, path: str):
    with Lab(seeded.url) as lab:
        (found,) = lab.query("tag:seeded and training.length = 6 and optimizer.lr = 0.02")
    url = seeded.url + path.replace("ID", found.id)
    shown = visit(url)
    for bring_about in STATES[path]:
        shown.page.goto(url)
        bring_about(shown.page)
        for scheme in ("light", "dark"):
            shown.page.emulate_media(color_scheme=scheme)
            assert shown.violations() == []
