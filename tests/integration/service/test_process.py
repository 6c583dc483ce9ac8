"""The service as a process: small, without torch, and sound on a real socket."""

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
from tests.integration.service.conftest import Repo, body
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


def test_a_process_that_drew_a_figure_is_small_and_has_no_torch(
    service: Served, database_url, capsys
):
    """At most 150 MB (10^6 bytes) after its start and with an SVG drawn; what PNG and PDF add is printed only."""
    resident = []

    def look() -> None:
        resident.append(psutil.Process(service.pid).memory_info().rss / MEGABYTE)

    look()
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        spec = body(evaluation={"horizon": 8, "record": RECORDED})
        path = client.post("/v1/experiments", json=spec).raise_for_status().headers["location"]
        database = Database(database_url)
        repo = Repo(database)
        claim = repo.claim()
        repo.complete(
            claim, points=sample_specs.points([0, 1, 10, 100], claim.spec.seeds, record=RECORDED)
        )
        database.dispose()
        client.get(f"{path}/figures/response.svg").raise_for_status()
        look()
        drawn = [
            f"{path}/figures/{name}"
            for name in ("training.png", "spectrum.pdf", *(f"{n}.json" for n in FIGURES))
        ]
        for other in ("/readyz", "/openapi.json", f"{path}/theorem", *drawn):
            client.get(other).raise_for_status()
        client.post("/v1/experiments?dry_run=true", json=spec).raise_for_status()
        look()
    maps = Path(f"/proc/{service.pid}/maps").read_text()
    with capsys.disabled():
        told = "{:.0f} MB resident after its start, {:.0f} with a figure drawn, {:.0f} with all kinds".format(
            *resident
        )
        print(f"\nservice: {told}")  # noqa: T201  # a measurement, for who runs the tests
    assert "matplotlib" in maps
    assert "torch" not in maps
    assert "/scipy/" not in maps
    assert max(resident[:2]) < 150


def test_importing_the_service_loads_no_torch():
    code = "import sys, service.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def peak_of(pid: int) -> float:
    """The most memory it has held since :func:`forget_peak`, in MB."""
    return (
        int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])
        * 1024
        / MEGABYTE
    )


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_long_series_are_written_a_piece_at_a_time(service: Served, database_url, form):
    """Two million numbers are 16 MB; as Python's numbers and their text they would be some 200."""
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        path = (
            client.post("/v1/experiments?on_duplicate=rerun", json=body())
            .raise_for_status()
            .headers["location"]
        )
        database = Database(database_url)
        repo = Repo(database)
        repo.complete(repo.claim(), points=sample_specs.points(range(160_000), (0,)))
        database.dispose()
        forget_peak(service.pid)
        before, length = peak_of(service.pid), 0
        with client.stream("GET", f"{path}/series?format={form}") as answer:
            for piece in answer.iter_bytes():
                length += len(piece)
        assert length > 10 * MEGABYTE
        assert peak_of(service.pid) - before < 130


@pytest.mark.parametrize("length", ["9000000", "34000000", "900000000"])
def test_a_sender_of_too_much_gets_an_answer(service: Served, length):
    """Also one that sends everything before it reads, and one that hopes to be stopped before that."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/experiments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
            + length.encode()
            + b"\r\n\r\n"
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


def test_a_compressed_body_is_refused_and_not_unpacked(service: Served):
    bomb = gzip.compress(b" " * 100 * MEGABYTE, compresslevel=1)
    before = psutil.Process(service.pid).memory_info().rss
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = httpx2.post(f"{service.url}/v1/experiments", content=bomb, headers=headers, timeout=60)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["pointer"] == "/header/Content-Encoding"
    assert psutil.Process(service.pid).memory_info().rss - before < 10 * MEGABYTE


def test_half_a_request_harms_nobody(service: Served):
    address = urlsplit(service.url)
    for sent in (
        b"POST /v1/experiments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/experiments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz",
        b"GARBAGE",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(sent)
    assert httpx2.get(f"{service.url}/healthz", timeout=60).status_code == 200
