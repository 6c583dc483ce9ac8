"""A real Chromium, and a lab with real results for it to look at."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from extrapolab import Lab
from extrapolab.client.handles.sweep import Sweep
from tests.kit.lab import RunningLab, running_lab

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # CI is root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
AXE = (Path(__file__).parent / "axe.min.js").read_text()


@pytest.fixture(scope="module")  # its event loop runs in this thread until it is closed
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must test the pages: there is no Chromium")
        pytest.skip("no Chromium: the pages are NOT tested here; install Debian's `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*OPTIONS])
        yield browser
        browser.close()


class Visit:
    """A page in a browser of its own, with what it said and fetched."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.bytes = [0]  # of each time that the page was loaded
        self._loads: dict[str, int] = {}
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self._tools = context.new_cdp_session(self.page)
        self._tools.send("Network.enable")
        self._tools.send("Performance.enable")
        self._tools.on("Network.requestWillBeSent", self._remember)
        self._tools.on("Network.loadingFinished", self._count)

    def _remember(self, request: dict[str, Any]) -> None:
        self._loads[request["requestId"]] = len(self.bytes) - 1

    def _count(self, finished: dict[str, Any]) -> None:
        self.bytes[self._loads[finished["requestId"]]] += int(finished["encodedDataLength"])

    def reload(self) -> None:
        """Loads the page again; bytes of requests from before still count for the time before."""
        self.bytes.append(0)
        self.page.reload(wait_until="load")

    def metrics(self) -> list[dict[str, Any]]:
        """Chromium's measurements of the page, such as ``ScriptDuration`` in seconds."""
        return self._tools.send("Performance.getMetrics")["metrics"]

    def violations(self) -> list[str]:
        """Faults of accessibility that axe finds, each with its places."""
        # Playwright's own door: the page's policy allows no script from elsewhere.
        self.page.evaluate(AXE)
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{rule['id']}: {[node['html'] for node in rule['nodes'][:3]]}" for rule in found]


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visitor]:
    """Opens an address; at the end of the test nothing may stand in any console."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def visit(url: str, **options: Any) -> Visit:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        visits.append(visit := Visit(context))
        visit.page.goto(url)
        return visit

    yield visit
    for context in contexts:
        context.close()
    assert [message for visit in visits for message in visit.messages] == []


SPEC: dict[str, Any] = {
    "name": "balanced teacher",
    "teacher": {
        "kind": "balanced",
        "dim": 2,
        "eigenvalues": {"kind": "list", "values": [0.9, -0.6]},
        "seed": 1,
    },
    "student": {
        "kind": "linear",
        "dim": 8,
        "structure": "symmetric",
        "start": {"kind": "gaussian", "scale": 0.01},
    },
    "training": {"length": 6},
    "optimizer": {"kind": "gd", "lr": 0.02, "steps": 3000},
    "evaluation": {"horizon": 20},
    "seeds": 3,
}
"""A small experiment that fits and extrapolates."""


def spec(**parts: Any) -> dict[str, Any]:
    """:data:`SPEC` with other parts, whose fields replace those of the same name."""
    merged = dict(SPEC)
    for name, part in parts.items():
        merged[name] = {**SPEC[name], **part} if isinstance(part, dict) else part
    return merged


@pytest.fixture(scope="session")
def empty_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A lab that tests may fill; each looks only at what is its own."""
    with running_lab(tmp_path_factory.mktemp("browser") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def seeded(empty_lab: RunningLab) -> RunningLab:
    """The lab with a sweep that fits, fails to extrapolate and diverges, and a study's rows."""
    with Lab(empty_lab.url) as lab:
        phase_diagram(lab).wait()
    return empty_lab


def phase_diagram(lab: Lab) -> Sweep:
    """The seeded lab's sweep, which a lab stores once."""
    axes = [
        {"path": "training.length", "values": [2, 4, 6]},
        {"path": "optimizer.lr", "values": [0.002, 0.02, 5.0]},
    ]
    return lab.sweep(spec(name="phase", tags=["seeded"]), axes, name="phase diagram")
