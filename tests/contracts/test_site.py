"""The documentation site builds without warnings, has every page, and contacts no other host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.pages import ROOT

DEAD_PROXY = "http://127.0.0.1:9"
"""A proxy that refuses all connections, so that the build can't use the network."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    offline = {"http_proxy": DEAD_PROXY, "https_proxy": DEAD_PROXY, "NO_MKDOCS_2_WARNING": "1"}
    build = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    return folder


def test_every_page_is_built_and_in_the_navigation(site):
    pages = {
        page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")
    }
    built = {page.relative_to(site).with_suffix("") for page in site.rglob("*.html")}
    expected = {Path(str(page).replace("README", "index")) for page in pages}
    assert expected <= built
    front = (site / "index.html").read_text()
    assert all(
        f'href="{page}.html"' in front
        for page in expected - {Path("index")}
        if "reference" not in page.parts
    )


@pytest.mark.parametrize(
    ("page", "expected"),
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
def test_the_reference_is_generated_from_the_code(site, page, expected):
    text = re.sub(r"<[^>]+>", "", (site / "reference" / f"{page}.html").read_text())
    assert [words for words in expected if words not in text] == []


def test_no_page_loads_anything_from_another_host(site):
    elements = re.compile(
        r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'\s>]+"""
    )
    styles = re.compile(r"""url\(["']?(?:https?:)?//[^)]+|@import""")
    requests = {
        (file.name, match)
        for suffix, pattern in ((".html", elements), (".css", styles))
        for file in site.rglob(f"*{suffix}")
        for match in pattern.findall(file.read_text())
    }
    assert requests == set()
    assert (site / "assets" / "iframe-worker.js").exists()
