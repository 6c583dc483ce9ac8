"""A handle on a sweep: a base spec and axes over its fields, with one experiment per point."""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from extrapolab.client import notebook
from extrapolab.client.experiment import Experiment
from extrapolab.client.files import save_figure
from extrapolab.client.paper import save_paper
from extrapolab.client.payloads import table_parameters
from extrapolab.client.query import Query
from extrapolab.client.rows import Rows
from extrapolab.client.threads import call_in_thread, iterate_sync
from extrapolab.client.transport import Parameters, Transport
from extrapolab.models.sweeps import (
    SweepGrid,
    SweepMember,
    SweepRecord,
    SweepRefinement,
    SweepRow,
    SweepSubmission,
    SweepWarning,
)
from extrapolab.suggestions import Suggesting


class Sweep(Suggesting):
    """One sweep of a lab.

    Its attributes are as of the last :meth:`refresh`; the first access asks the lab.

    Example:
        >>> axes = [{"path": "training.length", "values": [4, 6]}]
        >>> sweep = lab.sweep(base, axes, name="error against k")
        >>> sweep.wait().state
        'completed'
        >>> sweep.figure("lines", "error.svg").name
        'error.svg'

    Attributes:
        id: Its id, ``swp_...``.
        created: Number of experiments that the last submission or extension queued.
        reused: Number of its experiments that the lab already had.
        warnings: Warnings about specs in it, which are valid but questionable.
    """

    def __init__(self, transport: Transport, source: str | SweepRecord | SweepSubmission) -> None:
        self.id = source if isinstance(source, str) else source.id
        self.created, self.reused = 0, 0
        self.warnings: tuple[SweepWarning, ...] = ()
        self._transport = transport
        self._record = source if isinstance(source, SweepRecord) else None
        if isinstance(source, SweepSubmission):
            self._note_submission(source)

    def __repr__(self) -> str:
        state = self._record.state if self._record else "not fetched yet"
        return f"<Sweep {self.id}, {state}>"

    def _repr_html_(self) -> str:
        """Returns its counts and, once it has ended, its first figure for a notebook."""
        record = self.refresh().record
        counts = [
            {"state": state, "experiments": count}
            for state, count in record.counts.items()
            if count
        ]
        picture = ""
        if record.is_final:
            picture = notebook.picture(self._transport, f"{self._path}/figures/lines.svg")
        table = notebook.table(counts)
        return notebook.page(self.page, record.name or self.id, record.state, table, picture)

    @property
    def url(self) -> str:
        """Its address in the lab's HTTP interface."""
        return self._transport.url + self._path

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return f"{self._transport.url}/sweeps/{quote(self.id, safe='')}"

    @property
    def record(self) -> SweepRecord:
        """Everything but the members that the lab reported at the last refresh."""
        return self._record or self.refresh().record

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``completed``, or ``incomplete`` if some did not complete."""
        return self.record.state

    @property
    def counts(self) -> dict[str, int]:
        """Number of its experiments in each state."""
        return self.record.counts

    def refresh(self) -> Self:
        """Fetches its current record."""
        answer = self._transport.get(self._path, {"limit": 1})
        answer.pop("members", None)
        self._record = SweepRecord.read(answer)
        self.id = self._record.id  # the id may have been abbreviated
        return self

    def wait(
        self, timeout: float | None = None, observe: Callable[[Self], None] | None = None
    ) -> Self:
        """Waits until nothing in it is pending; ``state`` says whether everything completed.

        Args:
            timeout: Seconds to wait at most; None for no limit.
            observe: Called with this handle after each refresh.

        Raises:
            TimeoutError: It has not ended in time. It keeps running.
        """
        for _ in iterate_sync(self.follow(timeout)):
            if observe is not None:
                observe(self)
        return self

    async def follow(self, timeout: float | None) -> AsyncGenerator[None, None]:
        """Refreshes after each change of state, until none is pending; for an event loop."""
        from extrapolab.client import events  # noqa: PLC0415  # loads asyncio

        async with aclosing(events.follow(self._transport, self._member_ids, timeout)) as batches:
            async for batch in batches:
                if batch.only_progress:
                    continue  # no count changes
                await call_in_thread(self.refresh)
                yield
                if self.record.is_final:
                    return
        raise TimeoutError(
            f"Sweep {self.id} is still {self.state} after {timeout:g} s. Wait again."
        )

    def _member_ids(self) -> list[str]:
        return [member.experiment for member in self.members()]

    def members(self) -> Iterator[SweepMember]:
        """Its experiments with their coordinates, fetched page by page while you iterate."""
        return map(SweepMember.read, self._transport.items(self._path, within="members"))

    def __iter__(self) -> Iterator[Experiment]:
        return self.experiments()

    def experiments(self) -> Iterator[Experiment]:
        """Handles on its experiments, in the order of its members."""
        return (Experiment(self._transport, member.experiment) for member in self.members())

    def rows(
        self,
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        sort: str | None = None,
    ) -> list[SweepRow]:
        """Its experiments with statistics over their seeds.

        Args:
            metrics: Such as ``extrapolation_error``; the lab chooses by default.
            statistic: Among median, q1, q3, mean, min and max; all by default.
            sort: As of a query, such as ``-median(fit_error)``; by the axes by default.

        Raises:
            Refused: A name is unknown.
        """
        answer = self._transport.get(f"{self._path}/table", table_parameters(metrics, statistic))
        rows = [SweepRow.read(row) for row in answer["rows"]]
        if sort is None:
            return rows
        whole_id = self.refresh().id
        sorted_ids = Query(self._transport, f"sweep:{whole_id}", sort=sort).select("id")
        place = {row["id"]: number for number, row in enumerate(sorted_ids)}
        return sorted(rows, key=lambda row: place.get(row.experiment, len(place)))

    def table(
        self,
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        sort: str | None = None,
    ) -> Rows:
        """Plain rows: coordinates, ``experiment``, ``state``, ``metric.statistic``.

        The arguments are those of :meth:`rows`.

        Example:
            >>> for row in sweep.table(["fit_error"], ["median"]):
            ...     print(row["training.length"], row["state"], row["fit_error.median"] < 0.1)
            4 completed True
            6 completed True
        """
        return Rows(row.flat for row in self.rows(metrics, statistic, sort=sort))

    def table_csv(
        self,
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        crossed: Mapping[str, str | None] | None = None,
        safe: bool = False,
    ) -> str:
        """The table as CSV with exact numbers; ``crossed`` names ``rows`` and ``columns``.

        ``safe`` text has an apostrophe in front where a spreadsheet would compute it.
        """
        name = "table" if crossed is None else "grid"
        parameters = {**table_parameters(metrics, statistic), "format": "csv", **(crossed or {})}
        if safe:
            parameters["safe"] = "true"
        return self._transport.get_bytes(f"{self._path}/{name}", parameters).decode()

    def grid(
        self,
        rows: str | None = None,
        columns: str | None = None,
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
    ) -> SweepGrid:
        """Two of its axes crossed, with statistics over seeds in each cell.

        Args:
            rows: The path of the vertical axis; as in the heat map by default.
            columns: The path of the horizontal axis.
            metrics: Such as ``extrapolation_error``; the lab chooses by default.
            statistic: Among median, q1, q3, mean, min, max and standard_error; median and quartiles
                by default.

        Example:
            >>> lengths = {"path": "training.length", "values": [4, 6]}
            >>> scales = {"path": "student.start.scale", "values": [0.001, 0.01]}
            >>> sweep = lab.sweep(base, [lengths, scales]).wait()
            >>> grid = sweep.grid(scales["path"], lengths["path"], ["fit_error"], ["median"])
            >>> [[error < 0.1 for error in row] for row in grid.metrics["fit_error"]["median"]]
            [[True, True], [True, True]]
        """
        parameters = {**table_parameters(metrics, statistic), "rows": rows, "columns": columns}
        return SweepGrid.read(self._transport.get(f"{self._path}/grid", parameters))

    def figure(
        self,
        /,
        name: Literal["lines", "heatmap"],
        path: str | Path | None = None,
        *,
        x: str | None = None,
        y: str | None = None,
        series: str | None = None,
        **options: Any,
    ) -> Path:
        """Writes a figure to a file.

        Args:
            name: ``lines``: a metric against one axis, one line per value of another. ``heatmap``:
                its median on both.
            path: Its extension chooses the format (.svg, .png, .pdf, .json, .txt). Default:
                ``NAME.svg`` in the current folder.
            x: The path of the horizontal axis; the first numeric axis by default.
            y: The metric; ``relative_extrapolation_error`` by default.
            series: The path of the other axis; the next one by default.
            options: Further query parameters of the figure.

        Returns:
            The path of the file.
        """
        parameters = {"x": x, "y": y, "series": series, **options}
        return save_figure(self._transport, f"{self._path}/figures/{name}", path, parameters)

    def paper(self, /, folder: str | Path, *, overwrite: bool = False, **look: Any) -> Path:
        """Writes the sweep up for a paper, from the experiments completed so far.

        Its figures in the style ``paper`` with their captions, the works that are named, the
        setup and provenance, and a LaTeX document of all of it.

        Args:
            folder: Where to write the files; made if there is none.
            overwrite: Whether to replace the files of a paper that is there.
            look: ``width`` (inches, or ``neurips``, ``iclr``, ``ieee`` and others) and
                ``font_size``.

        Raises:
            Conflict: No experiment is completed yet.
            FileExistsError: The folder is not empty.
        """
        parameters = {"sweep": self.id, **look}
        return save_paper(self._transport, folder, parameters, overwrite=overwrite)

    def extend(self, axes: Sequence[Mapping[str, Any]]) -> Self:
        """Replaces its axes with wider or further ones and queues what is missing."""
        body = {"axes": [*map(dict, axes)]}
        answer = self._transport.post(f"{self._path}:extend", body, repeatable=True)
        self._note_submission(SweepSubmission.read(answer))
        return self.refresh()

    def refine(
        self,
        axis: str,
        where: str | None = None,
        *,
        tolerance: float | None = None,
        scale: Literal["linear", "log"] | None = None,
        rounds: int | None = None,
        dry_run: bool = False,
        observe: Callable[[SweepRefinement], None] | None = None,
    ) -> SweepRefinement:
        """Finds where a verdict flips along an axis, by bisection; waits after each round.

        Args:
            axis: The path of an axis with numbers.
            where: The verdict, a filter; ``median(relative_extrapolation_error) < 0.1`` by default.
            tolerance: How close: by default 1 for whole numbers, a relative 0.1 on a logarithmic
                scale, else a hundredth of the axis.
            scale: That of the axis by default.
            rounds: Stop after so many rounds, without waiting for the last.
            dry_run: Only say where the verdict flips.
            observe: Called with the answer to each round.

        Raises:
            Conflict: Experiments of the sweep are pending; :meth:`wait` for them.
        """
        asked = {"axis": axis, "where": where, "tolerance": tolerance, "scale": scale}
        body = {name: value for name, value in asked.items() if value is not None}
        parameters = {"dry_run": "true"} if dry_run else None
        for number in itertools.count(1):
            answer = self._transport.post(f"{self._path}:refine", body, parameters)
            found = SweepRefinement.read(answer)
            if observe is not None:
                observe(found)
            if dry_run or found.is_final or number == rounds:
                break
            self.wait()
        return found

    def cancel(self) -> Self:
        """Cancels its pending experiments, except those that another sweep has too."""
        self._transport.post(f"{self._path}:cancel", repeatable=True)
        return self.refresh()

    def retry(self, *, max_seconds: float | None = None, max_memory_mb: int | None = None) -> Self:
        """Queues its failed and cancelled experiments again, on demand with new limits."""
        limits: Parameters = {"max_seconds": max_seconds, "max_memory_mb": max_memory_mb}
        self._transport.post(f"{self._path}:retry", parameters=limits, repeatable=True)
        return self.refresh()

    def delete(self, *, experiments: bool = False) -> None:
        """Deletes it permanently once none of its experiments is pending.

        Args:
            experiments: Whether to delete its experiments too, with their results, except those
                that another sweep has. By default they stay.

        Raises:
            Conflict: Some of its experiments are pending, or an unfinished one starts from one of
                them.
        """
        self._transport.delete(self._path, {"experiments": "delete"} if experiments else None)

    def _note_submission(self, submission: SweepSubmission) -> None:
        self.created, self.reused = submission.created, submission.reused
        self.warnings = submission.warnings

    @property
    def _path(self) -> str:
        return f"/v1/sweeps/{quote(self.id, safe='')}"
