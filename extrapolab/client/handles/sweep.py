"""A handle on a sweep: a base spec and axes over its fields, with one experiment per point."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from extrapolab.client.answers import notebook
from extrapolab.client.answers.files import save_figure, save_paper
from extrapolab.client.answers.rows import Rows
from extrapolab.client.connection.transport import Parameters
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.query import Query
from extrapolab.client.handles.sweep_handle import SweepHandle
from extrapolab.client.requests.payloads import table_parameters
from extrapolab.client.requests.specs import Axes, axes_body
from extrapolab.models.sweeps import (
    SweepGrid,
    SweepRefinement,
    SweepRow,
    SweepSubmission,
)


class Sweep(SweepHandle):
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

    def extend(self, axes: Axes) -> Self:
        """Replaces its axes with wider or further ones and queues what is missing."""
        body = {"axes": axes_body(axes)}
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
