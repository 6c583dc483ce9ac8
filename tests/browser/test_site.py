"""The documentation builds offline, without warnings, has every page, and reads well at /docs."""

import os
import re
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import uvicorn
from starlette.testclient import TestClient

from service.app import build
from service.pages import site as site_pages
from service.settings import Settings
from tests.kit.pages import ROOT

DEAD_PROXY = "http://127.0.0.1:9"
"""A proxy that refuses all connections, so that the build can't use the network."""
PAGES = ("", "how-to/compare/", "studies/balanced/", "reference/python/", "reference/http/queries/")


class Tags(HTMLParser):
    """The tags of a page, with their attributes and, of a script or style, the text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.code = ""
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in {"script", "style"}:
            self.code += data.strip()

    @property
    def ids(self):
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    @property
    def addresses(self):
        return [
            (tag, attributes[name])
            for tag, attributes in self.tags
            for name in ("href", "src")
            if name in attributes
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    offline = {"http_proxy": DEAD_PROXY, "https_proxy": DEAD_PROXY}
    made = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {page.relative_to(site).as_posix(): Tags(page) for page in site.rglob("*.html")}


@pytest.fixture(scope="module")
def application(site):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_pages, "SITE", site)
        return build(Settings(database_url="sqlite:///nothing.db"))


@pytest.fixture(scope="module")
def address(application):
    """The address of a server that shows the site."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/docs/"
    server.should_exit = True
    thread.join()


def test_every_page_is_built_and_reached_from_the_first_one(pages):
    sources = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    expected = {
        str(page.parent / "index.html")
        if page.stem in {"README", "index"}
        else str(page.with_suffix("") / "index.html")
        for page in sources
    }
    assert expected <= pages.keys()
    front = {f"{link}index.html" for _, link in pages["index.html"].addresses}
    assert expected - {"index.html"} <= front


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("python", ["Lab", "as_completed", "AsyncLab", "ExperimentResult", "LabUnreachable"]),
        (
            "command-line",
            ["extrapolab sweep submit", "--dry-run", "extrapolab backup", "no lab answers"],
        ),
        (
            "http",
            ["POST /v1/experiments", "on_duplicate", "Last-Event-ID", "Progress"],
        ),
        ("spec", ["BalancedTeacher", "eigenvalues", "GradientFlow", "required"]),
        ("fields", ["student.start.scale", "extrapolation_error", "diverged"]),
    ],
)
def test_the_reference_is_generated_from_the_code(site, page, expected):
    files = sorted((site / "reference" / page).rglob("*.html"))
    text = re.sub(r"<[^>]+>", "", "".join(file.read_text() for file in files))
    assert [words for words in expected if words not in text] == []


def test_formulas_are_mathematics(site):
    for page, symbol in (("glossary", "λ"), ("studies/balanced", "<mo>&#x0003E;</mo>")):
        text = (site / page / "index.html").read_text()
        assert re.search(rf"<math.*?{symbol}.*?</math>".replace("λ", "&#x003BB;"), text, re.DOTALL)
    pages = [
        file.read_text()
        for folder in ("studies", "reference")
        for file in (site / folder).rglob("*.html")
    ]
    prose = [re.sub(r"(?s)<(pre|code).*?</\1>", "", page) for page in pages]
    assert [line for page in prose for line in re.findall(r".*[$\\].*", page)] == []


def test_no_page_has_code_of_its_own_or_loads_anything_from_another_host(site, pages):
    for name, page in pages.items():
        assert page.code == "", name
        for tag, attributes in page.tags:
            assert "style" not in attributes, (name, tag, attributes)
            assert not [key for key in attributes if key.startswith("on")], (name, tag)
        loaded = [link for tag, link in page.addresses if tag != "a"]
        assert [link for link in loaded if urlsplit(link).netloc or ":" in link] == [], name
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert not re.search(r"""url\(["']?(?:https?:)?//|@import""", styles)


def test_every_link_leads_somewhere(pages, site):
    broken = []
    for name, page in pages.items():
        for _, link in page.addresses:
            address = urlsplit(urljoin(f"/docs/{name}", link))
            if address.netloc or address.path in {"/", "/docs/try"}:
                continue
            path = address.path.removeprefix("/docs/") or "index.html"
            path += "index.html" if path.endswith("/") else ""
            is_there = (site / path).is_file() and address.path.startswith("/docs/")
            anchors = pages[path].ids if path in pages else set()
            if not is_there or not {unquote(address.fragment)} <= {"", *anchors}:
                broken.append((name, link))
    assert broken == []


def test_the_service_shows_the_site_and_lets_its_look_be_kept(application, pages):
    client = TestClient(application)
    assert client.get("/docs").url.path == "/docs/"
    page = client.get("/docs/tutorial/")
    assert "From an empty machine to a figure" in page.text
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    (style,) = [link for _, link in pages["tutorial/index.html"].addresses if "docs.css" in link]
    kept = client.get(f"/docs/tutorial/{style}")
    assert (kept.status_code, "immutable" in kept.headers["cache-control"]) == (200, True)
    lost = client.get("/docs/nowhere/")
    assert (lost.status_code, "no such page" in lost.text) == (404, True)
    assert "swagger-ui" in client.get("/docs/try").text
    assert client.post("/docs/").status_code == 405


def test_without_a_site_the_service_says_how_to_build_it(application, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_pages, "SITE", tmp_path / "nothing")
        client = TestClient(build(Settings(database_url="sqlite:///nothing.db")))
    program = client.get("/docs/")
    assert program.status_code == 404
    assert program.json()["type"] == "urn:extrapolab:problem:not-built"
    person = client.get("/docs/", headers={"Accept": "text/html"})
    assert "make docs" in person.text
    assert 'href="/docs/try"' in person.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", sorted({*PAGES} - {"reference/python/"}))  # axe takes too long
def test_axe_finds_nothing(address, visit, page, scheme):
    shown = visit(address + page, color_scheme=scheme)
    assert shown.violations() == []
    host = urlsplit(address).netloc
    assert {urlsplit(request).netloc for request in shown.requests} == {host}


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_needs_no_sideways_scroll(address, visit, page):
    shown = visit(address + page, viewport={"width": 390, "height": 844})
    shown.page.wait_for_load_state("load")
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_reads_without_scripts(address, visit):
    shown = visit(f"{address}studies/balanced/", java_script_enabled=False)
    assert shown.page.locator("main h1").is_visible()
    assert shown.page.locator("nav a[aria-current=page]").is_visible()
    assert shown.page.locator("[role=search]").is_hidden()


def test_search_finds_by_the_keyboard_alone(address, visit):
    page = visit(f"{address}tutorial/").page
    page.keyboard.press("/")
    page.keyboard.type("on_dupl")
    page.wait_for_selector("#found a")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#found [aria-selected=true]")
    assert chosen.count() == 1
    assert page.locator("#found").inner_text().count("on_duplicate") > 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/reference/**")
