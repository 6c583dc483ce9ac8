"""The feed: one look at the database every half second, while anybody watches, for all streams of this process.

So a stream costs a queue and no thread, and sixty-four of them the database no more than one.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from store.db.database import Database
from store.errors import StoreUnavailable
from store.experiments import events
from store.experiments.events import Happening
from store.records import Progress

LOOK_SECONDS = 0.5

LATE = 200
"""On PostgreSQL, so many numbers back an event may still turn up that was committed after its
successors."""

ROOM = 256
"""News that a stream may lag behind; one that is slower is ended, and goes on where it was when it
comes back."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What is new since the look before: events in order, and progress of those that have made some."""

    happenings: Sequence[Happening]
    progress: Sequence[tuple[str, Progress]]

    def of(self, experiment_ids: Collection[str] | None) -> "News":
        """The part of it that is about these experiments, None for all."""
        if experiment_ids is None:
            return self
        return News(
            [happening for happening in self.happenings if happening[0] in experiment_ids],
            [told for told in self.progress if told[0] in experiment_ids],
        )


class Feed:
    """Looks for news and hands them to those who follow. It belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._late = 0 if database.dialect == "sqlite" else LATE
        self._followers: dict[asyncio.Queue[News | None], frozenset[str] | None] = {}
        self._followed, self._looked = asyncio.Event(), asyncio.Event()
        self._progress: dict[str, Progress] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks for as long as the context lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def end(self) -> None:
        """Ends all streams; their readers come back, to this process or the one after it."""
        for queue in self._followers:
            _put(queue, None)

    async def follow(
        self, experiment_ids: frozenset[str] | None, last: int | None
    ) -> AsyncIterator[News]:
        """News of some experiments, or of all, until the feed ends or the reader is too slow.

        Args:
            experiment_ids: Which, None for all.
            last: The number of the last event that the reader knows; the later ones come first.
                None for none: then the whole history of the experiments comes first, or nothing
                where all are followed.
        """
        queue: asyncio.Queue[News | None] = asyncio.Queue(ROOM)
        self._followers[queue] = experiment_ids
        self._followed.set()
        try:
            await (
                self._looked.wait()
            )  # from here on nothing is missed: it is in the replay, or in the queue, or both
            told: set[int] = set()
            async for replayed in self._replay(experiment_ids, last):
                told |= {event.number for _, event in replayed.happenings}
                yield replayed
            while (found := await queue.get()) is not None:
                yield News(
                    [each for each in found.happenings if each[1].number not in told],
                    found.progress,
                )
        except StoreUnavailable as error:
            log.warning("a stream of events ends: %s", error)
        finally:
            del self._followers[queue]

    async def _replay(
        self, experiment_ids: frozenset[str] | None, last: int | None
    ) -> AsyncIterator[News]:
        number, more = last or 0, last is not None or experiment_ids is not None
        while more:
            found = await run_in_threadpool(self._since, number, experiment_ids)
            yield News(found, ())
            more = len(found) == events.AT_ONCE
            number = found[-1][1].number if found else number
        yield News((), [*self._progress.items()]).of(experiment_ids)

    async def _run(self) -> None:
        while True:
            await self._followed.wait()
            floor: int | None = None
            told: deque[int] = deque(maxlen=2 * (events.AT_ONCE + LATE))
            while self._followers:
                try:
                    floor = await self._look(floor, told)
                except StoreUnavailable as error:
                    log.warning("no news for now: %s", error)
                else:
                    self._looked.set()
                await asyncio.sleep(LOOK_SECONDS)
            self._followed.clear()
            self._looked.clear()

    async def _look(self, floor: int | None, told: deque[int]) -> int:
        """Hands out what is new; the number of the newest event.

        The first look only finds out where news begin.
        """
        newest, happenings, progress = await run_in_threadpool(self._read, floor)
        new = [each for each in happenings if each[1].number not in told]
        told.extend(event.number for _, event in new)
        moved = [(name, far) for name, far in progress.items() if self._progress.get(name) != far]
        self._progress = progress
        if floor is not None:
            self._hand_out(News(new, moved))
        return newest

    def _read(self, floor: int | None) -> tuple[int, list[Happening], dict[str, Progress]]:
        with self._database.read() as tx:
            newest = events.newest(tx) if floor is None else floor
            happenings = events.since(tx, newest - self._late)
            return (
                max([newest, *(event.number for _, event in happenings)]),
                happenings,
                events.progress(tx),
            )

    def _since(self, number: int, experiment_ids: frozenset[str] | None) -> list[Happening]:
        with self._database.read() as tx:
            return events.since(tx, number, experiment_ids)

    def _hand_out(self, found: News) -> None:
        for queue, experiment_ids in self._followers.items():
            own = found.of(experiment_ids)
            if own.happenings or own.progress:
                _put(queue, own)


def _put(queue: "asyncio.Queue[News | None]", item: News | None) -> None:
    """Puts it last; to a reader that has no room for it, nothing but the end."""
    if item is not None and queue.qsize() < ROOM - 1:
        queue.put_nowait(item)
    elif not queue.full():
        queue.put_nowait(None)
