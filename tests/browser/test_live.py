"""Open pages: through a restart of the service, without shifts of layout, and many at once."""

import re
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from playwright.sync_api import expect

from extrapolab import Lab
from tests.browser.conftest import Visitor, spec
from tests.kit.lab import RunningLab

TABS, WATCHED_SECONDS, MOST_OF_A_CORE = 64, 8.0, 0.05

SHIFTS = """() => new Promise((resolve) => {
  let total = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) total += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(total), 100);
})"""


def test_an_open_page_goes_on_after_a_restart_of_the_service(empty_lab: RunningLab, visit: Visitor):
    shown = visit(f"{empty_lab.url}/studies")
    expect(shown.page.locator("#connection")).to_be_hidden()
    empty_lab.child("uvicorn").kill()
    expect(shown.page.locator("#connection")).to_be_visible(timeout=30_000)
    expect(shown.page.locator("#connection")).to_be_hidden(timeout=60_000)
    with Lab(empty_lab.url) as lab:
        experiment = lab.submit(spec(name="after the restart", optimizer={"steps": 10**8}))
        expect(shown.page.locator("#readout")).to_contain_text(
            re.compile(r"[1-9]\d* running"), timeout=30_000
        )
        experiment.cancel()
    shown.messages.clear()  # the browser's own words on the lost connection


def test_what_changes_shifts_nothing(empty_lab: RunningLab, visit: Visitor):
    with Lab(empty_lab.url) as lab:
        page = visit(f"{empty_lab.url}/").page
        page.evaluate("document.fonts.ready")
        before = page.evaluate(SHIFTS)
        experiment = lab.submit(spec(name="a long one", optimizer={"steps": 10**8}))
        slot = page.locator(f"[data-progress={experiment.id}]")
        expect(slot.locator("[data-part=step]")).to_be_visible(timeout=30_000)
        first = slot.locator("[data-part=step]").inner_text()
        expect(slot.locator("[data-part=step]")).not_to_have_text(first, timeout=30_000)
        assert page.evaluate(SHIFTS) - before < 0.02
        experiment.cancel()


def test_many_open_tabs_cost_the_service_little(empty_lab: RunningLab):
    address = urlsplit(empty_lab.url)
    assert address.hostname is not None
    assert address.port is not None
    request = (
        b"GET /v1/events?types=state,progress,worker,queue HTTP/1.1\r\n"
        b"Host: localhost\r\nAccept: text/event-stream\r\n\r\n"
    )
    service = empty_lab.child("uvicorn")
    with ExitStack() as tabs:
        for _ in range(TABS):
            connection = socket.create_connection((address.hostname, address.port))
            tabs.enter_context(connection).sendall(request)
            assert connection.recv(100)
        before = sum(service.cpu_times()[:2])
        time.sleep(WATCHED_SECONDS)
        spent = sum(service.cpu_times()[:2]) - before
    assert spent < MOST_OF_A_CORE * WATCHED_SECONDS
