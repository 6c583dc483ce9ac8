"""The event feed: one poll of the database serves all event streams of this process.

Each stream has a queue, but no thread or query. Without streams nothing is polled.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self
from weakref import WeakValueDictionary

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from service.event_selection import Selection
from service.lab_watch import LabWatch, WorkerChanges, present
from store.arrays import series
from store.db.database import Database, now
from store.errors import StoreUnavailable
from store.experiments import events
from store.experiments.events import ExperimentEvent, Mark
from store.query.query import ExperimentQuery
from store.queue.overview import Overview
from store.records import Progress

POLL_SECONDS = 0.5

QUEUE_SIZE = 256
"""Most batches that a stream may lag behind. A slower one is ended; its reader can resume."""

logger = logging.getLogger(__name__)


class EventType(StrEnum):
    """The types of events in a stream."""

    STATE = "state"
    PROGRESS = "progress"
    WORKER = "worker"
    QUEUE = "queue"


@dataclass(frozen=True)
class EventBatch:
    """The news since the last poll.

    Attributes:
        events: Events of experiments, in order.
        progress: The running experiments' new progress by experiment id.
        workers: Changes of worker slots.
        queue: The queue, without the next experiments, if its counts have changed.
        at: The database's time.
    """

    events: Sequence[ExperimentEvent] = ()
    progress: Sequence[tuple[str, Progress]] = ()
    workers: WorkerChanges = ()
    queue: Overview | None = None
    at: float = 0.0

    def __bool__(self) -> bool:
        """Whether anything is new."""
        return bool(self.events or self.progress or self.workers or self.queue)

    def only(self, subscription: "Subscription") -> Self:
        """The part that a stream follows."""
        types, experiments = subscription.types, subscription.experiments
        events = self.events if EventType.STATE in types else ()
        progress = self.progress if EventType.PROGRESS in types else ()
        if isinstance(experiments, frozenset | Selection):
            events = [event for event in events if event[0] in experiments]
            progress = [pair for pair in progress if pair[0] in experiments]
        workers = self.workers if EventType.WORKER in types else ()
        queue = self.queue if EventType.QUEUE in types else None
        return replace(self, events=events, progress=progress, workers=workers, queue=queue)


@dataclass(frozen=True)
class Subscription:
    """The experiments and types of events that a stream follows.

    Attributes:
        experiments: The experiments, or their filter, which streams share; None for all.
        types: The types of events.
    """

    experiments: frozenset[str] | ExperimentQuery | Selection | None
    types: frozenset[EventType]


class EventFeed:
    """Polls for events and hands them to its subscribers. Belongs to one event loop."""

    def __init__(self, database: Database, fresh_seconds: float) -> None:
        """Polls nothing yet; workers are stale without a heartbeat in ``fresh_seconds``."""
        self._database, self._fresh_seconds = database, fresh_seconds
        self._subscribers: dict[asyncio.Queue[EventBatch | None], Subscription] = {}
        self._selections: WeakValueDictionary[str, Selection] = WeakValueDictionary()
        self._has_subscribers, self._has_polled = asyncio.Event(), asyncio.Event()
        self._progress: dict[str, Progress] = {}
        self._watch = LabWatch(fresh_seconds)

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
        self, subscription: Subscription, last: int | None
    ) -> AsyncIterator[EventBatch]:
        """Yields what happens until the feed ends or the reader is too slow.

        Args:
            subscription: What to follow.
            last: Number of the last event that the reader knows; later ones are replayed first.
                None replays the whole history of given experiments, else nothing. A replay for a
                filter is of all experiments, since one may have matched in the meantime.
        """
        queue: asyncio.Queue[EventBatch | None] = asyncio.Queue(QUEUE_SIZE)
        if isinstance(query := subscription.experiments, ExperimentQuery):
            shared = self._selections.setdefault(query.digest, Selection(query))
            subscription = replace(subscription, experiments=shared)
        self._subscribers[queue] = subscription
        self._has_subscribers.set()
        try:
            # After the first poll nothing is missed: an event is in the replay, the queue or both.
            await self._has_polled.wait()
            replayed: set[int] = set()
            yield await run_in_threadpool(self._open, subscription)
            async for batch in self._replay(subscription, last):
                replayed |= {event.number for _, event in batch.events}
                yield batch
            while (batch_or_end := await queue.get()) is not None:
                new = [pair for pair in batch_or_end.events if pair[1].number not in replayed]
                yield replace(batch_or_end, events=new)
        except StoreUnavailable as error:
            logger.warning("an event stream ends: %s", error)
        finally:
            del self._subscribers[queue]

    def _open(self, subscription: Subscription) -> EventBatch:
        """Opens the selection of a stream; returns the slots and the queue as they are now."""
        with self._database.read() as tx:
            if isinstance(subscription.experiments, Selection):
                subscription.experiments.open(tx)
            slots = present(tx) if EventType.WORKER in subscription.types else ()
            queue = self._watch.queue(tx) if EventType.QUEUE in subscription.types else None
            return EventBatch(workers=slots, queue=queue, at=now(tx))

    async def _replay(
        self, subscription: Subscription, last: int | None
    ) -> AsyncIterator[EventBatch]:
        experiments = subscription.experiments
        given = experiments if isinstance(experiments, frozenset) else None
        mark, has_more = Mark(), last is not None or given is not None
        while has_more and EventType.STATE in subscription.types:
            page, mark = await run_in_threadpool(self._read_since, last or 0, given, mark)
            yield EventBatch(page)
            has_more = len(page) == events.EVENTS_PER_QUERY
        yield EventBatch(progress=[*self._progress.items()]).only(subscription)

    async def _run(self) -> None:
        while True:
            await self._has_subscribers.wait()
            mark: Mark | None = None
            while self._subscribers:
                try:
                    mark = await self._poll(mark)
                except StoreUnavailable as error:
                    logger.warning("can't poll for events: %s", error)
                else:
                    self._has_polled.set()
                await asyncio.sleep(POLL_SECONDS)
            self._has_subscribers.clear()
            self._has_polled.clear()

    async def _poll(self, mark: Mark | None) -> Mark:
        """Delivers what is new after a mark; returns the next, which the first poll only sets."""
        new_mark, batch = await run_in_threadpool(self._read, mark, [*self._selections.values()])
        before, self._progress = self._progress, dict(batch.progress)
        if mark is not None:
            changed = [pair for pair in batch.progress if before.get(pair[0]) != pair[1]]
            self._deliver(replace(batch, progress=changed))
        return new_mark

    def _read(self, mark: Mark | None, selections: Sequence[Selection]) -> tuple[Mark, EventBatch]:
        """The mark after the new events, and these with the progress of all experiments."""
        with self._database.read() as tx:
            if mark is None:
                mark, self._watch = events.now_read(tx), LabWatch(self._fresh_seconds)
            new, mark = events.after(tx, mark)
            progress = self._running_progress(tx)
            for selection in selections:
                selection.update(tx, (experiment_id for experiment_id, _ in new))
            changes = self._watch.worker_changes(tx)
            queue = self._watch.queue_change(tx, has_events=bool(new or changes))
            return mark, EventBatch(new, [*progress.items()], changes, queue, now(tx))

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
        self, last: int, experiment_ids: frozenset[str] | None, mark: Mark
    ) -> tuple[list[ExperimentEvent], Mark]:
        with self._database.read() as tx:
            return events.since(tx, last, experiment_ids, mark=mark)

    def _deliver(self, batch: EventBatch) -> None:
        for queue, subscription in self._subscribers.items():
            if selected := batch.only(subscription):
                _put(queue, selected)


def _put(queue: asyncio.Queue[EventBatch | None], batch: EventBatch | None) -> None:
    """Puts a batch into the queue; if only one place is left, puts the end there instead."""
    if batch is not None and queue.qsize() < QUEUE_SIZE - 1:
        queue.put_nowait(batch)
    elif not queue.full():
        queue.put_nowait(None)
