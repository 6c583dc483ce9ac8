"""A sweep's page: its map while it fills, its curves, and what is missing."""

import re

import numpy as np
from playwright.sync_api import Locator, Page, expect

from core.figures.drawing.plot import crossings
from extrapolab import Lab
from service.pages.frame.words import number
from tests.browser.conftest import Visitor, phase_diagram, spec
from tests.kit.lab import RunningLab

LONG = 60_000
"""Milliseconds for what a lab trains meanwhile."""

METRIC = "relative_extrapolation_error"


def cell(page: Page, row: int, column: int) -> Locator:
    """The cell in a row, counted from the lowest, and a column."""
    return page.locator(f"#cell-0-{row}-{column}")


def test_cells_show_the_numbers_of_the_interface(seeded: RunningLab, visit: Visitor):
    with Lab(seeded.url) as lab:
        sweep = phase_diagram(lab)
        grid = sweep.grid(rows="optimizer.lr", columns="training.length", metrics=[METRIC])
        members = {tuple(member.coordinates.values()): member for member in sweep.members()}
    page = visit(f"{seeded.url}/sweeps/{sweep.id}").page
    for row, rate in enumerate(grid.rows.values):
        for column, length in enumerate(grid.columns.values):
            shown = cell(page, row, column)
            value = number(grid.metrics[METRIC]["median"][row][column])
            expect(shown).to_have_attribute("aria-label", re.compile(f": median {value},"))
            expect(shown).to_have_attribute(
                "href", f"/experiments/{members[length, rate].experiment}"
            )
    assert cell(page, 2, 0).locator("rect[fill='url(#hatch)']").count() == 1
    across, up = crossings(np.array(grid.metrics[METRIC]["median"], float), 1.0)
    line = page.locator("#map path.edge").last.get_attribute("d") or ""
    assert (line.count("v"), line.count("h")) == (across.sum(), up.sum())
    assert line.startswith("M")
    assert up.any()
    assert re.match("#", cell(page, 1, 2).locator("rect").first.get_attribute("fill") or "")
    page.goto(f"{seeded.url}/sweeps")
    expect(page.locator(f"#{sweep.id}")).to_contain_text("9 of 9 completed")
    page.locator(f"#{sweep.id}").get_by_role("link").first.click()
    cell(page, 1, 2).click()
    expect(page.locator(".status")).to_contain_text("completed, 3 of 3 seeds fit")
    page.go_back()
    cell(page, 1, 1).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(members[4, 0.02].experiment))


def test_cells_under_the_pointer_and_keys_show_their_curves(seeded: RunningLab, visit: Visitor):
    with Lab(seeded.url) as lab:
        sweep = phase_diagram(lab)
    page = visit(f"{seeded.url}/sweeps/{sweep.id}").page
    expect(page.locator("[data-brushed]")).to_have_text("the least and the largest")
    expect(page.locator("[data-chart=error] canvas")).to_be_visible()
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(cell(page, 1, 1)).to_be_focused()
    expect(page.locator("[data-reading]")).to_contain_text("k = 4, η = 0.02: median")
    expect(page.locator("[data-brushed]")).to_have_text("k = 4, η = 0.02")
    for chart in ("loss", "error", "lags"):
        expect(page.locator(f"[data-chart={chart}] canvas")).to_be_visible()
    cell(page, 0, 0).hover()
    page.mouse.down()
    cell(page, 1, 1).hover()
    page.mouse.up()
    expect(page.locator("[data-brushed]")).to_have_text("4 cells")
    expect(page.locator("a.brushed")).to_have_count(4)
    assert "/sweeps/" in page.url  # a drag opens nothing
    page.get_by_role("button", name="clear").click()
    expect(page.locator("a.brushed")).to_have_count(0)
    page.get_by_label("Statistic").select_option("q1")
    expect(page).to_have_url(re.compile("statistic=q1"))
    expect(cell(page, 1, 1)).to_have_attribute("aria-label", re.compile(": q1 "))
    page.get_by_label("Across").select_option("optimizer.lr")
    expect(page).to_have_url(re.compile("x=optimizer.lr&series=training.length"))
    page.get_by_label("Up").select_option("optimizer.lr")
    expect(page).to_have_url(re.compile("x=training.length&series=optimizer.lr"))
    page.get_by_text("In ink").click()
    table = page.get_by_role("link", name="csv").get_attribute("href")
    header, *rows = page.request.get(f"{seeded.url}{table}").text().splitlines()
    assert header.startswith("training.length,optimizer.lr,")
    assert header.endswith(f"{METRIC}.q1")
    assert len(rows) == 9
    page.get_by_label("Up").select_option("none")
    expect(page.locator("path.median")).to_have_attribute("d", re.compile("^M.+L"))
    expect(cell(page, 0, 1)).to_have_attribute("aria-label", re.compile("of 9 seeds fit"))
    assert cell(page, 0, 1).locator(".diverged").count() == 1  # three seeds at one place
    assert 1 < cell(page, 0, 1).locator(".tick").count() <= 6
    expect(cell(page, 0, 1)).to_have_attribute("href", re.compile(r"/experiments\?q=sweep"))


def test_a_threshold_is_shown_where_a_verdict_flips(seeded: RunningLab, visit: Visitor):
    with Lab(seeded.url) as lab:
        sweep = phase_diagram(lab)
        found = sweep.refine("training.length", "training.length > 3", dry_run=True)
    page = visit(f"{seeded.url}/sweeps/{sweep.id}").page
    page.get_by_label("Along").select_option("training.length")
    page.get_by_label("Verdict").fill("training.length > 3")
    page.get_by_role("button", name="Only show").click()
    rows = page.locator("[data-flips] tbody tr")
    expect(rows).to_have_count(len(found.brackets))
    first = found.brackets[0]
    expect(rows.first).to_contain_text(f"{first.low.value} fails, {first.low.fitted} of 3 fit")
    expect(page.locator("#notice")).to_contain_text(f"{found.located} of 3 flips located.")
    expect(rows.first.get_by_role("link").first).to_have_attribute(
        "href", f"/experiments/{first.low.experiment}"
    )


def test_a_map_fills_while_the_sweep_runs(empty_lab: RunningLab, visit: Visitor):
    with Lab(empty_lab.url) as lab:
        sweep = lab.sweep(
            spec(name="filling", seeds=1, optimizer={"steps": 50_000_000}),
            [
                {"path": "training.length", "values": [3, 5]},
                {"path": "student.dim", "values": [30, 40]},
            ],
            name="filling",
        )
        page = visit(f"{empty_lab.url}/sweeps/{sweep.id}").page
        expect(page.locator("#map a > .outline")).to_have_count(2, timeout=LONG)  # two slots
        expect(page.locator("#map a[data-progress]")).to_have_count(2)
        expect(page.locator("#map a > .box")).to_have_count(4)
        page.get_by_role("button", name="Cancel").click()
        page.locator("#ask").get_by_role("button", name="Yes").click()
        expect(page.locator("#map a > .grey")).to_have_count(4, timeout=LONG)

        page.get_by_label("Axis").fill("optimizer.steps")
        page.locator(".extend [name=values]").fill("300")
        page.locator(".extend").get_by_role("button", name="Extend").click()
        expect(page.locator("#question")).to_contain_text("Queue 4 experiments?")
        page.locator("#ask").get_by_role("button", name="Yes").click()
        page.locator("select[name=at]").select_option("optimizer.steps=300")
        expect(page.locator("#map a > rect[fill^='#']")).to_have_count(4, timeout=LONG)

        page.get_by_role("button", name="Run 4 missing").click()
        expect(page.locator(".sweep-state .state.running")).to_have_text("2 running", timeout=LONG)
        sweep.cancel()
