"""The event feed: one poll of the database serves all event streams of this process.

Each stream has a queue, but no thread or query. Without streams nothing is polled.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from store.arrays import series
from store.db.database import Database
from store.errors import StoreUnavailable
from store.experiments import events
from store.experiments.events import ExperimentEvent
from store.records import Progress

POLL_SECONDS = 0.5

QUEUE_SIZE = 256
"""Most batches that a stream may lag behind. A slower one is ended; its reader can resume."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventBatch:
    """New events in order, and the running experiments' new progress by experiment id."""

    events: Sequence[ExperimentEvent]
    progress: Sequence[tuple[str, Progress]]

    def only(self, experiment_ids: Collection[str] | None) -> "EventBatch":
        """The part about these experiments; None selects all."""
        if experiment_ids is None:
            return self
        return EventBatch(
            [event for event in self.events if event[0] in experiment_ids],
            [progress for progress in self.progress if progress[0] in experiment_ids],
        )


class EventFeed:
    """Polls for events and hands them to its subscribers. Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._max_late = 0 if database.dialect == "sqlite" else events.MAX_LATE
        self._subscribers: dict[asyncio.Queue[EventBatch | None], frozenset[str] | None] = {}
        self._has_subscribers, self._has_polled = asyncio.Event(), asyncio.Event()
        self._progress: dict[str, Progress] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Polls in the background while the context is open."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def end_streams(self) -> None:
        """Ends all streams; their readers reconnect, to this process or its successor."""
        for queue in self._subscribers:
            _put(queue, None)

    async def follow(
        self, experiment_ids: frozenset[str] | None, last: int | None
    ) -> AsyncIterator[EventBatch]:
        """Yields the events of experiments until the feed ends or the reader is too slow.

        Args:
            experiment_ids: The experiments to follow; None follows all.
            last: Number of the last event that the reader knows; later ones are replayed first.
                None replays the whole history of the given experiments, or nothing when all are
                followed.
        """
        queue: asyncio.Queue[EventBatch | None] = asyncio.Queue(QUEUE_SIZE)
        self._subscribers[queue] = experiment_ids
        self._has_subscribers.set()
        try:
            # After the first poll nothing is missed: an event is in the replay, the queue or both.
            await self._has_polled.wait()
            replayed: set[int] = set()
            async for batch in self._replay(experiment_ids, last):
                replayed |= {event.number for _, event in batch.events}
                yield batch
            while (batch_or_end := await queue.get()) is not None:
                new = [pair for pair in batch_or_end.events if pair[1].number not in replayed]
                yield EventBatch(new, batch_or_end.progress)
        except StoreUnavailable as error:
            logger.warning("an event stream ends: %s", error)
        finally:
            del self._subscribers[queue]

    async def _replay(
        self, experiment_ids: frozenset[str] | None, last: int | None
    ) -> AsyncIterator[EventBatch]:
        number, has_more = last or 0, last is not None or experiment_ids is not None
        while has_more:
            page = await run_in_threadpool(self._read_since, number, experiment_ids)
            yield EventBatch(page, ())
            has_more = len(page) == events.EVENTS_PER_QUERY
            number = page[-1][1].number if page else number
        yield EventBatch((), [*self._progress.items()]).only(experiment_ids)

    async def _run(self) -> None:
        while True:
            await self._has_subscribers.wait()
            newest: int | None = None
            delivered: deque[int] = deque(maxlen=2 * (events.EVENTS_PER_QUERY + events.MAX_LATE))
            while self._subscribers:
                try:
                    newest = await self._poll(newest, delivered)
                except StoreUnavailable as error:
                    logger.warning("can't poll for events: %s", error)
                else:
                    self._has_polled.set()
                await asyncio.sleep(POLL_SECONDS)
            self._has_subscribers.clear()
            self._has_polled.clear()

    async def _poll(self, last: int | None, delivered: deque[int]) -> int:
        """Delivers what is new since the ``last`` event and returns the newest event's number.

        The first poll, with ``last`` None, only finds that number.
        """
        newest, recent, progress = await run_in_threadpool(self._read, last)
        new = [pair for pair in recent if pair[1].number not in delivered]
        delivered.extend(event.number for _, event in new)
        changed = [pair for pair in progress.items() if self._progress.get(pair[0]) != pair[1]]
        self._progress = progress
        if last is not None:
            self._deliver(EventBatch(new, changed))
        return newest

    def _read(self, last: int | None) -> tuple[int, list[ExperimentEvent], dict[str, Progress]]:
        with self._database.read() as tx:
            if last is None:
                last = events.newest_number(tx)
            recent = events.since(tx, last - self._max_late)
            newest = max([last, *(event.number for _, event in recent)])
            return newest, recent, self._running_progress(tx)

    def _running_progress(self, tx: Connection) -> dict[str, Progress]:
        """The progress of running experiments, with new points of those that advanced."""
        progress = events.running_progress(tx)
        advanced = {name for name, now in progress.items() if self._progress.get(name) != now}
        newest = series.newest(tx, sorted(advanced))
        return {
            name: replace(now, newest=newest.get(name))
            if name in advanced
            else self._progress[name]
            for name, now in progress.items()
        }

    def _read_since(
        self, number: int, experiment_ids: frozenset[str] | None
    ) -> list[ExperimentEvent]:
        with self._database.read() as tx:
            return events.since(tx, number, experiment_ids)

    def _deliver(self, batch: EventBatch) -> None:
        for queue, experiment_ids in self._subscribers.items():
            selected = batch.only(experiment_ids)
            if selected.events or selected.progress:
                _put(queue, selected)


def _put(queue: asyncio.Queue[EventBatch | None], batch: EventBatch | None) -> None:
    """Puts a batch into the queue; if only one place is left, puts the end there instead."""
    if batch is not None and queue.qsize() < QUEUE_SIZE - 1:
        queue.put_nowait(batch)
    elif not queue.full():
        queue.put_nowait(None)
