"""Async methods made from the methods of a blocking handle.

A call is one short request, so it runs in a thread. Waiting can last for hours; it is written for
an event loop (:mod:`extrapolab.client.connection.events`) and occupies no thread.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from functools import partial, wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from extrapolab.client.connection.threads import call_in_thread
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.sweep import Sweep
from extrapolab.suggestions import Suggesting

P = ParamSpec("P")
T = TypeVar("T")
HandleT = TypeVar("HandleT")
WrapperT = TypeVar("WrapperT", bound="AsyncWrapper[Any]")


class AsyncWrapper(Suggesting, Generic[HandleT]):
    """A handle whose methods are awaited.

    Attributes:
        wrapped: The blocking handle.
    """

    def __init__(self, wrapped: HandleT) -> None:
        self.wrapped = wrapped

    def __repr__(self) -> str:
        return f"<Async{repr(self.wrapped).removeprefix('<')}"


def run_in_thread(
    method: Callable[Concatenate[HandleT, P], T],
) -> Callable[Concatenate[AsyncWrapper[HandleT], P], Coroutine[Any, Any, T]]:
    """Makes an async method that returns what ``method`` returns."""

    @wraps(method)
    async def async_method(self: AsyncWrapper[HandleT], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await call_in_thread(partial(method, self.wrapped, *args, **kwargs))

    return async_method


def returns_self(
    method: Callable[Concatenate[HandleT, P], HandleT],
) -> Callable[Concatenate[WrapperT, P], Coroutine[Any, Any, WrapperT]]:
    """Makes an async method that returns its wrapper, as ``method`` returns its handle."""

    @wraps(method)
    async def async_method(self: WrapperT, /, *args: P.args, **kwargs: P.kwargs) -> WrapperT:
        await call_in_thread(partial(method, self.wrapped, *args, **kwargs))
        return self

    return async_method


def wraps_result(
    method: Callable[Concatenate[HandleT, P], T], wrap: Callable[[T], WrapperT]
) -> Callable[Concatenate[AsyncWrapper[HandleT], P], Coroutine[Any, Any, WrapperT]]:
    """Makes an async method that wraps the handle which ``method`` returns."""

    @wraps(method)
    async def async_method(
        self: AsyncWrapper[HandleT], /, *args: P.args, **kwargs: P.kwargs
    ) -> WrapperT:
        return wrap(await call_in_thread(lambda: fetched(method(self.wrapped, *args, **kwargs))))

    return async_method


def async_pages(
    method: Callable[Concatenate[HandleT, P], Iterable[T]], wrap: Callable[[T], WrapperT]
) -> Callable[Concatenate[AsyncWrapper[HandleT], P], AsyncGenerator[WrapperT, None]]:
    """Makes an async generator of wrapped handles; each page is fetched in a thread."""

    @wraps(method)
    async def async_method(
        self: AsyncWrapper[HandleT], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[WrapperT, None]:
        items = iter(method(self.wrapped, *args, **kwargs))
        while (item := await call_in_thread(_next_item, items)) is not None:
            yield wrap(item)

    return async_method


def _next_item(items: Iterator[T]) -> T | None:
    item = next(items, None)
    return None if item is None else fetched(item)


def fetched(handle: T) -> T:
    """Returns the handle with its record fetched, so that its attributes need no request."""
    if isinstance(handle, Experiment | Sweep):
        _ = handle.record
    return handle
