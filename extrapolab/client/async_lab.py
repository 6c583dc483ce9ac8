"""The client for programs with an event loop: calls are awaited, lists are async generators."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from extrapolab.client.async_wrapper import (
    AsyncWrapper,
    async_pages,
    fetched,
    returns_self,
    run_in_thread,
    wraps_result,
)
from extrapolab.client.completion import follow_changes
from extrapolab.client.experiment import Experiment
from extrapolab.client.figure import Figure
from extrapolab.client.lab import Lab
from extrapolab.client.query import Query
from extrapolab.client.study import Size, Study
from extrapolab.client.sweep import Sweep
from extrapolab.client.threads import call_in_thread
from extrapolab.models.experiments import ExperimentRecord, Run
from extrapolab.models.studies import Report
from extrapolab.models.sweeps import SweepMember, SweepRecord
from extrapolab.models.tables import Group

if TYPE_CHECKING:
    from core.spec import ExperimentSpec


class AsyncExperiment(AsyncWrapper[Experiment]):
    """An :class:`Experiment`. Its attributes are as of the last :meth:`refresh` or :meth:`wait`."""

    refresh = returns_self(Experiment.refresh)
    edit = returns_self(Experiment.edit)
    cancel = returns_self(Experiment.cancel)
    pause = returns_self(Experiment.pause)
    resume = returns_self(Experiment.resume)
    retry = returns_self(Experiment.retry)
    delete = run_in_thread(Experiment.delete)
    result = run_in_thread(Experiment.result)
    series = run_in_thread(Experiment.series)
    series_text = run_in_thread(Experiment.series_text)
    figure = run_in_thread(Experiment.figure)
    theorem = run_in_thread(Experiment.theorem)
    log = run_in_thread(Experiment.log)
    events = run_in_thread(Experiment.events)

    async def wait(self, timeout: float | None = None) -> Self:
        """As :meth:`Experiment.wait`, without occupying a thread."""
        async with aclosing(self.wrapped.follow(timeout)) as refreshes:
            async for _ in refreshes:
                pass
        self.wrapped.completed()
        return self

    @property
    def id(self) -> str:
        """Its id, ``exp_...``."""
        return self.wrapped.id

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return self.wrapped.page

    @property
    def reused(self) -> bool:
        """Whether the lab already had it when it was submitted."""
        return self.wrapped.reused

    @property
    def record(self) -> ExperimentRecord:
        """Everything that the lab reported at the last refresh."""
        return self.wrapped.record

    @property
    def spec(self) -> "ExperimentSpec":
        """Its spec, with every default filled in."""
        return self.record.spec

    @property
    def state(self) -> str:
        """Its state at the last refresh."""
        return self.record.state

    @property
    def runs(self) -> tuple[Run, ...]:
        """Outcome, steps and final metrics of each seed."""
        return self.record.runs


class AsyncSweep(AsyncWrapper[Sweep]):
    """A :class:`Sweep`. Its attributes are as of the last :meth:`refresh` or :meth:`wait`."""

    refresh = returns_self(Sweep.refresh)
    extend = returns_self(Sweep.extend)
    refine = run_in_thread(Sweep.refine)  # a thread waits; with rounds=1, none does
    cancel = returns_self(Sweep.cancel)
    retry = returns_self(Sweep.retry)
    delete = run_in_thread(Sweep.delete)
    rows = run_in_thread(Sweep.rows)
    table = run_in_thread(Sweep.table)
    table_csv = run_in_thread(Sweep.table_csv)
    grid = run_in_thread(Sweep.grid)
    figure = run_in_thread(Sweep.figure)
    paper = run_in_thread(Sweep.paper)
    experiments = async_pages(Sweep.experiments, AsyncExperiment)

    async def members(self) -> list[SweepMember]:
        """Its experiments with their coordinates."""
        return await call_in_thread(lambda: [*self.wrapped.members()])

    async def wait(self, timeout: float | None = None) -> Self:
        """As :meth:`Sweep.wait`, without occupying a thread."""
        async with aclosing(self.wrapped.follow(timeout)) as refreshes:
            async for _ in refreshes:
                pass
        return self

    @property
    def id(self) -> str:
        """Its id, ``swp_...``."""
        return self.wrapped.id

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return self.wrapped.page

    @property
    def created(self) -> int:
        """Number of experiments that the last submission or extension queued."""
        return self.wrapped.created

    @property
    def reused(self) -> int:
        """Number of its experiments that the lab already had."""
        return self.wrapped.reused

    @property
    def record(self) -> SweepRecord:
        """Everything but the members that the lab reported at the last refresh."""
        return self.wrapped.record

    @property
    def state(self) -> str:
        """Its state at the last refresh."""
        return self.record.state


class AsyncQuery(AsyncWrapper[Query]):
    """A :class:`Query`, for ``async for``."""

    table = run_in_thread(Query.table)
    select = run_in_thread(Query.select)
    export = run_in_thread(Query.export)
    bundle = run_in_thread(Query.bundle)
    paper = run_in_thread(Query.paper)
    to_pandas = run_in_thread(Query.to_pandas)
    to_polars = run_in_thread(Query.to_polars)
    __aiter__ = async_pages(Query.__iter__, AsyncExperiment)

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return self.wrapped.page

    async def rows(self, *args: Any, **kwargs: Any) -> list[Group]:
        """As :meth:`Query.rows`, with all pages fetched."""
        return await call_in_thread(lambda: [*self.wrapped.rows(*args, **kwargs)])


class AsyncStudy(AsyncWrapper[Study]):
    """A :class:`Study`."""

    arms = run_in_thread(Study.arms)
    report = run_in_thread(Study.report)
    figure = run_in_thread(Study.figure)
    paper = run_in_thread(Study.paper)

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return self.wrapped.page

    async def submit(self) -> list[AsyncExperiment]:
        """As :meth:`Study.submit`."""
        experiments = await call_in_thread(lambda: [*map(fetched, self.wrapped.submit())])
        return [AsyncExperiment(experiment) for experiment in experiments]

    async def wait(self, timeout: float | None = None) -> Report:
        """As :meth:`Study.wait`, without occupying a thread."""
        experiments = await call_in_thread(self.wrapped.submit)
        ids = [experiment.id for experiment in experiments]
        async with aclosing(self.wrapped.reports(ids, timeout)) as reports:
            async for report in reports:
                last_report = report
        return last_report


class AsyncFigure(AsyncWrapper[Figure]):
    """A :class:`Figure`."""

    draw = run_in_thread(Figure.draw)
    data = run_in_thread(Figure.data)
    save = returns_self(Figure.save)
    change = returns_self(Figure.change)
    remove = run_in_thread(Figure.remove)

    @property
    def id(self) -> str | None:
        """Its id, ``fig_...``, once it is saved."""
        return self.wrapped.id

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return self.wrapped.page

    @property
    def recipe(self) -> dict[str, Any]:
        """Its parts."""
        return self.wrapped.recipe


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

    submit = wraps_result(Lab.submit, AsyncExperiment)
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

    def query(
        self, q: str | None = None, *, sort: str | None = None, limit: int | None = None
    ) -> AsyncQuery:
        """As :meth:`Lab.query`; nothing is fetched before it is used."""
        return AsyncQuery(self.wrapped.query(q, sort=sort, limit=limit))

    def figure(self, query: str = "", *, x: str, **parts: Any) -> AsyncFigure:
        """As :meth:`Lab.figure`; nothing is sent before it is drawn or saved."""
        return AsyncFigure(self.wrapped.figure(query, x=x, **parts))

    def study(self, name: str, size: Size = "quick") -> AsyncStudy:
        """As :meth:`Lab.study`; nothing runs before it is submitted."""
        return AsyncStudy(self.wrapped.study(name, size))

    async def as_completed(
        self,
        experiments: Iterable[AsyncExperiment] | AsyncSweep | AsyncQuery,
        timeout: float | None = None,
    ) -> AsyncGenerator[AsyncExperiment, None]:
        """As :meth:`Lab.as_completed`, without occupying a thread."""
        handles: Iterable[Experiment]
        if isinstance(experiments, AsyncWrapper):
            handles = experiments.wrapped
        else:
            handles = [experiment.wrapped for experiment in experiments]
        async with aclosing(follow_changes(handles, timeout)) as batches:
            async for changed in batches:
                for experiment in changed:
                    if experiment.record.is_final:
                        yield AsyncExperiment(experiment)
