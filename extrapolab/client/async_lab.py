"""The same lab for programs with an event loop: calls are awaited, lists are iterated with ``async for``.

Nothing is written twice. A call is one short request, so it is lent a thread; waiting, which may
last for hours, is written for an event loop anyway (:mod:`extrapolab.client.events`) and holds
none.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from core.spec import ExperimentSpec
from extrapolab.client.completion import moving
from extrapolab.client.events import in_thread
from extrapolab.client.experiment import Experiment
from extrapolab.client.figure import Figure
from extrapolab.client.lab import Lab
from extrapolab.client.query import Query
from extrapolab.client.study import Size, Study
from extrapolab.client.sweep import Sweep
from extrapolab.models.experiments import ExperimentRecord, Group, Run
from extrapolab.models.studies import Report
from extrapolab.models.sweeps import SweepMember, SweepRecord

P = ParamSpec("P")
T = TypeVar("T")
H = TypeVar("H")
A = TypeVar("A", bound="Lent[Any]")


class Lent(Generic[H]):
    """A handle whose calls are awaited.

    Attributes:
        held: The handle that does the work.
    """

    def __init__(self, held: H) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"<Async{repr(self.held).removeprefix('<')}"


def awaited(
    call: Callable[Concatenate[H, P], T],
) -> Callable[Concatenate[Lent[H], P], Coroutine[Any, Any, T]]:
    """``call`` in a thread."""

    @wraps(call)
    async def lent(self: Lent[H], /, *given: P.args, **named: P.kwargs) -> T:
        return await in_thread(partial(call, self.held, *given, **named))

    return lent


def itself(
    call: Callable[Concatenate[H, P], H],
) -> Callable[Concatenate[A, P], Coroutine[Any, Any, A]]:
    """``call``, which gives back its own handle, in a thread."""

    @wraps(call)
    async def lent(self: A, /, *given: P.args, **named: P.kwargs) -> A:
        await in_thread(partial(call, self.held, *given, **named))
        return self

    return lent


def handing(
    call: Callable[Concatenate[H, P], T], wrap: Callable[[T], A]
) -> Callable[Concatenate[Lent[H], P], Coroutine[Any, Any, A]]:
    """``call``, which gives another handle, in a thread."""

    @wraps(call)
    async def lent(self: Lent[H], /, *given: P.args, **named: P.kwargs) -> A:
        return wrap(await in_thread(lambda: _known(call(self.held, *given, **named))))

    return lent


def iterated(
    call: Callable[Concatenate[H, P], Iterable[T]], wrap: Callable[[T], A]
) -> Callable[Concatenate[Lent[H], P], AsyncGenerator[A, None]]:
    """``call``, which gives handles page by page, with each page asked for in a thread."""

    @wraps(call)
    async def lent(self: Lent[H], /, *given: P.args, **named: P.kwargs) -> AsyncGenerator[A, None]:
        items = iter(call(self.held, *given, **named))
        while (item := await in_thread(_following, items)) is not None:
            yield wrap(item)

    return lent


def _following(items: Iterator[T]) -> T | None:
    item = next(items, None)
    return None if item is None else _known(item)


def _known(handle: T) -> T:
    """The handle with its record, so that nothing which it says at once has to ask the lab."""
    if isinstance(handle, Experiment | Sweep):
        _ = handle.record
    return handle


class AsyncExperiment(Lent[Experiment]):
    """An :class:`Experiment`.

    What it says at once is as of the last :meth:`refresh` or :meth:`wait`.
    """

    refresh = itself(Experiment.refresh)
    edit = itself(Experiment.edit)
    cancel = itself(Experiment.cancel)
    pause = itself(Experiment.pause)
    resume = itself(Experiment.resume)
    retry = itself(Experiment.retry)
    delete = awaited(Experiment.delete)
    result = awaited(Experiment.result)
    series = awaited(Experiment.series)
    series_text = awaited(Experiment.series_text)
    figure = awaited(Experiment.figure)
    theorem = awaited(Experiment.theorem)
    log = awaited(Experiment.log)
    events = awaited(Experiment.events)

    async def wait(self, timeout: float | None = None) -> Self:  # as the other door has it
        """As :meth:`Experiment.wait`; no thread waits."""
        async with aclosing(self.held.looks(timeout)) as looks:
            async for _ in looks:
                pass
        self.held.completed()
        return self

    @property
    def id(self) -> str:
        """Its id, ``exp_...``."""
        return self.held.id

    @property
    def reused(self) -> bool:
        """Whether submitting found it in the lab already."""
        return self.held.reused

    @property
    def record(self) -> ExperimentRecord:
        """All that the lab said of it at the last refresh."""
        return self.held.record

    @property
    def spec(self) -> ExperimentSpec:
        """Its spec, every default filled in."""
        return self.record.spec

    @property
    def state(self) -> str:
        """Its state at the last refresh."""
        return self.record.state

    @property
    def runs(self) -> tuple[Run, ...]:
        """Outcome, steps and final metrics of each seed."""
        return self.record.runs


class AsyncSweep(Lent[Sweep]):
    """A :class:`Sweep`. What it says at once is as of the last :meth:`refresh` or :meth:`wait`."""

    refresh = itself(Sweep.refresh)
    extend = itself(Sweep.extend)
    cancel = itself(Sweep.cancel)
    retry = itself(Sweep.retry)
    rows = awaited(Sweep.rows)
    table = awaited(Sweep.table)
    table_csv = awaited(Sweep.table_csv)
    grid = awaited(Sweep.grid)
    figure = awaited(Sweep.figure)
    experiments = iterated(Sweep.experiments, AsyncExperiment)

    async def members(self) -> list[SweepMember]:
        """Its experiments with their coordinates."""
        return await in_thread(lambda: [*self.held.members()])

    async def wait(self, timeout: float | None = None) -> Self:  # as the other door has it
        """As :meth:`Sweep.wait`; no thread waits."""
        async with aclosing(self.held.looks(timeout)) as looks:
            async for _ in looks:
                pass
        return self

    @property
    def id(self) -> str:
        """Its id, ``swp_...``."""
        return self.held.id

    @property
    def created(self) -> int:
        """How many experiments the last submission or extension queued."""
        return self.held.created

    @property
    def reused(self) -> int:
        """How many of its experiments the lab had already."""
        return self.held.reused

    @property
    def record(self) -> SweepRecord:
        """All that the lab said of it at the last refresh, its members left out."""
        return self.held.record

    @property
    def state(self) -> str:
        """Its state at the last refresh."""
        return self.record.state


class AsyncQuery(Lent[Query]):
    """A :class:`Query`, for ``async for``."""

    table = awaited(Query.table)
    export = awaited(Query.export)
    bundle = awaited(Query.bundle)
    to_pandas = awaited(Query.to_pandas)
    to_polars = awaited(Query.to_polars)
    __aiter__ = iterated(Query.__iter__, AsyncExperiment)

    async def rows(self, *given: Any, **named: Any) -> list[Group]:
        """As :meth:`Query.rows`, all at once."""
        return await in_thread(lambda: [*self.held.rows(*given, **named)])


class AsyncStudy(Lent[Study]):
    """A :class:`Study`."""

    report = awaited(Study.report)
    figure = awaited(Study.figure)

    async def submit(self) -> list[AsyncExperiment]:
        """All its experiments; those that the lab doesn't have yet are queued."""
        return [
            AsyncExperiment(one)
            for one in await in_thread(lambda: [_known(one) for one in self.held.submit()])
        ]

    async def wait(self, timeout: float | None = None) -> Report:  # as the other door has it
        """As :meth:`Study.wait`; no thread waits."""
        experiments = await in_thread(self.held.submit)
        async with aclosing(self.held.reports([one.id for one in experiments], timeout)) as reports:
            async for report in reports:
                last = report
        return last


class AsyncFigure(Lent[Figure]):
    """A :class:`Figure`."""

    draw = awaited(Figure.draw)
    data = awaited(Figure.data)
    save = itself(Figure.save)
    change = itself(Figure.change)
    remove = awaited(Figure.remove)

    @property
    def id(self) -> str | None:
        """Its id, ``fig_...``, once it is saved."""
        return self.held.id

    @property
    def recipe(self) -> dict[str, Any]:
        """Its parts."""
        return self.held.recipe


class AsyncLab(Lent[Lab]):
    """A lab server, for programs with an event loop.

    It takes what :class:`Lab` takes, and has its methods.

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

    submit = handing(Lab.submit, AsyncExperiment)
    check = awaited(Lab.check)
    experiment = handing(Lab.experiment, AsyncExperiment)
    experiments = iterated(Lab.experiments, AsyncExperiment)
    table = awaited(Lab.table)
    cancel = awaited(Lab.cancel)
    import_runs = awaited(Lab.import_runs)
    compare = awaited(Lab.compare)
    compare_figure = awaited(Lab.compare_figure)
    reproduce = handing(Lab.reproduce, AsyncExperiment)
    fields = awaited(Lab.fields)
    figure_of = handing(Lab.figure_of, AsyncFigure)
    figures = iterated(Lab.figures, AsyncFigure)
    sweep = handing(Lab.sweep, AsyncSweep)
    check_sweep = awaited(Lab.check_sweep)
    sweep_of = handing(Lab.sweep_of, AsyncSweep)
    sweeps = iterated(Lab.sweeps, AsyncSweep)
    workers = awaited(Lab.workers)
    drain = awaited(Lab.drain)
    studies = awaited(Lab.studies)
    reports = awaited(Lab.reports)

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
        """Where it answers."""
        return self.held.url

    def close(self) -> None:
        """Closes the connections."""
        self.held.close()

    def query(
        self, q: str | None = None, *, sort: str | None = None, limit: int | None = None
    ) -> AsyncQuery:
        """As :meth:`Lab.query`; nothing is asked before they are wanted."""
        return AsyncQuery(self.held.query(q, sort=sort, limit=limit))

    def figure(self, query: str = "", *, x: str, **parts: Any) -> AsyncFigure:
        """As :meth:`Lab.figure`; nothing is asked before it is drawn or saved."""
        return AsyncFigure(self.held.figure(query, x=x, **parts))

    def study(self, name: str, size: Size = "quick") -> AsyncStudy:
        """As :meth:`Lab.study`; nothing runs before it is submitted."""
        return AsyncStudy(self.held.study(name, size))

    async def as_completed(
        self,
        experiments: Iterable[AsyncExperiment] | AsyncSweep | AsyncQuery,
        timeout: float | None = None,  # as the other door has it
    ) -> AsyncGenerator[AsyncExperiment, None]:
        """As :meth:`Lab.as_completed`; no thread waits."""
        held = (
            experiments.held if isinstance(experiments, Lent) else [one.held for one in experiments]
        )
        async with aclosing(moving(held, timeout)) as told:
            async for moved in told:
                for one in moved:
                    if one.record.is_final:
                        yield AsyncExperiment(one)
