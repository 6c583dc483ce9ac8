"""Load and badly behaved clients: many submissions at once, cut-off requests, slow clients."""

import json
import socket
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import psutil
import psycopg
import pytest

from tests.chaos.chaos_lab import ChaosLab, wait_for
from tests.chaos.history import FINAL, listing
from tests.kit import sample_specs

CLIENTS = 16


def small(name: str) -> dict:
    """The spec of an experiment of some milliseconds."""
    return sample_specs.spec(name=name, tags=[name], optimizer={"steps": 10}).model_dump(
        mode="json"
    )


def submissions(url: str, name: str, count: int) -> tuple[Counter[int], list[str], float]:
    """Sends POSTs from parallel clients; returns their statuses, the ids, and the seconds taken."""
    bodies = [small(name)] * count

    def share(number: int) -> list[httpx2.Response]:
        with httpx2.Client(base_url=url, timeout=60.0) as http:
            return [
                http.post(
                    "/v1/experiments?on_duplicate=rerun",
                    json=body,
                    headers={"Idempotency-Key": uuid.uuid4().hex},
                )
                for body in bodies[number::CLIENTS]
            ]

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [answer for answers in clients.map(share, range(CLIENTS)) for answer in answers]
    seconds = time.monotonic() - began
    ids = [answer.json()["id"] for answer in answers if answer.is_success]
    return Counter(answer.status_code for answer in answers), ids, seconds


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [64, pytest.param(2000, marks=pytest.mark.chaos)])
def test_all_of_many_parallel_submissions_are_answered_and_completed(chaos_lab, count, capsys):
    name = f"load {count}"
    statuses, ids, seconds = submissions(chaos_lab.url, name, count)
    assert statuses == {202: count}
    assert len(set(ids)) == count
    wait_for(
        lambda: all(experiment["state"] in FINAL for experiment in listing(chaos_lab.url, name)),
        seconds=500,
    )
    experiments = listing(chaos_lab.url, name)
    assert {experiment["id"] for experiment in experiments} == set(ids)
    assert Counter(experiment["state"] for experiment in experiments) == {"completed": count}
    with capsys.disabled():
        rate = f"{seconds:.1f} s, {count / seconds:.0f} a second"
        print(
            f"\n{count} POSTs from {CLIENTS} clients while 2 slots trained, "
            f"{chaos_lab.kind}: {rate}"
        )


def test_a_request_cut_off_by_a_killed_api_leaves_nothing_and_can_be_repeated(
    chaos_lab,
):
    name, key = "killed in mid-request", uuid.uuid4().hex

    def post() -> httpx2.Response:
        return httpx2.post(
            f"{chaos_lab.url}/v1/experiments?on_duplicate=rerun",
            json=small(name),
            headers={"Idempotency-Key": key},
            timeout=60.0,
        )

    api = chaos_lab.lab.child("uvicorn")
    with writes_blocked(chaos_lab), ThreadPoolExecutor(1) as client:
        waiting = client.submit(post)
        wait_for(lambda: has_pending_request(chaos_lab, api))
        assert not waiting.done()
        api.kill()
        with pytest.raises(httpx2.TransportError):
            waiting.result(60)
    assert listing(chaos_lab.url, name) == []
    first, again = (
        wait_for(lambda: (answer := post()).is_success and answer.json()["id"]) for _ in range(2)
    )
    assert first == again
    assert [experiment["id"] for experiment in listing(chaos_lab.url, name)] == [first]


def writes_blocked(chaos_lab: ChaosLab):
    """Blocks inserts of experiments, so that a submission waits inside its transaction."""
    if chaos_lab.postgres is None:
        return chaos_lab.database_stopped()
    connection = psycopg.connect(
        host=str(chaos_lab.postgres.folder), user="postgres", dbname="postgres"
    )
    connection.execute("LOCK TABLE experiments IN EXCLUSIVE MODE")
    return connection


def has_pending_request(chaos_lab: ChaosLab, api: psutil.Process) -> bool:
    """Whether the API has an open connection."""
    port = int(urlsplit(chaos_lab.url).port)
    return any(
        c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED for c in api.net_connections()
    )


@pytest.mark.timeout(300)
def test_slow_clients_delay_no_others(chaos_lab):
    """Half a request, a body sent byte by byte, an answer that is never read: many of each."""
    address = urlsplit(chaos_lab.url)
    body = b"{" + b" " * 5000
    head = (
        b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 5001\r\n\r\n"
    )
    sent = {
        "half a head": head[:30],
        "half a body": head + body[:100],
        "unread": b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
    }
    slow_clients = [
        (socket.create_connection((address.hostname, address.port), timeout=20), request)
        for request in sent.values()
        for _ in range(24)
    ]
    stop = threading.Event()

    def dribble() -> None:
        place = 100
        while not stop.wait(0.05):
            for connection, _ in slow_clients[24:48]:
                connection.send(body[place : place + 1])
            place += 1

    try:
        for connection, request in slow_clients:
            connection.sendall(request)
        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        statuses, _, _ = submissions(chaos_lab.url, "beside slow clients", 32)
        assert statuses == {202: 32}
        assert httpx2.get(f"{chaos_lab.url}/readyz", timeout=20.0).status_code == 200
    finally:
        stop.set()
        dribbling.join()
        for connection, _ in slow_clients:
            connection.close()
    wait_for(
        lambda: all(
            experiment["state"] in FINAL
            for experiment in listing(chaos_lab.url, "beside slow clients")
        )
    )


STREAMS = 64


@pytest.mark.timeout(300)
def test_sixty_four_event_streams_each_see_every_completion(chaos_lab):
    count, opened = 8, threading.Semaphore(0)

    def watch(http: httpx2.Client) -> set[str]:
        completed: set[str] = set()
        with http.stream("GET", f"{chaos_lab.url}/v1/events") as stream:
            opened.release()
            for line in stream.iter_lines():
                if line.startswith("data:") and '"completed"' in line:
                    completed.add(json.loads(line[5:])["id"])
                if len(completed) == count:
                    return completed
        raise AssertionError(f"the stream ended after {len(completed)} of {count}")

    limits = httpx2.Limits(max_connections=STREAMS)
    with (
        httpx2.Client(timeout=120.0, limits=limits) as http,
        ThreadPoolExecutor(STREAMS) as watchers,
    ):
        watching = [watchers.submit(watch, http) for _ in range(STREAMS)]
        for _ in range(STREAMS):
            assert opened.acquire(timeout=60)
        statuses, ids, _ = submissions(chaos_lab.url, "watched", count)
        assert statuses == {202: count}
        assert [future.result(180) for future in watching] == [set(ids)] * STREAMS


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_a_sweep_of_ten_thousand_points_is_accepted_and_can_be_cancelled(chaos_lab, capsys):
    base = sample_specs.spec(optimizer={"steps": 2}).model_dump(mode="json", exclude={"name"})
    axes = [
        {"path": "optimizer.lr", "kind": "linspace", "low": 0.001, "high": 0.1, "count": 100},
        {"path": "student.start.scale", "kind": "linspace", "low": 0.01, "high": 1.0, "count": 100},
    ]
    began = time.monotonic()
    answer = httpx2.post(
        f"{chaos_lab.url}/v1/sweeps",
        json={"name": "large", "base": base, "axes": axes},
        timeout=300.0,
    )
    taken = time.monotonic() - began
    assert answer.status_code == 202, answer.text
    assert answer.json()["count"] == answer.json()["created"] == 10_000
    path = f"{chaos_lab.url}{answer.json()['links']['self']}"
    assert httpx2.get(path, timeout=60.0).json()["progress"]["of"] == 10_000
    cancelled = httpx2.post(f"{path}:cancel", timeout=600.0)
    assert cancelled.status_code == 200, cancelled.text
    wait_for(
        lambda: httpx2.get(path, timeout=60.0).json()["state"] not in {"queued", "running"},
        seconds=300,
    )
    counts = httpx2.get(path, timeout=60.0).json()["counts"]
    assert counts["completed"] + counts["cancelled"] == 10_000
    with capsys.disabled():
        print(
            f"\na sweep of 10,000 points: {taken:.1f} s; "
            f"cancelled in {time.monotonic() - began - taken:.1f} s"
        )
