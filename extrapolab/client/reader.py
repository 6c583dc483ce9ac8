"""Read access to a lab: find experiments, sweeps and studies, compare them, draw figures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from extrapolab.client import DEFAULT_URL
from extrapolab.client.answers.files import save_figure, save_paper
from extrapolab.client.connection.transport import Transport
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.figure import Figure, FigureRecord
from extrapolab.client.handles.study import Size
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.queries import LabQueries
from extrapolab.client.requests.references import Reference, References, id_of, ids_of
from extrapolab.models.experiments import Comparison, ComparisonFigure
from extrapolab.models.operations import Notice, Queue, Worker
from extrapolab.models.studies import ReportSummary, StudyRecord
from extrapolab.models.sweeps import SweepRecord
from extrapolab.models.views import View


class LabReader(LabQueries):
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

    def experiment(self, id: Reference) -> Experiment:  # noqa: A002  # the lab's word
        """Fetches the experiment with this id, unique prefix of an id or name; or ``@latest``.

        Raises:
            NotFound: The lab has none.
        """
        return Experiment(self._transport, id_of(id)).refresh()

    def compare(self, *ids: References) -> Comparison:
        """Compares experiments: the fields of their specs that differ, and their final metrics.

        Raises:
            NotFound: The lab does not have one of them.
            Refused: They are fewer than two, or too many.
        """
        return Comparison.read(self._transport.get("/v1/compare", {"ids": ",".join(ids_of(*ids))}))

    def compare_figure(
        self,
        /,
        name: ComparisonFigure,
        *ids: References,
        path: str | Path | None = None,
        **options: Any,
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
        return save_figure(
            self._transport, address, path, {"ids": ",".join(ids_of(*ids)), **options}
        )

    def as_completed(
        self, experiments: References, timeout: float | None = None
    ) -> Iterator[Experiment]:
        """Yields each experiment when it ends, whatever its final state.

        Args:
            experiments: A handle or an id, or an iterable of them: a list, a sweep, a query.
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
        from extrapolab.client.handles import completion  # noqa: PLC0415  # few programs wait so

        return completion.as_completed(self._handles(experiments), timeout)

    def watch(self, experiments: References) -> list[Experiment]:
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

        handles = [*self._handles(experiments)]
        show_progress(handles, Console())
        return handles

    def _handles(self, experiments: References) -> Iterator[Experiment]:
        """Handles on experiments: those given, and new ones of ids."""
        if isinstance(experiments, Experiment | str) or not isinstance(experiments, Iterable):
            experiments = [experiments]
        for given in experiments:
            yield given if isinstance(given, Experiment) else self.experiment(given)

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

    def figure_of(self, id: Reference) -> Figure:  # noqa: A002  # the lab's word
        """Fetches the saved figure with this id, unique prefix of an id or name; or ``@latest``.

        Raises:
            NotFound: The lab has none.
        """
        answer = self._transport.get(f"/v1/figures/{quote(id_of(id), safe='')}")
        return Figure(self._transport, FigureRecord.read(answer))

    def figures(self, *, limit: int | None = None) -> Iterator[Figure]:
        """Saved figures, newest first, fetched page by page while you iterate."""
        for item in self._transport.items("/v1/figures", limit=limit):
            yield Figure(self._transport, FigureRecord.read(item))

    def paper(
        self, /, folder: str | Path, *figures: References, overwrite: bool = False, **look: Any
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
        parameters = {"figures": ",".join(ids_of(*figures)), **look}
        return save_paper(self._transport, folder, parameters, overwrite=overwrite)

    def sweep_of(self, id: Reference) -> Sweep:  # noqa: A002  # the lab's word
        """Fetches the sweep with this id, unique prefix of an id or name; or ``@latest``.

        Raises:
            NotFound: The lab has none.
        """
        return Sweep(self._transport, id_of(id)).refresh()

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
