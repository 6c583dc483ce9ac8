"""A handle on one sweep in a lab: a base spec and axes over its fields, run as one experiment per point."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from extrapolab.client import events, notebook
from extrapolab.client.experiment import Experiment, save_figure
from extrapolab.client.payloads import joined
from extrapolab.client.rows import Rows
from extrapolab.client.transport import LARGEST_PAGE, Transport
from extrapolab.models.sweeps import (
    SweepGrid,
    SweepMember,
    SweepRecord,
    SweepRow,
    SweepSubmission,
    SweepWarning,
)


class Sweep:
    """One sweep of a lab.

    What it says is as of the last :meth:`refresh`; the first question asks the lab.

    Example:
        >>> sweep = lab.sweep(base, [{"path": "training.length", "values": [4, 6]}], name="error against k")
        >>> sweep.wait().state
        'completed'
        >>> sweep.figure("lines", "error.svg").name
        'error.svg'

    Attributes:
        id: Its id, ``swp_...``.
        created: How many experiments the last submission or extension queued.
        reused: How many of its experiments the lab had already.
        warnings: What is questionable about its experiments, though legal.
    """

    def __init__(self, transport: Transport, known: str | SweepRecord | SweepSubmission) -> None:
        self.id = known if isinstance(known, str) else known.id
        self.created, self.reused = 0, 0
        self.warnings: tuple[SweepWarning, ...] = ()
        self._transport = transport
        self._record = known if isinstance(known, SweepRecord) else None
        if isinstance(known, SweepSubmission):
            self._note(known)

    def __repr__(self) -> str:
        state = self._record.state if self._record else "not looked at yet"
        return f"<Sweep {self.id}, {state}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how far it is, and its first figure once everything has ended."""
        record = self.refresh().record
        counts = [
            {"state": state, "experiments": count}
            for state, count in record.counts.items()
            if count
        ]
        picture = (
            notebook.picture(self._transport, f"{self._path}/figures/lines.svg")
            if record.is_final
            else ""
        )
        return notebook.page(record.name or self.id, record.state, notebook.table(counts), picture)

    @property
    def url(self) -> str:
        """Where the lab answers for it."""
        return self._transport.url + self._path

    @property
    def record(self) -> SweepRecord:
        """All that the lab said of it at the last refresh, its members left out."""
        return self._record or self.refresh().record

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``completed``, or ``incomplete``: nothing is pending, but some did not complete."""
        return self.record.state

    @property
    def counts(self) -> dict[str, int]:
        """How many of its experiments are in each state."""
        return self.record.counts

    def refresh(self) -> Self:
        """Asks the lab again."""
        answer = self._transport.get(self._path, {"limit": 1})
        answer.pop("members", None)
        self._record = SweepRecord.read(answer)
        self.id = self._record.id  # what was asked for may have been cut short
        return self

    def wait(
        self, timeout: float | None = None, observe: Callable[[Self], None] | None = None
    ) -> Self:
        """Waits until nothing of it is pending; ``state`` says whether all completed.

        Args:
            timeout: Seconds to wait at most; ``None`` waits as long as it takes.
            observe: Is called with this handle after each look.

        Raises:
            TimeoutError: It is not done yet. It goes on all the same.
        """
        for _ in events.driven(self.looks(timeout)):
            if observe is not None:
                observe(self)
        return self

    async def looks(self, timeout: float | None) -> AsyncGenerator[None, None]:
        """Looks at it whenever one of its experiments moves on, until none is pending; for programs with a loop."""
        async with aclosing(events.follow(self._transport, self._members, timeout)) as told:
            async for heard in told:
                if heard.progress and not heard.states:
                    continue  # of single experiments: no count changes
                await events.in_thread(self.refresh)
                yield
                if self.record.is_final:
                    return
        raise TimeoutError(
            f"Sweep {self.id} is {self.state} after {timeout:g} s. It goes on: wait again."
        )

    def _members(self) -> list[str]:
        return [member.experiment for member in self.members()]

    def members(self) -> Iterator[SweepMember]:
        """Its experiments with their coordinates, asked for page by page while you iterate."""
        cursor: str | None = None
        while True:
            page = self._transport.get(self._path, {"limit": LARGEST_PAGE, "cursor": cursor})[
                "members"
            ]
            yield from map(SweepMember.read, page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def __iter__(self) -> Iterator[Experiment]:
        return self.experiments()

    def experiments(self) -> Iterator[Experiment]:
        """Handles on its experiments, in the order of its members."""
        return (Experiment(self._transport, member.experiment) for member in self.members())

    def rows(
        self, metrics: Iterable[str] | None = None, statistic: Iterable[str] | None = None
    ) -> list[SweepRow]:
        """Its experiments with statistics over their seeds.

        Args:
            metrics: Such as ``extrapolation_error``; the lab's choice where left out.
            statistic: Among median, q1, q3, mean, min and max; all of them where left out.
        """
        answer = self._transport.get(f"{self._path}/table", chosen(metrics, statistic))
        return [SweepRow.read(row) for row in answer["rows"]]

    def table(
        self, metrics: Iterable[str] | None = None, statistic: Iterable[str] | None = None
    ) -> Rows:
        """The same as plain rows: coordinates by path, ``experiment``, ``state``, ``metric.statistic`` and so on.

        Example:
            >>> for row in sweep.table(["fit_error"], ["median"]):
            ...     print(row["training.length"], row["state"], row["fit_error.median"] < 0.1)
            4 completed True
            6 completed True
        """
        return Rows(row.flat for row in self.rows(metrics, statistic))

    def table_csv(
        self,
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        crossed: Mapping[str, str | None] | None = None,
    ) -> str:
        """The same as the lab writes it, with numbers that are read back exactly; ``rows`` and ``columns`` crossed."""
        parameters = {**chosen(metrics, statistic), "format": "csv", **(crossed or {})}
        name = "table" if crossed is None else "grid"
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
            rows: The path of the axis that runs down; as in the heat map where left out.
            columns: The path of the axis that runs to the right.
            metrics: Such as ``extrapolation_error``; the lab's choice where left out.
            statistic: Among median, q1, q3, mean, min, max and standard_error; median and quartiles
                where left out.

        Example:
            >>> scales = {"path": "student.start.scale", "values": [0.001, 0.01]}
            >>> crossed = lab.sweep(base, [{"path": "training.length", "values": [4, 6]}, scales]).wait()
            >>> found = crossed.grid("student.start.scale", "training.length", ["fit_error"], ["median"])
            >>> [[error < 0.1 for error in row] for row in found.metrics["fit_error"]["median"]]
            [[True, True], [True, True]]
        """
        parameters = {**chosen(metrics, statistic), "rows": rows, "columns": columns}
        return SweepGrid.read(self._transport.get(f"{self._path}/grid", parameters))

    def figure(
        self,
        name: Literal["lines", "heatmap"],
        path: str | Path | None = None,
        *,
        x: str | None = None,
        y: str | None = None,
        series: str | None = None,
    ) -> Path:
        """Writes a figure to a file, whose ending chooses the format (.svg, .png, .pdf, .json).

        Args:
            name: ``lines``: a metric against one axis, a line per value of another. ``heatmap``:
                its median on both.
            path: Where to. Default: ``NAME.svg`` here.
            x: The path of the horizontal axis; the first axis of numbers where left out.
            y: The metric; ``relative_extrapolation_error`` where left out.
            series: The path of the other axis; the next one where left out.

        Returns:
            The path of the file.
        """
        target = Path(path or f"{name}.svg")
        return save_figure(
            self._transport,
            f"{self._path}/figures/{name}",
            target,
            {"x": x, "y": y, "series": series},
        )

    def extend(self, axes: Sequence[Mapping[str, Any]]) -> Self:
        """Gives it other axes, wider or more of them; what is missing is queued, and its members stay."""
        answer = self._transport.post(
            f"{self._path}:extend", {"axes": [*map(dict, axes)]}, repeatable=True
        )
        self._note(SweepSubmission.read(answer))
        return self.refresh()

    def cancel(self) -> Self:
        """Cancels what is queued or running of it, but those experiments that another sweep has too."""
        self._transport.post(f"{self._path}:cancel", repeatable=True)
        return self.refresh()

    def retry(self) -> Self:
        """Queues again what failed or was cancelled of it."""
        self._transport.post(f"{self._path}:retry", repeatable=True)
        return self.refresh()

    def _note(self, submission: SweepSubmission) -> None:
        self.created, self.reused, self.warnings = (
            submission.created,
            submission.reused,
            submission.warnings,
        )

    @property
    def _path(self) -> str:
        return f"/v1/sweeps/{quote(self.id, safe='')}"


def chosen(metrics: Iterable[str] | None, statistic: Iterable[str] | None) -> dict[str, str | None]:
    """Which numbers of a table are wanted, as parameters."""
    return {
        "metrics": joined(metrics),
        "statistic": joined(statistic),
    }
