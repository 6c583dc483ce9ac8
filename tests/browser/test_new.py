"""From a form to a finished figure, with the lab's word on it while it is typed."""

import re

from playwright.sync_api import Locator, Page, expect

from extrapolab import Lab
from tests.browser.conftest import Visitor, spec
from tests.kit.lab import RunningLab

VERDICT, SUBMIT = "#panel .verdict", "#submit"


def box(page: Page, path: str) -> Locator:
    """The field at a path of the spec."""
    return page.locator(f'.box[data-path="{path}"]:not([hidden])')


def fill(page: Page, path: str, text: str) -> None:
    box(page, path).locator("input").fill(text)


def test_from_the_form_to_a_finished_figure(seeded: RunningLab, visit: Visitor):
    page = visit(f"{seeded.url}/new").page
    page.locator("#user").click()
    page.locator("#answer").fill("Ada")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#user")).to_have_text("Ada")
    fill(page, "name", "typed by hand")
    fill(page, "student.dim", "6")
    fill(page, "training.length", "4")
    fill(page, "optimizer.steps", "300")
    fill(page, "seeds", "2")
    expect(page.locator("#panel dt:text-is('seeds') + dd")).to_have_text("2")
    expect(page.locator("#panel")).to_contain_text("on this lab’s")  # others have completed here
    expect(page.locator("#panel .response circle")).to_have_count(40)
    expect(page.locator("#panel .response circle.unseen")).to_have_count(36)
    expect(page.locator("#panel .poles path")).to_have_count(2)
    page.locator(SUBMIT).click()
    page.wait_for_url(re.compile("/experiments/exp_"))
    expect(page.locator("h1")).to_have_text("typed by hand")
    expect(page.locator("[data-chart=response] canvas")).to_be_visible(timeout=60_000)
    with Lab(seeded.url) as lab:
        (experiment,) = lab.query('spec.name = "typed by hand"')
        assert (experiment.spec.student.dim, experiment.spec.seeds) == (6, (0, 1))
        assert experiment.record.owner == "Ada"


def test_an_error_stands_beside_its_field_and_goes_when_it_is_mended(
    seeded: RunningLab, visit: Visitor
):
    page = visit(f"{seeded.url}/new?preset=memoryless").page
    expect(box(page, "teacher.gain").locator("input")).to_have_value("1")
    fill(page, "training.length", "fifty")
    error = box(page, "training.length").locator(".error")
    expect(error).to_contain_text("should be a valid integer")
    expect(page.locator(VERDICT)).to_have_text("1 problem")
    expect(page.locator(SUBMIT)).to_be_disabled()
    fill(page, "training.length", "50")  # past the horizon
    expect(error).to_be_hidden()
    expect(box(page, "evaluation.horizon").locator(".error")).to_contain_text("above")
    fill(page, "evaluation.horizon", "60")
    expect(page.locator(VERDICT)).to_have_text("valid")
    box(page, "teacher.kind").locator("select").select_option("delay")
    expect(box(page, "teacher.gain")).to_have_count(0)
    expect(box(page, "teacher.lag").locator("input")).to_have_attribute("placeholder", "4")


YAML = """\
name: pasted
teacher: {kind: delay, lag: 2}
student:
  kind: linear
  dim: 10
  start: {kind: identity, scale: 1e-1}
training: {length: 4}
optimizer: {kind: adam, steps: 50}
evaluation: {baselines: [era]}
seeds: [3, 5]
"""


def test_yaml_fills_the_form_and_comes_back(seeded: RunningLab, visit: Visitor):
    page = visit(f"{seeded.url}/new").page
    page.get_by_role("tab", name="YAML").click()
    page.locator("#f-text").fill("teacher: {kind: delay")
    expect(page.locator("#panel .problems")).to_contain_text("is not valid YAML: line 1")
    page.locator("#f-text").fill(YAML)
    expect(page.locator(VERDICT)).to_have_text("valid")
    page.get_by_role("tab", name="Form").click()
    for path, value in (
        ("teacher.lag", "2"),
        ("student.start.scale", "0.1"),
        ("optimizer.steps", "50"),
        ("seeds", "3, 5"),
    ):
        expect(box(page, path).locator("input")).to_have_value(value)
    era = box(page, "evaluation.baselines").locator("[value=era]")
    expect(era).to_be_visible()  # what is seldom set opens if it is
    expect(era).to_be_checked()
    page.get_by_role("tab", name="JSON").click()
    expect(page.locator("#f-text")).to_have_value(re.compile(r'"seeds": \[\s*3,\s*5\s*\]'))


def test_any_field_makes_a_sweep(seeded: RunningLab, visit: Visitor):
    shown = visit(f"{seeded.url}/new")
    page = shown.page
    fill(page, "name", "typed sweep")
    fill(page, "optimizer.steps", "40")
    fill(page, "seeds", "1")
    length = box(page, "training.length")
    length.get_by_role("button").click()
    length.get_by_label("values", exact=True).fill("3, 4")
    scale = box(page, "student.start.scale")
    scale.get_by_role("button").click()
    scale.get_by_label("kind of axis").select_option("logspace")
    for name, value in (("lowest", "0.01"), ("highest", "1"), ("number of values", "three")):
        scale.get_by_label(name).fill(value)
    expect(scale.locator(".error")).to_contain_text("should be a valid integer")
    scale.get_by_label("number of values").fill("3")
    expect(page.locator(SUBMIT)).to_have_text("Submit 6 experiments")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/sweeps/swp_"))
    shown.messages.clear()  # a browser's own word on a page that is not there
    with Lab(seeded.url) as lab:
        sweep = lab.sweep_of(page.url.rpartition("/")[2])
        assert (sweep.record.name, sweep.record.progress.of) == ("typed sweep", 6)


def test_an_experiment_is_cloned_without_its_defaults(seeded: RunningLab, visit: Visitor):
    with Lab(seeded.url) as lab:
        (original,) = lab.query("training.length = 2 and optimizer.lr = 5", limit=1)
    page = visit(f"{seeded.url}/new?from={original.id}").page
    expect(box(page, "optimizer.lr").locator("input")).to_have_value("5")
    expect(box(page, "seeds").locator("input")).to_have_value(str(spec()["seeds"]))
    expect(box(page, "optimizer.steps").locator("input")).to_have_value("3000")
    page.get_by_role("tab", name="JSON").click()
    expect(page.locator("#f-text")).not_to_have_value(re.compile("schedule|numerics"))
