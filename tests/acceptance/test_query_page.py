"""The filters on the page that teaches them are all understood; its code is run with that of the other pages."""

import re

import pytest

from extrapolab import Lab
from tests.kit.pages import ROOT

PAGE = ROOT.joinpath("docs", "query.md").read_text()
CELLS = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
FILTERS = [
    f
    for cell in CELLS
    for f in re.findall(r"`([^`]+)`", cell)
    if "..." not in f.replace("swp_...", "")
]


def test_there_is_something_to_try():
    assert len(FILTERS) > 20


@pytest.mark.parametrize("q", FILTERS)
def test_each_filter_is_understood(lab, q):
    with Lab(lab.url) as client:
        list(client.query(q, limit=1))
