"""Every link between pages of the repository leads to an existing file and heading."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *(ROOT / "tests").glob("**/*.md")])
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(
    r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)"
    r"|<(?:img|a)\s[^>]*?(?:src|href)=\"([^\"]+)\""
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """The targets of a page's links and images, except those on other sites."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text()))
    targets = [markdown or html for markdown, html in _LINK.findall(text)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    texts = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        for heading in headings
    ]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_heading(page):
    broken = []
    for target in links(page):
        path, _, fragment = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        exists = file.exists() and file.is_relative_to(ROOT)
        if not exists or (fragment and file.suffix == ".md" and fragment not in anchors(file)):
            broken.append(target)
    assert not broken


def test_the_pages_include_the_readme():
    assert ROOT / "README.md" in PAGES


def test_links_and_headings_are_found_outside_code(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# The `run` function, and more\n"
        "[a](b.md#c) ![p](d.png) [site](https://x.y) `[not](a-link)`\n"
        '```\n# no heading\n[no](link)\n```\n<img src="e.svg">\n'
    )
    assert links(page) == ["b.md#c", "d.png", "e.svg"]
    assert anchors(page) == {"the-run-function-and-more"}
