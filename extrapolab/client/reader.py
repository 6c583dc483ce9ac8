"""Read access to a lab: find experiments, sweeps and studies, compare them, draw figures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from extrapolab.client import DEFAULT_URL
from extrapolab.client.completion import as_completed
from extrapolab.client.experiment import Experiment
from extrapolab.client.facets import LabFacets
from extrapolab.client.figure import Figure, FigureRecord
from extrapolab.client.files import save_figure
from extrapolab.client.paper import save_paper
from extrapolab.client.payloads import join_names
from extrapolab.client.query import Query
from extrapolab.client.rows import Rows
from extrapolab.client.study import Size
from extrapolab.client.sweep import Sweep
from extrapolab.client.transport import Transport
from extrapolab.models.experiments import Comparison, ComparisonFigure
from extrapolab.models.operations import Notice, Queue, Worker
from extrapolab.models.series import SeriesColumns
from extrapolab.models.studies import ReportSummary, StudyRecord
from extrapolab.models.sweeps import SweepRecord
from extrapolab.models.views import View


class LabReader(LabFacets):
    """Read access to a lab; :class:`extrapolab.Lab` adds what changes it."""

    def __init__(
        self, url: str | None = None, *, user: str | None = None, patience: float = 60.0
    ) -> None:
        self._transport = Transport(
            url or os.environ.get("EXTRAPOLAB_URL") or DEFAULT_URL,
            user=user or os.environ.get("EXTRAPOLAB_USER"),
            patience=patience,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lab {self.url}>"

    @property
    def url(self) -> str:
        """Its URL."""
        return self._transport.url

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def experiment(self, id: str) -> Experiment:  # noqa: A002  # the lab's word
        """Fetches the experiment with this id, or with a unique prefix of it.

        Raises:
            NotFound: The lab has none.
        """
        return Experiment(self._transport, id).refresh()

    def experiments(
        self, *, tag: str | None = None, state: str | None = None, limit: int | None = None
    ) -> Iterator[Experiment]:
        """Experiments, newest first, fetched page by page while you iterate.

        Args:
            tag: Only experiments with this tag.
            state: Only those in this state.
            limit: Most experiments to return; all by default.
        """
        return iter(Query(self._transport, tag=tag, state=state, limit=limit))

    def query(
        self, q: str | None = None, *, sort: str | None = None, limit: int | None = None
    ) -> Query:
        """The experiments that match a filter; nothing is fetched before it is used.

        Args:
            q: Such as ``tag:figure-1 and median(extrapolation_error) < 0.01``; all by default.
            sort: Such as ``-created,name``; newest first by default.
            limit: Most experiments to return; all by default.
        """
        return Query(self._transport, q, sort=sort, limit=limit)

    def table(
        self,
        q: str | None = None,
        *,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        group: bool = True,
        sort: str | None = None,
        limit: int | None = None,
    ) -> Rows:
        """Tabulates the runs of all completed experiments that match a filter.

        Args:
            q: The filter; all by default.
            by: Fields that the runs of a group share, such as ``student.start.scale``; everything
                but the seed by default.
            metrics: Such as ``extrapolation_error``; the lab chooses by default.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all by default.
            group: Whether to group runs, so that seeds are an axis; False gives one row per run.
            sort: Columns to sort by, such as ``-median(fit_error)``.
            limit: Most rows to return; all by default.

        Raises:
            Refused: The filter is not valid, or a name is unknown.

        Example:
            >>> rows = lab.table("tag:figure-1", by=["training.length"], metrics=["fit_error"])
            >>> rows.to_pandas()[["training.length", "seeds", "fitted"]]
               training.length  seeds  fitted
            0                6      3       3
        """
        query = Query(self._transport, q, limit=limit)
        return query.table(by, metrics, statistic, group=group, sort=sort)

    def series(
        self,
        q: str | None = None,
        *,
        ids: Iterable[str] | None = None,
        sweep: str | None = None,
        names: Iterable[str] | None = None,
        max_points: int | None = None,
        over: Literal["seeds"] | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> list[SeriesColumns]:
        """Recorded metrics of many experiments in any state, thinned, as charts need them.

        Args:
            q: The filter; all by default.
            ids: The experiments, instead of a filter; at most 500.
            sweep: Only the experiments of this sweep.
            names: Metrics; ``train_loss`` and ``extrapolation_error`` by default.
            max_points: Most steps per experiment, with the extremes of each metric; 200 by default.
            over: ``seeds`` for median and quartiles over the seeds, instead of each seed.
            sort: Such as ``-created,name``; newest first by default.
            limit: Most experiments to return; all by default.

        Raises:
            Refused: The filter is not valid, a name is unknown, or ``ids`` and a filter are given.

        Example:
            >>> for curves in lab.series("tag:figure-1", names=["fit_error"], over="seeds"):
            ...     print(curves.step[-1], curves.metrics["fit_error"]["median"][-1] < 0.1)
            5000 True
        """
        parameters = {
            "q": q,
            "ids": join_names(ids),
            "sweep": sweep,
            "names": join_names(names),
            "max_points": max_points,
            "over": over,
            "sort": sort,
        }
        items = self._transport.items("/v1/series", parameters, limit=limit)
        return [SeriesColumns.read(item) for item in items]

    def compare(self, *ids: str) -> Comparison:
        """Compares experiments: the fields of their specs that differ, and their final metrics.

        Raises:
            NotFound: The lab does not have one of them.
            Refused: They are fewer than two, or too many.
        """
        return Comparison.read(self._transport.get("/v1/compare", {"ids": ",".join(ids)}))

    def compare_figure(
        self, /, name: ComparisonFigure, *ids: str, path: str | Path | None = None, **options: Any
    ) -> Path:
        """Writes a figure that overlays experiments.

        Args:
            name: ``response``, ``training``, or relative to the first experiment ``response_ratio``
                or ``training_ratio``.
            ids: The experiments.
            path: Its extension chooses the format (.svg, .png, .pdf, .json, .txt). Default:
                ``NAME.svg`` in the current folder.
            options: The figure's query parameters. ``x="time"`` draws trainings over training time,
                ``x="step"`` over steps.

        Returns:
            The path of the file.

        Raises:
            Refused: The figure doesn't have such an option.
            Conflict: It can't be drawn, such as steps of gradient flow beside those of an
                optimizer.
        """
        address = f"/v1/compare/figures/{name}"
        return save_figure(self._transport, address, path, {"ids": ",".join(ids), **options})

    def as_completed(
        self, experiments: Iterable[Experiment], timeout: float | None = None
    ) -> Iterator[Experiment]:
        """Yields each experiment when it ends, whatever its final state.

        Args:
            experiments: Handles, or an iterable of them: a sweep, a query.
            timeout: Seconds to wait at most; None for no limit.

        Raises:
            TimeoutError: Not all have ended in time. They keep running.

        Example:
            >>> sweep = lab.sweep(base, [{"path": "training.length", "values": [5, 7]}])
            >>> for experiment in lab.as_completed(sweep):
            ...     print(experiment.state, len(experiment.runs))
            completed 3
            completed 3
        """
        return as_completed(experiments, timeout)

    def watch(self, experiments: Iterable[Experiment]) -> list[Experiment]:
        """Shows progress bars, in a terminal or a notebook, until all experiments have ended.

        Returns:
            Their handles in the given order; ``state`` says how each ended.

        Example:
            >>> experiment, = lab.watch([lab.submit(spec)])
            [1/1]  near zero  completed
            >>> experiment.state
            'completed'
        """
        from rich.console import Console  # noqa: PLC0415  # few programs need it

        from extrapolab.client.progress import show_progress  # noqa: PLC0415  # imports rich

        handles = [*experiments]
        show_progress(handles, Console())
        return handles

    def figure(self, query: str = "", *, x: str, **parts: Any) -> Figure:
        """A figure of what a filter finds; nothing is sent before it is drawn or saved.

        Args:
            query: The filter; all experiments by default.
            x: A field, such as ``training.length``; ``step``, ``time`` (training time), ``lag`` or
                ``rank`` for whole curves; or a metric for a point per run at its end.
            parts: ``y`` (a metric), ``series`` and ``facets`` (fields), ``kind`` (``lines`` or
                ``heatmap``), ``statistic`` (median, mean, q1, q3, min, max), ``band`` (quartiles,
                range, standard_error, none), ``x_scale`` and ``y_scale`` (auto, linear, log),
                ``name``.

        Example:
            >>> data = lab.figure("tag:figure-1", x="step", y="fit_error").data()
            >>> [line["y"][-1] < 0.1 for line in data["panels"][0]["lines"]]
            [True]
        """
        return Figure(self._transport, {"query": query, "x": x, **parts})

    def figure_of(self, id: str) -> Figure:  # noqa: A002  # the lab's word
        """Fetches the saved figure with this id.

        Raises:
            NotFound: The lab has none.
        """
        answer = self._transport.get(f"/v1/figures/{quote(id, safe='')}")
        return Figure(self._transport, FigureRecord.read(answer))

    def figures(self, *, limit: int | None = None) -> Iterator[Figure]:
        """Saved figures, newest first, fetched page by page while you iterate."""
        for item in self._transport.items("/v1/figures", limit=limit):
            yield Figure(self._transport, FigureRecord.read(item))

    def paper(
        self, /, folder: str | Path, *figures: str, overwrite: bool = False, **look: Any
    ) -> Path:
        """Writes up saved figures for a paper; studies, sweeps and queries have ``paper``, too.

        Args:
            folder: Where to write the files; made if there is none.
            figures: Ids of saved figures, ``fig_...``.
            overwrite: Whether to replace the files of a paper that is there.
            look: ``width`` and ``font_size``, which come before those of the figures.

        Raises:
            NotFound: The lab has no such figure.
            Conflict: No experiment that they show is completed yet.
            FileExistsError: The folder is not empty.
        """
        parameters = {"figures": ",".join(figures), **look}
        return save_paper(self._transport, folder, parameters, overwrite=overwrite)

    def sweep_of(self, id: str) -> Sweep:  # noqa: A002  # the lab's word
        """Fetches the sweep with this id, or with a unique prefix of it.

        Raises:
            NotFound: The lab has none.
        """
        return Sweep(self._transport, id).refresh()

    def sweeps(self, *, limit: int | None = None) -> Iterator[Sweep]:
        """Sweeps, newest first, fetched page by page while you iterate."""
        for item in self._transport.items("/v1/sweeps", limit=limit):
            yield Sweep(self._transport, SweepRecord.read(item))

    def views(self, page: str | None = None) -> list[View]:
        """Saved views by name: all of them, or those of a page such as ``experiments``."""
        return [View.read(item) for item in self._transport.items("/v1/views", {"page": page})]

    def workers(self) -> list[Worker]:
        """The lab's worker slots and what each of them runs."""
        return [Worker.read(item) for item in self._transport.items("/v1/workers")]

    def queue(self, *, limit: int = 50) -> Queue:
        """Reads the queue: what runs and waits on each device, and which experiments start next.

        Args:
            limit: Most of the next experiments to return, up to 500.
        """
        return Queue.read(self._transport.get("/v1/queue", {"limit": limit}))

    def attention(self) -> list[Notice]:
        """Reads what needs somebody, most urgent first: failures, silent workers, a full disk."""
        return [Notice.read(item) for item in self._transport.get("/v1/attention")["items"]]

    def studies(self) -> list[StudyRecord]:
        """The studies that the lab offers."""
        return [StudyRecord.read(item) for item in self._transport.items("/v1/studies")]

    def reports(self, size: Size = "quick") -> list[ReportSummary]:
        """The state of every study in this size, and how many of its claims hold."""
        items = self._transport.items("/v1/studies/report", {"size": size})
        return [ReportSummary.read(item) for item in items]
