"""Experiments in the order in which they end, whatever the order in which they were submitted."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from extrapolab.client.connection.threads import call_in_thread, iterate_sync
from extrapolab.client.handles.experiment import Experiment


def as_completed(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> Iterator[Experiment]:
    """Yields each experiment when it ends, whatever its final state.

    Args:
        experiments: Handles, such as a sweep or a query yields.
        timeout: Seconds to wait at most; None for no limit.

    Raises:
        TimeoutError: Not all have ended in time. They keep running.
    """
    for changed in changes(experiments, timeout):
        yield from (experiment for experiment in changed if experiment.record.is_final)


def changes(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> Iterator[list[Experiment]]:
    """Yields the experiments that changed, after each change, until all have ended."""
    return iterate_sync(follow_changes(experiments, timeout))


async def follow_changes(
    experiments: Iterable[Experiment], timeout: float | None = None
) -> AsyncGenerator[list[Experiment], None]:
    """Does the same for programs with an event loop."""
    from extrapolab.client.connection import events  # noqa: PLC0415  # loads asyncio

    listed: list[Experiment] = await call_in_thread(list, experiments)
    handles = {experiment.id: experiment for experiment in listed}
    if not handles:
        return
    transport = next(iter(handles.values())).transport
    async with aclosing(events.changed_records(transport, [*handles], timeout)) as batches:
        async for records in batches:
            yield [handles[record.id].update(record) for record in records]
