"""The history of a chaos run: what was sent, answered and seen, and the check of its result.

After Jepsen's total queue: every acknowledged experiment comes out once, others at most once.
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
"""Specs that train for some tenths of a second each, on every stepper."""


def expected_digests() -> dict[str, str]:
    """By spec name, the digest of the result of an undisturbed training on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    digests = [digest(json.loads(run(spec).model_dump_json())) for spec in SPECS]
    torch.set_num_threads(threads)
    return dict(zip((name(spec) for spec in SPECS), digests, strict=True))


def name(spec: ExperimentSpec) -> str:
    """A unique name for each of :data:`SPECS`."""
    return f"{spec.student.kind} {spec.optimizer.kind}"


def digest(result: Mapping[str, Any]) -> str:
    """SHA-256 of the outcomes, parameters and responses in a result."""
    runs = [
        (run["seed"], run["outcome"], run["parameters"], run["response"]) for run in result["runs"]
    ]
    return hashlib.sha256(json.dumps(runs, sort_keys=True).encode()).hexdigest()


@dataclass
class History:
    """The submissions that clients know of, by name; all submissions of a run have its tag."""

    tag: str
    sent: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def unanswered(self) -> set[str]:
        return self.sent.keys() - self.answered.keys()


BEHAVIOURS = ("retry", "twice", "one_try", "hang_up")
"""The ways a client treats a submission; their weights are in :class:`Client`."""


class Client(threading.Thread):
    """A client that submits its share of experiments.

    It repeats some POSTs until they are answered, sends some twice, and never reads some answers.
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
            for number, experiment in enumerate(self._names):
                spec = SPECS[(number + len(experiment)) % len(SPECS)]
                body = spec.model_copy(
                    update={"name": experiment, "tags": (self._history.tag,)}
                ).model_dump_json()
                key = uuid.UUID(int=self._random.getrandbits(128)).hex
                self._history.sent[experiment] = name(spec)
                behaviour = self._random.choices(BEHAVIOURS, (6, 2, 1, 1))[0]
                if behaviour == "hang_up":
                    self._send_and_hang_up(body, key)
                    continue
                first = self._post(http, body, key, retry=behaviour != "one_try")
                if first is not None:
                    self._history.answered[experiment] = first
                if behaviour == "twice" and self._post(http, body, key, retry=True) != first:
                    self._history.violations.append(
                        f"{experiment}: the same key got another experiment"
                    )
                time.sleep(self._random.uniform(0, 2 * self._pause))

    def _post(self, http: httpx2.Client, body: str, key: str, *, retry: bool) -> str | None:
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
                    self._history.violations.append(f"{answer.status_code}: {answer.text}")
                    return None
            if not retry or time.monotonic() > deadline:
                return None
            time.sleep(0.2)

    def _send_and_hang_up(self, body: str, key: str) -> None:
        """Sends a whole request and hangs up without reading the answer."""
        address, content = urlsplit(self._url), body.encode()
        head = (
            f"POST /v1/experiments?on_duplicate=rerun HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            connection.sendall(head.encode() + content)
            time.sleep(self._random.uniform(0, 0.02))


class Watcher(threading.Thread):
    """Polls all experiments: attempts must not decrease, and final states must not change."""

    def __init__(self, url: str, history: History) -> None:
        super().__init__(daemon=True)
        self._url, self._history = url, history
        self._seen: dict[str, tuple[str, int]] = {}
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.5):
            try:
                self._poll()
            except (httpx2.TransportError, httpx2.HTTPStatusError):
                continue

    def _poll(self) -> None:
        for now in listing(self._url, self._history.tag):
            state, attempts = self._seen.get(now["id"], ("queued", 0))
            if attempts > now["attempts"] or (
                state in FINAL and (state, attempts) != (now["state"], now["attempts"])
            ):
                self._history.violations.append(
                    f"{now['id']}: {state} {attempts}, then {now['state']} {now['attempts']}"
                )
            self._seen[now["id"]] = now["state"], now["attempts"]


def listing(url: str, tag: str) -> list[dict[str, Any]]:
    """All experiments of a run."""
    experiments, cursor = [], None
    with httpx2.Client(base_url=url, timeout=20.0) as http:
        while True:
            page = {"tag": tag, "limit": 500} | ({"cursor": cursor} if cursor else {})
            answer = http.get("/v1/experiments", params=page).raise_for_status().json()
            experiments += answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return experiments


def check_history(url: str, history: History, expected: Mapping[str, str]) -> Counter[str]:
    """Compares the experiments in the lab with the history; returns the number of events by kind.

    Raises:
        AssertionError: An experiment was lost, doubled, changed or computed wrongly; the message
            lists all of them.
    """
    violations, event_counts = list(history.violations), Counter[str]()
    experiments = listing(url, history.tag)
    by_name = Counter(experiment["spec"]["name"] for experiment in experiments)
    ids = {experiment["id"] for experiment in experiments}
    violations += [f"{name} exists {count} times" for name, count in by_name.items() if count > 1]
    violations += [f"{name} was never sent" for name in by_name.keys() - history.sent.keys()]
    violations += [
        f"{name} was answered ({answer}) and is lost"
        for name, answer in history.answered.items()
        if answer not in ids
    ]
    with httpx2.Client(base_url=url, timeout=30.0) as http:
        for experiment in experiments:
            path, name = f"/v1/experiments/{experiment['id']}", experiment["spec"]["name"]
            events = http.get(f"{path}/events?limit=500").raise_for_status().json()["items"]
            kinds = [event["kind"] for event in events]
            attempts = [event["attempt"] for event in events]
            event_counts.update(kinds)
            completed_once = kinds.count("completed") == 1 and kinds[-1] == "completed"
            if experiment["state"] != "completed" or not completed_once:
                violations.append(f"{name} is {experiment['state']}: {kinds}")
                continue
            if attempts != sorted(attempts) or attempts[-1] != experiment["attempts"]:
                violations.append(f"{name}: attempts {attempts}")
            result = http.get(f"{path}/result").raise_for_status().json()
            if digest(result) != expected[history.sent[name]]:
                violations.append(f"{name}: other numbers than without faults, after {kinds}")
    assert not violations, "\n".join(violations)
    return event_counts
