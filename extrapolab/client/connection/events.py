"""Events of experiments: from the lab's event stream, and by polling without one.

Written for an event loop; programs without one iterate by
:func:`extrapolab.client.connection.threads.iterate_sync`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from extrapolab.client.connection.threads import call_in_thread
from extrapolab.client.connection.transport import Transport
from extrapolab.errors import NotFound
from extrapolab.models.experiments import ExperimentRecord, Progress

FIRST_POLL, SLOWEST_POLL = 0.1, 2.0
"""Seconds between polls without a stream; growing by half each time."""

LISTEN_FROM = 1.0
"""Pause between polls, in seconds, from which a stream is opened: most experiments are short."""

POLL_WHILE_LISTENING = 10.0
"""Seconds between polls beside a stream, so that a lost event causes no long delay."""

MAX_IDS_PER_STREAM = 500
"""Most experiments that a stream can name; for more, the events of the whole lab are read."""

IDS_PER_QUERY = 150
"""Experiments that are fetched in one request; a filter has no room for many more ids."""


@dataclass(frozen=True)
class Events:
    """States and progress by experiment id. An empty value asks the reader to poll."""

    states: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, Progress] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.states or self.progress)

    @property
    def only_progress(self) -> bool:
        """Whether experiments advanced and none changed its state."""
        return bool(self.progress) and not self.states


async def follow(
    transport: Transport, ids: Callable[[], Collection[str]], timeout: float | None
) -> AsyncGenerator[Events, None]:
    """Yields events of experiments until the time is over, and once more at the end.

    Args:
        transport: Access to the lab.
        ids: Returns the ids of the experiments; it may ask the lab.
        timeout: Seconds; None for no limit.
    """
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    pause = FIRST_POLL
    listener: EventListener | None = None
    try:
        while True:
            yield Events() if listener is None else listener.drain()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            if listener is None and pause >= LISTEN_FROM:
                listener = EventListener(transport, ids)
            if listener is None:
                await asyncio.sleep(min(pause, remaining))
            else:
                longest = POLL_WHILE_LISTENING if listener.is_connected else pause
                await listener.wait(min(longest, remaining))
            pause = min(pause * 1.5, SLOWEST_POLL)
    finally:
        if listener is not None:
            await listener.close()


class EventListener:
    """Reads the lab's event stream in the background, and reopens it when it breaks.

    Attributes:
        is_connected: Whether the stream is open.
    """

    def __init__(self, transport: Transport, ids: Callable[[], Collection[str]]) -> None:
        self.is_connected = False
        self._transport, self._ids = transport, ids
        self._states: dict[str, str] = {}
        self._progress: dict[str, Progress] = {}
        self._changed = asyncio.Event()
        self._last_event_id: str | None = None
        self._task = asyncio.create_task(self._listen())

    async def wait(self, seconds: float) -> None:
        """Waits for an event or a change of the connection, at most ``seconds``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def drain(self) -> Events:
        """Returns the events since the last call."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        events = Events(self._states, self._progress)
        self._states, self._progress = {}, {}
        self._changed.clear()
        return events

    async def close(self) -> None:
        """Closes the stream."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        async with self._transport.async_client() as client:
            while True:
                try:
                    await self._read_stream(client)
                except httpx2.TransportError:  # the reader polls meanwhile, and meets the error
                    pass
                finally:
                    self.is_connected = False
                    self._changed.set()
                await asyncio.sleep(SLOWEST_POLL)

    async def _read_stream(self, client: httpx2.AsyncClient) -> None:
        ids = await call_in_thread(self._ids)
        params = {"experiments": ",".join(ids)} if 0 < len(ids) <= MAX_IDS_PER_STREAM else {}
        headers = {} if self._last_event_id is None else {"Last-Event-ID": self._last_event_id}
        async with client.stream("GET", "/v1/events", params=params, headers=headers) as response:
            if not response.is_success:
                return
            self.is_connected = True
            self._changed.set()
            async for event in httpx2.EventSource(response):
                self._record(event)
                self._changed.set()

    def _record(self, event: httpx2.ServerSentEvent) -> None:
        data = event.json() if event.data else None
        if not isinstance(data, dict):
            return
        if event.event == "state":
            self._last_event_id = event.id or self._last_event_id
            self._states[data["id"]] = data["state"]
        elif event.event == "progress":
            self._progress[data["id"]] = Progress.read(data)


async def changed_records(
    transport: Transport, ids: Collection[str], timeout: float | None = None
) -> AsyncGenerator[list[ExperimentRecord], None]:
    """Yields the records of experiments that changed, until all of them have ended.

    Raises:
        TimeoutError: Not all have ended in time. They keep running.
    """
    pending: dict[str, ExperimentRecord | None] = dict.fromkeys(ids)
    if not pending:
        return
    async with aclosing(follow(transport, lambda: [*pending], timeout)) as batches:
        async for events in batches:
            changed = _with_new_state(pending, events.states) if events else [*pending]
            records = await call_in_thread(fetch_records, transport, changed)
            for experiment_id, progress in events.progress.items():
                previous = pending.get(experiment_id)
                if previous is not None and experiment_id not in events.states:
                    records.append(previous.model_copy(update={"progress": progress}))
            pending.update((record.id, record) for record in records)
            for record in records:
                if record.is_final:
                    del pending[record.id]
            yield records
            if not pending:
                return
    raise TimeoutError(
        f"{len(pending)} of {len(ids)} experiments have not ended after {timeout:g} s. "
        "They keep running."
    )


def _with_new_state(
    pending: Mapping[str, ExperimentRecord | None], states: Mapping[str, str]
) -> list[str]:
    """Returns the ids of pending experiments whose known state differs from the reported one."""
    changed = []
    for experiment_id, state in states.items():
        previous = pending.get(experiment_id)
        if experiment_id in pending and (previous is None or previous.state != state):
            changed.append(experiment_id)
    return changed


def fetch_records(transport: Transport, ids: Sequence[str]) -> list[ExperimentRecord]:
    """Fetches the current records of experiments, in batches.

    Raises:
        NotFound: The lab does not have one of them.
    """
    records: dict[str, ExperimentRecord] = {}
    for start in range(0, len(ids), IDS_PER_QUERY):
        parameters: dict[str, Any] = {
            "q": f"id in ({', '.join(ids[start : start + IDS_PER_QUERY])})"
        }
        for item in transport.items("/v1/experiments", parameters):
            record = ExperimentRecord.read(item)
            records[record.id] = record
    if missing := [experiment_id for experiment_id in ids if experiment_id not in records]:
        raise NotFound(404, f"The lab has no experiment {', '.join(missing[:5])}")
    return [*records.values()]
