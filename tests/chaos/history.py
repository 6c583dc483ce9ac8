"""The history of a play: what was sent, what was answered, what was seen; and the judgement on it.

After Jepsen's total queue: everything that was acknowledged comes out once, what was not may come
out once or never.
"""

import hashlib
import json
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx2
import torch

from core.run import run
from core.spec import ExperimentSpec

FINAL = frozenset({"completed", "failed", "cancelled"})

_BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "training": {"length": 6},
    "evaluation": {"horizon": 12, "points": 50},
    "seeds": [0],
}
_KINDS = (
    {"student": {"kind": "linear", "dim": 20}, "optimizer": {"kind": "gd", "steps": 12_000}},
    {
        "student": {"kind": "linear", "dim": 20, "structure": "general"},
        "optimizer": {"kind": "momentum", "steps": 8_000},
        "seeds": [3, 2**62],
    },
    {
        "student": {"kind": "linear", "dim": 12, "structure": "diagonal"},
        "optimizer": {"kind": "adam", "steps": 10_000},
    },
    {"student": {"kind": "gru", "dim": 4}, "optimizer": {"kind": "adam", "steps": 25}},
)
SPECS = [ExperimentSpec.model_validate({**_BASE, **kind}) for kind in _KINDS]
"""Some tenths of a second of training each, on every stepper."""


def undisturbed() -> dict[str, str]:
    """By spec hash, the digest of the parameters that a training without any fault ends with, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    digests = [digest(json.loads(run(spec).model_dump_json())) for spec in SPECS]
    torch.set_num_threads(threads)
    return dict(zip((name(spec) for spec in SPECS), digests, strict=True))


def name(spec: ExperimentSpec) -> str:
    """The kind of student, which tells the specs apart."""
    return f"{spec.student.kind} {spec.optimizer.kind}"


def digest(result: Mapping[str, Any]) -> str:
    """The SHA-256 of the parameters and responses in a result."""
    told = [
        (run["seed"], run["outcome"], run["parameters"], run["response"]) for run in result["runs"]
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass
class History:
    """What clients know of the submissions they sent, by name; all of a play bear its tag."""

    tag: str
    sent: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def unanswered(self) -> set[str]:
        return self.sent.keys() - self.answered.keys()


class Client(threading.Thread):
    """Submits its share.

    Some POSTs are repeated until they are answered, some sent twice, some never read.
    """

    def __init__(
        self, url: str, names: Sequence[str], history: History, random: Random, pause: float
    ) -> None:
        super().__init__(daemon=True)
        self._url, self._names, self._history, self._random, self._pause = (
            url,
            names,
            history,
            random,
            pause,
        )

    def run(self) -> None:
        with httpx2.Client(base_url=self._url, timeout=httpx2.Timeout(20.0)) as http:
            for number, own in enumerate(self._names):
                spec = SPECS[(number + len(own)) % len(SPECS)]
                body = spec.model_copy(
                    update={"name": own, "tags": (self._history.tag,)}
                ).model_dump_json()
                key = uuid.UUID(int=self._random.getrandbits(128)).hex
                self._history.sent[own] = name(spec)
                habit = self._random.choices(("patient", "twice", "rash", "deaf"), (6, 2, 1, 1))[0]
                if habit == "deaf":
                    self._send_and_leave(body, key)
                    continue
                first = self._post(http, body, key, patient=habit != "rash")
                if first is not None:
                    self._history.answered[own] = first
                if habit == "twice" and self._post(http, body, key, patient=True) != first:
                    self._history.problems.append(f"{own}: the same key got another experiment")
                time.sleep(self._random.uniform(0, 2 * self._pause))

    def _post(self, http: httpx2.Client, body: str, key: str, *, patient: bool) -> str | None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = http.post(
                    "/v1/experiments?on_duplicate=rerun", content=body, headers=headers
                )
            except httpx2.TransportError:
                pass
            else:
                if answer.is_success:
                    return answer.json()["id"]
                if answer.status_code not in {409, 503}:
                    self._history.problems.append(f"{answer.status_code}: {answer.text}")
                    return None
            if not patient or time.monotonic() > deadline:
                return None
            time.sleep(0.2)

    def _send_and_leave(self, body: str, key: str) -> None:
        """Sends a whole request and hangs up without reading the answer."""
        address, content = urlsplit(self._url), body.encode()
        head = (
            f"POST /v1/experiments?on_duplicate=rerun HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            connection.sendall(head.encode() + content)
            time.sleep(self._random.uniform(0, 0.02))


class Watcher(threading.Thread):
    """Looks at all experiments again and again: attempts only grow, what has ended stays as it ended."""

    def __init__(self, url: str, history: History) -> None:
        super().__init__(daemon=True)
        self._url, self._history = url, history
        self._seen: dict[str, tuple[str, int]] = {}
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.5):
            try:
                self._look()
            except (httpx2.TransportError, httpx2.HTTPStatusError):
                continue

    def _look(self) -> None:
        for now in listing(self._url, self._history.tag):
            state, attempts = self._seen.get(now["id"], ("queued", 0))
            if attempts > now["attempts"] or (
                state in FINAL and (state, attempts) != (now["state"], now["attempts"])
            ):
                self._history.problems.append(
                    f"{now['id']}: {state} {attempts}, then {now['state']} {now['attempts']}"
                )
            self._seen[now["id"]] = now["state"], now["attempts"]


def listing(url: str, tag: str) -> list[dict[str, Any]]:
    """All experiments of a play."""
    found, cursor = [], None
    with httpx2.Client(base_url=url, timeout=20.0) as http:
        while True:
            page = {"tag": tag, "limit": 500} | ({"cursor": cursor} if cursor else {})
            answer = http.get("/v1/experiments", params=page).raise_for_status().json()
            found += answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return found


def judge(url: str, history: History, expected: Mapping[str, str]) -> Counter[str]:
    """Holds what is in the lab against the history; how often what happened to the experiments.

    Raises:
        AssertionError: Something was lost, doubled, changed or computed wrongly; all of it is
            named.
    """
    wrong, happened = list(history.problems), Counter[str]()
    found = listing(url, history.tag)
    by_name = Counter(one["spec"]["name"] for one in found)
    ids = {one["id"]: one for one in found}
    wrong += [f"{own} exists {count} times" for own, count in by_name.items() if count > 1]
    wrong += [f"{own} was never sent" for own in by_name.keys() - history.sent.keys()]
    wrong += [
        f"{own} was answered ({got}) and is lost"
        for own, got in history.answered.items()
        if got not in ids
    ]
    with httpx2.Client(base_url=url, timeout=30.0) as http:
        for one in found:
            path, own = f"/v1/experiments/{one['id']}", one["spec"]["name"]
            events = http.get(f"{path}/events?limit=500").raise_for_status().json()["items"]
            kinds, attempts = (
                [event["kind"] for event in events],
                [event["attempt"] for event in events],
            )
            happened.update(kinds)
            if (
                one["state"] != "completed"
                or kinds.count("completed") != 1
                or kinds[-1] != "completed"
            ):
                wrong.append(f"{own} is {one['state']}: {kinds}")
                continue
            if attempts != sorted(attempts) or attempts[-1] != one["attempts"]:
                wrong.append(f"{own}: attempts {attempts}")
            result = http.get(f"{path}/result").raise_for_status().json()
            if digest(result) != expected[history.sent[own]]:
                wrong.append(f"{own}: other numbers than without faults, after {kinds}")
    assert not wrong, "\n".join(wrong)
    return happened
