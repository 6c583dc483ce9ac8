"""The client for programs with an event loop: calls are awaited, lists are async generators."""

from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import Any, Self, cast, overload

from extrapolab.client.answers.rows import Rows
from extrapolab.client.asynchronous.handles import (
    AsyncExperiment,
    AsyncFigure,
    AsyncQuery,
    AsyncStudy,
    AsyncSweep,
)
from extrapolab.client.asynchronous.wrapper import (
    AsyncWrapper,
    async_pages,
    run_in_thread,
    wraps_result,
)
from extrapolab.client.connection.threads import call_in_thread
from extrapolab.client.handles.completion import follow_changes
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.study import Size
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.lab import Lab
from extrapolab.models.notifications import Notification


def _wrapped_submission(submitted: Experiment | Sweep) -> AsyncExperiment:
    if isinstance(submitted, Sweep):
        return cast("AsyncExperiment", AsyncSweep(submitted))
    return AsyncExperiment(submitted)


class AsyncLab(AsyncWrapper[Lab]):
    """A lab server, for programs with an event loop.

    It has the arguments and methods of :class:`Lab`.

    Example:
        >>> async def run(*specs):
        ...     async with AsyncLab() as lab:
        ...         experiments = [await lab.submit(spec) for spec in specs]
        ...         async for experiment in lab.as_completed(experiments):
        ...             print(experiment.state, len(experiment.runs))
        >>> asyncio.run(run(base | {"training": {"length": 5}}, base | {"training": {"length": 7}}))
        completed 3
        completed 3
    """

    submit = wraps_result(Lab.submit, _wrapped_submission)
    check = run_in_thread(Lab.check)
    preview_teacher = run_in_thread(Lab.preview_teacher)
    experiment = wraps_result(Lab.experiment, AsyncExperiment)
    experiments = async_pages(Lab.experiments, AsyncExperiment)
    table = run_in_thread(Lab.table)
    series = run_in_thread(Lab.series)
    cancel = run_in_thread(Lab.cancel)
    retry = run_in_thread(Lab.retry)
    pause = run_in_thread(Lab.pause)
    resume = run_in_thread(Lab.resume)
    prioritise = run_in_thread(Lab.prioritise)
    tag = run_in_thread(Lab.tag)
    delete = run_in_thread(Lab.delete)
    import_runs = run_in_thread(Lab.import_runs)
    compare = run_in_thread(Lab.compare)
    compare_figure = run_in_thread(Lab.compare_figure)
    reproduce = wraps_result(Lab.reproduce, AsyncExperiment)
    fields = run_in_thread(Lab.fields)
    count = run_in_thread(Lab.count)
    facets = run_in_thread(Lab.facets)
    field_values = run_in_thread(Lab.field_values)
    varying = run_in_thread(Lab.varying)
    complete = run_in_thread(Lab.complete)
    figure_of = wraps_result(Lab.figure_of, AsyncFigure)
    figures = async_pages(Lab.figures, AsyncFigure)
    paper = run_in_thread(Lab.paper)
    sweep = wraps_result(Lab.sweep, AsyncSweep)
    check_sweep = run_in_thread(Lab.check_sweep)
    sweep_of = wraps_result(Lab.sweep_of, AsyncSweep)
    sweeps = async_pages(Lab.sweeps, AsyncSweep)
    views = run_in_thread(Lab.views)
    save_view = run_in_thread(Lab.save_view)
    change_view = run_in_thread(Lab.change_view)
    remove_view = run_in_thread(Lab.remove_view)
    workers = run_in_thread(Lab.workers)
    queue = run_in_thread(Lab.queue)
    attention = run_in_thread(Lab.attention)
    drain = run_in_thread(Lab.drain)
    notify = run_in_thread(Lab.notify)
    studies = run_in_thread(Lab.studies)
    reports = run_in_thread(Lab.reports)

    def __init__(
        self, url: str | None = None, *, user: str | None = None, patience: float = 60.0
    ) -> None:
        super().__init__(Lab(url, user=user, patience=patience))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Its URL."""
        return self.wrapped.url

    def close(self) -> None:
        """Closes the connections."""
        self.wrapped.close()

    async def notifications(self, *, limit: int | None = None) -> list[Notification]:
        """As :meth:`Lab.notifications`, with all pages fetched."""
        return await call_in_thread(lambda: [*self.wrapped.notifications(limit=limit)])

    @overload
    def query(
        self, q: str | None = None, *, columns: None = None, **options: Any
    ) -> AsyncQuery: ...
    @overload
    def query(
        self, q: str | None = None, *, columns: Iterable[str], **options: Any
    ) -> Coroutine[Any, Any, Rows]: ...
    def query(
        self, q: str | None = None, *, columns: Iterable[str] | None = None, **options: Any
    ) -> AsyncQuery | Coroutine[Any, Any, Rows]:
        """As :meth:`Lab.query`; with ``columns`` it is awaited."""
        if columns is None:
            return AsyncQuery(self.wrapped.query(q, **options))
        chosen = [*columns]
        return call_in_thread(lambda: self.wrapped.query(q, columns=chosen, **options))

    def figure(self, query: str = "", *, x: str, **parts: Any) -> AsyncFigure:
        """As :meth:`Lab.figure`; nothing is sent before it is drawn or saved."""
        return AsyncFigure(self.wrapped.figure(query, x=x, **parts))

    def study(self, name: str, size: Size = "quick") -> AsyncStudy:
        """As :meth:`Lab.study`; nothing runs before it is submitted."""
        return AsyncStudy(self.wrapped.study(name, size))

    async def as_completed(
        self,
        experiments: Iterable[AsyncExperiment | str] | AsyncExperiment | AsyncSweep | AsyncQuery,
        timeout: float | None = None,
    ) -> AsyncGenerator[AsyncExperiment, None]:
        """As :meth:`Lab.as_completed`, without occupying a thread."""
        handles: Iterable[Experiment]
        if isinstance(experiments, AsyncExperiment | str):
            experiments = [experiments]
        if isinstance(experiments, AsyncSweep | AsyncQuery):
            handles = experiments.wrapped
        else:
            fetch = partial(call_in_thread, self.wrapped.experiment)
            handles = [await fetch(x) if isinstance(x, str) else x.wrapped for x in experiments]
        async with aclosing(follow_changes(handles, timeout)) as batches:
            async for changed in batches:
                for experiment in changed:
                    if experiment.record.is_final:
                        yield AsyncExperiment(experiment)
