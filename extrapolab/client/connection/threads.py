"""Threads between the client's blocking requests and its event loops."""
# ruff: noqa: PLC0415  # few commands have event loops, and all import this

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


async def call_in_thread(call: Callable[..., _T], *arguments: Any) -> _T:
    """Runs a blocking call in a thread while the event loop continues."""
    from anyio import to_thread

    return await to_thread.run_sync(call, *arguments, abandon_on_cancel=True)


def iterate_sync(items: AsyncGenerator[_T, None]) -> Iterator[_T]:
    """Iterates an async generator without a running event loop, or in a thread that has one."""
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal:
        pending = portal.start_task_soon(items.__anext__)
        try:
            while True:
                try:
                    item = pending.result()
                except StopAsyncIteration:
                    return
                yield item
                pending = portal.start_task_soon(items.__anext__)
        finally:
            if pending.done():
                portal.call(items.aclose)
            else:  # interrupted, as by Ctrl-C: cancelling also closes the generator
                pending.cancel()
