"""Open event streams, read event by event, and what makes events."""

import json
from contextlib import contextmanager

import httpx2

from tests.integration.service.process import Served
from tests.kit import sample_specs

PATIENCE_SECONDS = 30.0


class Stream:
    """An open stream, read event by event."""

    def __init__(self, response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        """The fields of the next event; skips comments."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return fields
        return {}

    def until(self, event: str, **expected):
        """The data and id of the next event with this name and these values."""
        while fields := self.next():
            data = json.loads(fields["data"])
            if fields["event"] == event and expected.items() <= data.items():
                return data, fields.get("id")
        raise AssertionError("the stream has ended")


@contextmanager
def following(service: Served, *ids: str, last: str | None = None, query=False, **parameters):
    headers = {} if last is None or query else {"Last-Event-ID": last}
    if ids:
        parameters["experiments"] = ",".join(ids)
    if query:
        parameters["last"] = last
    timeout = httpx2.Timeout(PATIENCE_SECONDS)
    with (
        httpx2.Client(timeout=timeout) as client,
        client.stream(
            "GET", f"{service.url}/v1/events", params=parameters, headers=headers
        ) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def submit(service: Served, **changes) -> str:
    answer = httpx2.post(
        f"{service.url}/v1/experiments?on_duplicate=rerun",
        json=sample_specs.spec(**changes).model_dump(mode="json"),
    )
    return answer.raise_for_status().json()["id"]


def act(service: Served, experiment_id: str, verb: str) -> None:
    httpx2.post(f"{service.url}/v1/experiments/{experiment_id}:{verb}").raise_for_status()
