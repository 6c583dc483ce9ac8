"""The handles of :class:`extrapolab.AsyncLab`: experiments, sweeps, queries, studies, figures."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from extrapolab.client.asynchronous.wrapper import (
    AsyncWrapper,
    async_pages,
    fetched,
    returns_self,
    run_in_thread,
)
from extrapolab.client.connection.threads import call_in_thread
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.figure import Figure
from extrapolab.client.handles.query import Query
from extrapolab.client.handles.study import Study
from extrapolab.client.handles.sweep import Sweep
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

    async def submit(self, notify: str | Sequence[str] | None = None) -> list[AsyncExperiment]:
        """As :meth:`Study.submit`."""
        experiments = await call_in_thread(lambda: [*map(fetched, self.wrapped.submit(notify))])
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
