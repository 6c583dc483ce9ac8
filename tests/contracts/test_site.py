"""The documentation as a site: it builds without a warning, holds every page, and asks no other host for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.pages import ROOT

NOWHERE = "http://127.0.0.1:9"
"""A proxy that leads to nothing, for who would go out."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    away = {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **away},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_there_and_reached(site):
    pages = {
        page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")
    }
    built = {page.relative_to(site).with_suffix("") for page in site.rglob("*.html")}
    there = {Path(str(page).replace("README", "index")) for page in pages}
    assert there <= built
    front = (site / "index.html").read_text()
    assert all(
        f'href="{page}.html"' in front
        for page in there - {Path("index")}
        if "reference" not in page.parts
    )


@pytest.mark.parametrize(
    ("page", "holds"),
    [
        ("python", ["Lab", "as_completed", "AsyncLab", "ExperimentResult", "LabUnreachable"]),
        (
            "command-line",
            ["extrapolab sweep submit", "--dry-run", "extrapolab backup", "no lab answers"],
        ),
        ("http", ["POST /v1/experiments", "on_duplicate", "GET /v1/events", "Last-Event-ID"]),
        ("spec", ["BalancedTeacher", "eigenvalues", "GradientFlow", "required"]),
        ("fields", ["student.start.scale", "extrapolation_error", "diverged"]),
    ],
)
def test_the_reference_is_made_of_the_code(site, page, holds):
    text = re.sub(r"<[^>]+>", "", (site / "reference" / f"{page}.html").read_text())
    assert [words for words in holds if words not in text] == []


def test_nothing_is_asked_of_another_host(site):
    asked = re.compile(
        r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'\s>]+"""
    )
    styles = re.compile(r"""url\(["']?(?:https?:)?//[^)]+|@import""")
    found = {
        (page.name, hit)
        for page in site.rglob("*")
        if page.suffix in {".html", ".css"}
        for hit in (asked if page.suffix == ".html" else styles).findall(page.read_text())
    }
    assert found == set()
    assert (site / "assets" / "iframe-worker.js").exists()
