"""A lab understands every filter on the page about filters; test_pages.py runs the page's code."""

import re

import pytest

from extrapolab import Lab
from tests.kit.pages import ROOT

PAGE = ROOT.joinpath("docs", "query.md").read_text()
CELLS = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
FILTERS = [
    code
    for cell in CELLS
    for code in re.findall(r"`([^`]+)`", cell)
    if "..." not in code.replace("swp_...", "")
]


def test_the_page_has_filters():
    assert len(FILTERS) > 20


@pytest.mark.parametrize("q", FILTERS)
def test_the_lab_understands_the_filter(lab, q):
    with Lab(lab.url) as client:
        list(client.query(q, limit=1))
