"""The pages' scripts behind a real nginx at ``/lab/``."""

import re
import shutil

from playwright.sync_api import expect

from store.db import engines
from tests.browser.conftest import Visitor
from tests.integration.service.process import served
from tests.kit.nginx import nginx


def test_a_form_is_checked_submitted_and_listed_below_the_prefix(
    visit: Visitor, migrated_sqlite, tmp_path
):
    database = engines.sqlite_url(shutil.copy(migrated_sqlite, tmp_path / "lab.db"))
    with (
        served(database, EXTRAPOLAB_ROOT_PATH="/lab") as service,
        nginx(tmp_path, f"{service.url}/") as url,
    ):
        page = visit(f"{url}/new").page
        page.locator("#user").click()
        page.locator("#answer").fill("Jörg Müller")
        page.get_by_role("button", name="Yes").click()
        expect(page.locator("#panel .response circle")).not_to_have_count(0)  # checked
        page.locator("#submit").click()
        page.wait_for_url(re.compile("/lab/experiments/exp_"))
        page.get_by_role("link", name="Experiments").first.click()
        page.wait_for_url(re.compile("/lab/experiments$"))
        page.locator("[data-filter]").fill("owner = 'Jörg Müller'")
        page.wait_for_url(re.compile(r"/lab/experiments\?q="))
        expect(page.locator("tr[data-row]")).to_have_count(1)
        page.close()
