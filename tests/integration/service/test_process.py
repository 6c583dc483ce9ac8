"""The service as a process: its memory, and its behaviour on a real socket."""

import gzip
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from core.figures import FIGURES
from store.db.database import Database
from tests.integration.service.conftest import FakeWorker, body
from tests.integration.service.process import ROOT, Served, served
from tests.kit import sample_specs

MEGABYTE = 10**6
RECORDED = ["eigenvalues", "response"]


@pytest.fixture(scope="module")
def database_url(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return (
        f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('process') / 'lab.db')}"
    )


@pytest.fixture(scope="module")
def service(database_url: str):
    with served(database_url) as service:
        yield service


def test_a_process_whose_figures_were_drawn_is_small_and_has_no_matplotlib(
    service: Served, database_url, capsys
):
    """At most 150 MiB, whatever was drawn or read; a dry run is printed only."""
    resident = {}

    def measure(what: str) -> None:
        resident[what] = psutil.Process(service.pid).memory_info().rss / MEGABYTE

    measure("at its start")
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        spec = body(evaluation={"horizon": 8, "record": RECORDED})
        path = client.post("/v1/experiments", json=spec).raise_for_status().headers["location"]
        database = Database(database_url)
        worker = FakeWorker(database)
        claim = worker.claim()
        worker.complete(
            claim, points=sample_specs.points([0, 1, 10, 100], claim.spec.seeds, record=RECORDED)
        )
        database.dispose()
        for name in (*(f"{n}.svg" for n in FIGURES), "training.png", "spectrum.pdf"):
            client.get(f"{path}/figures/{name}").raise_for_status()
        measure("after figures")
        data = [f"{path}/figures/{name}.{form}" for name in FIGURES for form in ("json", "txt")]
        page = path.removeprefix("/v1")
        for other in (*data, f"{path}/theorem", page, "/figures"):
            client.get(other, headers={"accept": "text/html, */*"}).raise_for_status()
        measure("after data and pages")
        for document in ("/readyz", "/openapi.json", "/v1/studies"):
            client.get(document).raise_for_status()
            measure(f"after {document}")
        small = max(resident.values())
        client.post("/v1/experiments?dry_run=true", json=spec).raise_for_status()
        measure("after a dry run")
    maps = Path(f"/proc/{service.pid}/maps").read_text()
    with capsys.disabled():
        sizes = ", ".join(f"{size:.0f} {what}" for what, size in resident.items())
        print(f"\nservice: MB resident: {sizes}")  # noqa: T201  # for those who run the tests
    assert [name for name in ("matplotlib", "torch", "scipy") if f"/{name}/" in maps] == []
    assert small < 150 * 2**20 / MEGABYTE


def test_importing_the_service_loads_neither_torch_nor_matplotlib():
    code = "import sys, service.app; sys.exit(not {'torch', 'matplotlib'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def peak_of(pid: int) -> float:
    """The peak memory of a process since :func:`forget_peak`, in MB."""
    return (
        int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])
        * 1024
        / MEGABYTE
    )


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_long_series_is_streamed(service: Served, database_url, form):
    """Two million numbers are 16 MB; as Python objects with their text they would be about 200."""
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        path = (
            client.post("/v1/experiments?on_duplicate=rerun", json=body())
            .raise_for_status()
            .headers["location"]
        )
        database = Database(database_url)
        worker = FakeWorker(database)
        worker.complete(worker.claim(), points=sample_specs.points(range(160_000), (0,)))
        database.dispose()
        forget_peak(service.pid)
        before, length = peak_of(service.pid), 0
        with client.stream("GET", f"{path}/series?format={form}") as answer:
            for chunk in answer.iter_bytes():
                length += len(chunk)
        assert length > 10 * MEGABYTE
        assert peak_of(service.pid) - before < 130


@pytest.mark.parametrize("length", ["9000000", "34000000", "900000000"])
def test_a_sender_of_too_large_a_body_gets_an_answer(service: Served, length):
    """Even one that sends everything before it reads, or stops once the connection is closed."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: " + length.encode() + b"\r\n\r\n"
        )
        left = min(int(length), 40_000_000)
        while left > 0:
            try:
                left -= connection.send(b" " * min(left, 1_000_000))
            except (BrokenPipeError, ConnectionResetError):
                break
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("opening", [b"[", b'{"name":'], ids=["lists", "objects"])
def test_a_body_a_hundred_thousand_levels_deep_is_refused(service: Served, opening):
    sent = {
        "content": opening * 100_000,
        "headers": {"Content-Type": "application/json"},
        "timeout": 60,
    }
    answer = httpx2.post(f"{service.url}/v1/experiments", **sent)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:extrapolab:problem:not-json"
    assert psutil.pid_exists(service.pid)


def test_a_compressed_body_is_refused_without_decompression(service: Served):
    bomb = gzip.compress(b" " * 100 * MEGABYTE, compresslevel=1)
    before = psutil.Process(service.pid).memory_info().rss
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = httpx2.post(f"{service.url}/v1/experiments", content=bomb, headers=headers, timeout=60)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["pointer"] == "/header/Content-Encoding"
    assert psutil.Process(service.pid).memory_info().rss - before < 10 * MEGABYTE


def test_a_broken_request_does_no_harm(service: Served):
    address = urlsplit(service.url)
    for sent in (
        b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz",
        b"GARBAGE",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(sent)
    assert httpx2.get(f"{service.url}/healthz", timeout=60).status_code == 200
