"""The history of a chaos run: what was sent, answered and seen, and the check of its result.

After Jepsen's total queue: every acknowledged experiment comes out once, others at most once.
"""

import contextlib
import json
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.chaos.digests import SPECS, SWEEP_SEEDS, name, stored_digest

FINAL = frozenset({"completed", "failed", "cancelled"})
EXPERIMENTS = "/v1/experiments?on_duplicate=rerun"


@dataclass
class History:
    """The submissions that clients know of, by name; all submissions of a run have its tag.

    Attributes:
        tag: The tag.
        sent: By the name of an experiment, the spec that was sent.
        answered: By the name of an experiment, its id.
        sweeps: The names of the experiments of each sweep that was sent, all of them or none.
        answered_sweeps: The sweeps that were answered, by their first name.
        cancelled: The names whose cancellation was sent: they may be cancelled.
        violations: What should not have happened.
    """

    tag: str
    sent: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    sweeps: list[list[str]] = field(default_factory=list)
    answered_sweeps: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    @property
    def unanswered(self) -> set[str]:
        return self.sent.keys() - self.answered.keys()


BEHAVIOURS = ("retry", "twice", "one_try", "hang_up", "pause", "cancel", "sweep")
"""The ways a client treats a submission; their weights are in :class:`Client`."""


class Client(threading.Thread):
    """A client that submits its share of experiments.

    It repeats some POSTs until they are answered, sends some twice, and never reads some answers.
    It pauses some experiments and resumes them, cancels some, and submits some as a sweep.
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
                key = uuid.UUID(int=self._random.getrandbits(128)).hex
                behaviour = self._random.choices(BEHAVIOURS, (6, 2, 1, 1, 3, 1, 1))[0]
                if behaviour == "sweep":
                    self._submit_sweep(http, experiment, key)
                    continue
                spec = SPECS[(number + len(experiment)) % len(SPECS)]
                body = spec.model_copy(
                    update={"name": experiment, "tags": (self._history.tag,)}
                ).model_dump_json()
                self._history.sent[experiment] = name(spec)
                if behaviour == "hang_up":
                    self._send_and_hang_up(body, key)
                    continue
                first = self._post(http, EXPERIMENTS, body, key, retry=behaviour != "one_try")
                if first is not None:
                    self._history.answered[experiment] = first
                if behaviour == "twice" and first != self._post(
                    http, EXPERIMENTS, body, key, retry=True
                ):
                    self._history.violations.append(
                        f"{experiment}: the same key got another experiment"
                    )
                if behaviour == "cancel" and first is not None:
                    self._history.cancelled.add(experiment)
                    self._act(http, first, "cancel", until=lambda now: now["state"] in FINAL)
                if behaviour == "pause" and first is not None:
                    self._act(http, first, "pause", until=lambda _: True)
                    time.sleep(self._random.uniform(0, 1))
                    self._act(http, first, "resume", until=_is_not_paused)
                time.sleep(self._random.uniform(0, 2 * self._pause))

    def _submit_sweep(self, http: httpx2.Client, prefix: str, key: str) -> None:
        """Submits a sweep; all of its experiments have to be in the lab, or none of them."""
        names = [f"{prefix} {seeds[0]}" for seeds in SWEEP_SEEDS]
        specs = [SPECS[0].model_copy(update={"seeds": tuple(seeds)}) for seeds in SWEEP_SEEDS]
        self._history.sent.update(zip(names, map(name, specs), strict=True))
        self._history.sweeps.append(names)
        base = SPECS[0].model_copy(update={"tags": (self._history.tag,)}).model_dump(mode="json")
        axes = [{"path": "name", "values": names}, {"path": "seeds", "values": SWEEP_SEEDS}]
        sweep = {"name": prefix, "base": base, "axes": [{"kind": "zip", "axes": axes}]}
        answer = self._post(
            http, "/v1/sweeps?on_duplicate=rerun", json.dumps(sweep), key, retry=True
        )
        if answer is not None:
            self._history.answered_sweeps.add(names[0])

    def _act(
        self, http: httpx2.Client, experiment: str, verb: str, until: Callable[[Any], bool]
    ) -> None:
        """Cancels, pauses or resumes until the lab has answered and the experiment is so."""
        path, deadline = f"/v1/experiments/{experiment}", time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                answer = http.post(f"{path}:{verb}")
                if not answer.is_success and answer.status_code not in {409, 503}:
                    self._history.violations.append(f"{answer.status_code}: {answer.text}")
                    return
                now = http.get(path)
                if answer.status_code != 503 and now.is_success and until(now.json()):
                    return
            time.sleep(0.2)
        self._history.violations.append(f"{experiment}: {verb} had no effect in 120 s")

    def _post(
        self, http: httpx2.Client, path: str, body: str, key: str, *, retry: bool
    ) -> str | None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = http.post(path, content=body, headers=headers)
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
            f"POST {EXPERIMENTS} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        with (
            contextlib.suppress(OSError),
            socket.create_connection((address.hostname, address.port), timeout=20) as connection,
        ):
            connection.sendall(head.encode() + content)
            time.sleep(self._random.uniform(0, 0.02))


def _is_not_paused(experiment: Mapping[str, Any]) -> bool:
    return experiment["state"] != "paused" and not experiment["pause_requested"]


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
    for names in history.sweeps:
        present = sum(by_name[name] for name in names)
        is_answered = names[0] in history.answered_sweeps
        if present != len(names) and (is_answered or present):
            violations.append(f"{present} of {len(names)} experiments of the sweep of {names[0]}")
    with httpx2.Client(base_url=url, timeout=30.0) as http:

        def get(path: str) -> Any:
            return http.get(path).raise_for_status().json()

        for experiment in experiments:
            path, name = f"/v1/experiments/{experiment['id']}", experiment["spec"]["name"]
            events = get(f"{path}/events?limit=500")["items"]
            kinds = [event["kind"] for event in events]
            attempts = [event["attempt"] for event in events]
            event_counts.update(kinds)
            if attempts != sorted(attempts) or attempts[-1] != experiment["attempts"]:
                violations.append(f"{name}: attempts {attempts}")
            ended = "cancelled" if experiment["state"] == "cancelled" else "completed"
            ended_once = kinds.count(ended) == 1 and kinds[-1] == ended == experiment["state"]
            if not ended_once or (ended == "cancelled" and name not in history.cancelled):
                violations.append(f"{name} is {experiment['state']}: {kinds}")
            elif ended == "completed" and stored_digest(get, path) != expected[history.sent[name]]:
                violations.append(f"{name}: other numbers than without faults, after {kinds}")
    assert not violations, "\n".join(violations)
    return event_counts
