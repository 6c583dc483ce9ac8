"""News of experiments: the lab tells them as they happen; where it can't, one looks now and then.

Written once, for an event loop; :func:`driven` lends a loop to programs that have none.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from extrapolab.client.transport import Transport
from extrapolab.errors import NotFound
from extrapolab.models.experiments import ExperimentRecord, Progress

FIRST_LOOK, SLOWEST_LOOK = 0.1, 2.0
"""Seconds between looks while nobody tells; rising by half each time."""

LISTEN_FROM = 1.0
"""What takes longer than some looks, the last after so many seconds, is worth a stream."""

LOOK_BESIDES = 10.0
"""Seconds after which one looks though the lab would have told, so that no lost word keeps anybody
waiting."""

MOST_FOLLOWED = 500
"""Experiments that a stream can be asked for by id; of more, the whole lab's news are heard."""

AT_ONCE = 150
"""Experiments that are looked at in one request: a filter has no room for many more ids."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class News:
    """What was heard of experiments, by their ids. Nothing at all says: look for yourself."""

    states: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, Progress] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.states or self.progress)


async def follow(
    transport: Transport, ids: Callable[[], Collection[str]], timeout: float | None
) -> AsyncGenerator[News, None]:
    """News of experiments until time is out, after which comes one more chance to look.

    Args:
        transport: To the lab.
        ids: Tells which experiments; it may ask the lab.
        timeout: Seconds; None for ever.
    """
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    pause = FIRST_LOOK
    ear: _Ear | None = None
    try:
        while True:
            yield News() if ear is None else ear.heard()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if ear is None and pause >= LISTEN_FROM:
                ear = _Ear(transport, ids)
            if ear is None:
                await asyncio.sleep(min(pause, left))
            else:
                await ear.wait(min(LOOK_BESIDES if ear.listens else pause, left))
            pause = min(pause * 1.5, SLOWEST_LOOK)
    finally:
        if ear is not None:
            await ear.close()


class _Ear:
    """Listens to the lab's stream in the background, and opens it again where it breaks off.

    Attributes:
        listens: Whether there is a stream now.
    """

    def __init__(self, transport: Transport, ids: Callable[[], Collection[str]]) -> None:
        self.listens = False
        self._transport, self._ids = transport, ids
        self._states: dict[str, str] = {}
        self._progress: dict[str, Progress] = {}
        self._rung = asyncio.Event()
        self._last: str | None = None
        self._task = asyncio.create_task(self._listen())

    async def wait(self, seconds: float) -> None:
        """Waits until there is something to hear, or to look for; no longer than that."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)

    def heard(self) -> News:
        """What came since the last time."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        news = News(self._states, self._progress)
        self._states, self._progress = {}, {}
        self._rung.clear()
        return news

    async def close(self) -> None:
        """Ends the stream."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        async with self._transport.for_a_loop() as client:
            while True:
                try:
                    await self._hear(client)
                except (
                    httpx2.TransportError
                ):  # it is away, or no lab of ours: who looks will find out
                    pass
                finally:
                    self.listens = False
                    self._rung.set()
                await asyncio.sleep(SLOWEST_LOOK)

    async def _hear(self, client: httpx2.AsyncClient) -> None:
        ids = await in_thread(self._ids)
        named = {"experiments": ",".join(ids)} if 0 < len(ids) <= MOST_FOLLOWED else {}
        headers = {} if self._last is None else {"Last-Event-ID": self._last}
        async with client.stream("GET", "/v1/events", params=named, headers=headers) as response:
            if not response.is_success:
                return
            self.listens = True
            self._rung.set()
            async for event in httpx2.EventSource(response):
                told = event.json() if event.data else None
                if event.event == "state" and isinstance(told, dict):
                    self._last = event.id or self._last
                    self._states[told["id"]] = told["state"]
                elif event.event == "progress" and isinstance(told, dict):
                    self._progress[told["id"]] = Progress.read(told)
                self._rung.set()


async def changes(
    transport: Transport, ids: Collection[str], timeout: float | None = None
) -> AsyncGenerator[list[ExperimentRecord], None]:
    """What has changed of experiments, whenever something has, until each of them has ended.

    Raises:
        TimeoutError: Some have not ended yet. They go on all the same.
    """
    pending: dict[str, ExperimentRecord | None] = dict.fromkeys(ids)
    if not pending:
        return
    async with aclosing(follow(transport, lambda: [*pending], timeout)) as told:
        async for news in told:
            new = (
                [name for name, state in news.states.items() if _differs(pending, name, state)]
                if news
                else pending
            )
            found = await in_thread(look, transport, [*new])
            for name, progress in news.progress.items():
                if (known := pending.get(name)) is not None and name not in news.states:
                    found.append(known.model_copy(update={"progress": progress}))
            pending.update((record.id, record) for record in found)
            for record in found:
                if record.is_final:
                    del pending[record.id]
            yield found
            if not pending:
                return
    raise TimeoutError(
        f"{len(pending)} of {len(ids)} experiments have not ended after {timeout:g} s. They go on."
    )


def _differs(pending: Mapping[str, ExperimentRecord | None], name: str, state: str) -> bool:
    return name in pending and ((known := pending[name]) is None or known.state != state)


def look(transport: Transport, ids: Sequence[str]) -> list[ExperimentRecord]:
    """Experiments as the lab knows them now; some at a time.

    Raises:
        NotFound: The lab has one of them no more.
    """
    found: dict[str, ExperimentRecord] = {}
    for first in range(0, len(ids), AT_ONCE):
        asked = {"q": f"id in ({', '.join(ids[first : first + AT_ONCE])})"}
        records = map(ExperimentRecord.read, transport.items("/v1/experiments", asked))
        found.update((record.id, record) for record in records)
    if gone := [name for name in ids if name not in found]:
        raise NotFound(404, f"The lab has no experiment {', '.join(gone[:5])}")
    return [*found.values()]


async def in_thread(call: Callable[..., _T], *given: Any) -> _T:
    """What a call gives that waits for the network, while the event loop goes on."""
    return await to_thread.run_sync(call, *given, abandon_on_cancel=True)


def driven(told: AsyncGenerator[_T, None]) -> Iterator[_T]:
    """The same one after the other, for programs without an event loop, or whose loop is somebody else's."""
    with start_blocking_portal() as portal:
        asked = portal.start_task_soon(told.__anext__)
        try:
            while True:
                try:
                    one = asked.result()
                except StopAsyncIteration:
                    return
                yield one
                asked = portal.start_task_soon(told.__anext__)
        finally:
            if asked.done():
                portal.call(told.aclose)
            else:  # such as at Ctrl-C: what is cancelled closes itself
                asked.cancel()
