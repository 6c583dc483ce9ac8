"""A question to a lab: the experiments that a filter finds, in an order."""

import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from extrapolab.client import notebook
from extrapolab.client.experiment import Experiment
from extrapolab.client.payloads import joined
from extrapolab.client.rows import Rows
from extrapolab.client.sweep import chosen
from extrapolab.client.transport import LARGEST_PAGE, Parameters, Transport
from extrapolab.models.experiments import ExperimentRecord, Group, GroupedRun

What = Literal["runs", "series", "experiments"]


class Query:
    """The experiments that a filter finds.

    Nothing is asked before they are wanted, and each time anew.

    Example:
        >>> found = lab.query("tag:figure-1 and median(extrapolation_error) < 1e-3")
        >>> for experiment in found:
        ...     print(experiment.spec.name, experiment.state)
        near zero completed
    """

    def __init__(
        self,
        transport: Transport,
        q: str | None = None,
        *,
        sort: str | None = None,
        limit: int | None = None,
        tag: str | None = None,
        state: str | None = None,
    ) -> None:
        self.q, self.sort, self.limit = q, sort, limit
        self._transport = transport
        self._asked: Parameters = {"q": q, "sort": sort, "tag": tag, "state": state}

    def __repr__(self) -> str:
        return f"<Query {self.q!r}, {self.sort or 'the newest first'}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the first of them."""
        first = itertools.islice(self, notebook.MOST_ROWS)
        rows = [{"id": one.id, "state": one.state, "name": one.record.name} for one in first]
        return notebook.page(self.q or "All experiments", "", notebook.table(rows), "")

    def __iter__(self) -> Iterator[Experiment]:
        """Handles on them, asked for page by page while you iterate."""
        size = LARGEST_PAGE if self.limit is None else min(self.limit, LARGEST_PAGE)
        items = self._transport.items("/v1/experiments", {**self._asked, "limit": size})
        for item in itertools.islice(items, self.limit):
            record = ExperimentRecord.read(item)
            yield Experiment(self._transport, record.id, record=record)

    def rows(
        self,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
    ) -> Iterator[Group]:
        """The runs of those that are completed, in groups, with statistics over each.

        Args:
            by: Fields that the runs of a group share, such as ``student.start.scale``; all but the
                seed by default.
            metrics: Such as ``extrapolation_error``; the lab's choice where left out.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all of them where
                left out.
        """
        return map(Group.read, self._table(by, metrics, statistic, "true"))

    def table(
        self,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        group: bool = True,
    ) -> Rows:
        """The same as plain rows, or with ``group=False`` one for each run: its fields, seed, outcome and metrics.

        Example:
            >>> [row["seeds"] for row in lab.query("tag:figure-1").table(["training.length"])]
            [3]
        """
        items = self._table(by, metrics, statistic, "true" if group else "false")
        return Rows((Group if group else GroupedRun).read(item).flat for item in items)

    def export(
        self,
        path: str | Path,
        what: What = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
    ) -> Path:
        """Writes all of them to a file, however many they are; its ending chooses the format.

        Args:
            path: Ends in .csv, .json, .ndjson, .parquet or .arrow.
            what: A row for each run (``runs``), recorded point (``series``) or experiment
                (``experiments``).
            fields: Of the experiment, beside the numbers, such as ``training.length``; the usual
                ones where left out.
            metrics: Such as ``train_loss``; all of them where left out.

        Raises:
            ValueError: The path has no ending.
        """
        target = Path(path)
        if not target.suffix:
            raise ValueError(
                f"the file needs an ending that names its format, such as .parquet; it is {str(path)!r}"
            )
        self._transport.download(
            "/v1/export", self._exported(what, target.suffix[1:], fields, metrics), target
        )
        return target

    def bundle(self, path: str | Path = "extrapolab.zip") -> Path:
        """Writes all that is known of them to a zip: specs, results, recorded points, figures, provenance."""
        target = Path(path)
        self._transport.download("/v1/bundle", self._asked, target)
        return target

    def to_pandas(
        self,
        what: What = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
    ) -> Any:
        """All of them as a ``pandas.DataFrame``, with the rows of :meth:`export`.

        Needs pandas and pyarrow.

        Example:
            >>> frame = lab.query("tag:figure-1").to_pandas()
            >>> frame.groupby("training.length").seed.count()
            training.length
            6    3
            Name: seed, dtype: int64
        """
        import pandas  # noqa: PLC0415  # only of those who have it

        return pandas.read_parquet(self._parquet(what, fields, metrics))

    def to_polars(
        self,
        what: What = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
    ) -> Any:
        """All of them as a ``polars.DataFrame``, with the rows of :meth:`export`. Needs polars."""
        import polars  # noqa: PLC0415  # only of those who have it

        return polars.read_parquet(self._parquet(what, fields, metrics))

    def _parquet(
        self, what: What, fields: Iterable[str] | None, metrics: Iterable[str] | None
    ) -> io.BytesIO:
        return io.BytesIO(
            self._transport.get_bytes(
                "/v1/export", self._exported(what, "parquet", fields, metrics)
            )
        )

    def _exported(
        self, what: What, form: str, fields: Iterable[str] | None, metrics: Iterable[str] | None
    ) -> dict[str, Any]:
        own = {"fields": joined(fields), **chosen(metrics, None)}
        del own["statistic"]
        return {**self._asked, **own, "what": what, "format": form}

    def _table(
        self,
        by: Iterable[str],
        metrics: Iterable[str] | None,
        statistic: Iterable[str] | None,
        group: str,
    ) -> Iterator[Any]:
        asked = {**chosen(metrics, statistic), "q": self.q, "by": joined(by), "group": group}
        return itertools.islice(self._transport.items("/v1/table", asked), self.limit)
