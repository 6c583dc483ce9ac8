"""Experiments as they end: the first to end comes first, whatever the order in which they were sent."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from extrapolab.client import events
from extrapolab.client.experiment import Experiment


def as_completed(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> Iterator[Experiment]:
    """Each of the experiments once it has ended, however it did; its ``state`` says how.

    Args:
        experiments: Handles, such as a sweep or a query gives.
        timeout: Seconds to wait at most; ``None`` waits as long as it takes.

    Raises:
        TimeoutError: Some have not ended yet. They go on all the same.
    """
    for moved in changing(experiments, timeout):
        yield from (one for one in moved if one.record.is_final)


def changing(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> Iterator[list[Experiment]]:
    """Those of the experiments that have moved on, whenever some have, until each has ended."""
    return events.driven(moving(experiments, timeout))


async def moving(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> AsyncGenerator[list[Experiment], None]:
    """The same for programs with an event loop."""
    given: list[Experiment] = await events.in_thread(list, experiments)
    held = {one.id: one for one in given}
    if not held:
        return
    transport = next(iter(held.values())).transport
    async with aclosing(events.changes(transport, [*held], timeout)) as told:
        async for records in told:
            yield [held[record.id].told(record) for record in records]
