"""A query: the experiments that match a filter, in an order."""

import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from extrapolab.client.answers import notebook
from extrapolab.client.answers.bundle import BundleProgress, counting
from extrapolab.client.answers.files import file_format, save_paper
from extrapolab.client.answers.rows import Rows, as_number
from extrapolab.client.connection.transport import Parameters, Transport
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.requests.payloads import join_names, table_parameters
from extrapolab.models.experiments import ExperimentRecord
from extrapolab.models.tables import Group, GroupedRun
from extrapolab.suggestions import Suggesting

RowKind = Literal["runs", "series", "experiments"]


class Query(Suggesting):
    """The experiments that match a filter.

    Nothing is fetched before it is used, and each use fetches again.

    Example:
        >>> for experiment in lab.query("tag:figure-1 and median(extrapolation_error) < 1e-3"):
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
        self._parameters: Parameters = {"q": q, "sort": sort, "tag": tag, "state": state}

    def __repr__(self) -> str:
        return f"<Query {self.q!r}, {self.sort or 'newest first'}>"

    def _repr_html_(self) -> str:
        """Returns the first experiments for a notebook."""
        rows = [
            {"id": experiment.id, "state": experiment.state, "name": experiment.record.name}
            for experiment in itertools.islice(self, notebook.MAX_ROWS)
        ]
        return notebook.page(self.page, self.q or "All experiments", "", notebook.table(rows), "")

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        given = {"q": self.q, "sort": self.sort}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{self._transport.url}/experiments" + (f"?{query}" if query else "")

    def __iter__(self) -> Iterator[Experiment]:
        """Handles on the experiments, fetched page by page while you iterate."""
        items = self._transport.items("/v1/experiments", self._parameters, limit=self.limit)
        for item in items:
            record = ExperimentRecord.read(item)
            yield Experiment(self._transport, record.id, record=record)

    def select(self, *columns: str) -> Rows:
        """Rows of experiments with these columns, and their ids.

        Args:
            columns: Names of the filter language, statistics and counts, such as ``name``,
                ``median(fit_error)``, ``count(outcome = fitted)``; a metric alone is its median.
                ``*`` is all that the lab says of an experiment.

        Raises:
            Refused: A column is not understood.

        Example:
            >>> rows = lab.query("tag:figure-1").select("training.length", "count(seed < 2)")
            >>> rows[0]["training.length"], rows[0]["count(seed < 2)"]
            (6, 2)
        """
        parameters = {**self._parameters, "fields": ",".join(columns) or "id"}
        items = self._transport.items("/v1/experiments", parameters, limit=self.limit)
        return Rows({name: as_number(name, value) for name, value in row.items()} for row in items)

    def rows(
        self,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        sort: str | None = None,
        states: Iterable[str] = ("completed",),
        with_runs: bool = False,
    ) -> Iterator[Group]:
        """Groups of experiments, with statistics over the runs of those completed.

        Args:
            by: Fields that the runs of a group share, such as ``student.start.scale``; everything
                but the seed by default.
            metrics: Such as ``extrapolation_error``; the lab chooses by default.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all by default.
            sort: Such as ``-median(fit_error),training.length``: fields of ``by``, counts or
                statistics.
            states: States of the experiments in groups; ``all`` for every state.
            with_runs: Whether each group lists its runs.

        Example:
            >>> group, = lab.query("tag:figure-1").rows(["training.length"], with_runs=True)
            >>> group.states, group.missing, [run.seed for run in group.runs]
            ({'completed': 1}, 0, [0, 1, 2])
        """
        items = self._table(
            metrics,
            statistic,
            by=join_names(by),
            sort=sort,
            states=join_names(states),
            include="seeds" if with_runs else None,
        )
        return map(Group.read, items)

    def table(
        self,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        group: bool = True,
        sort: str | None = None,
    ) -> Rows:
        """Plain rows of the groups, or one row per run with its fields, seed, outcome and metrics.

        Args:
            by: Fields that the runs of a group share; everything but the seed by default.
            metrics: Such as ``extrapolation_error``; the lab chooses by default.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all by default.
            group: Whether to group runs; False gives one row per run.
            sort: Columns to sort by, such as ``-median(fit_error)``.

        Example:
            >>> [row["seeds"] for row in lab.query("tag:figure-1").table(["training.length"])]
            [3]
        """
        grouped = "true" if group else "false"
        items = self._table(metrics, statistic, by=join_names(by), group=grouped, sort=sort)
        return Rows((Group if group else GroupedRun).read(item).flat for item in items)

    def export(
        self,
        path: str | Path,
        what: RowKind = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
        safe: bool = False,
    ) -> Path:
        """Writes every row to a file, never sampled; the extension chooses the format.

        Args:
            path: Ends in .csv, .json, .ndjson, .parquet, .arrow (an Arrow file, which
                ``pandas.read_feather`` reads) or .arrows (an Arrow stream).
            what: One row per run (``runs``), recorded point (``series``) or experiment
                (``experiments``).
            fields: Columns of the experiment, such as ``training.length``; the lab chooses by
                default.
            metrics: Such as ``train_loss``; all of them by default.
            safe: Whether text in CSV that a spreadsheet would compute, such as ``=1+1``, has an
                apostrophe in front.

        Raises:
            ValueError: The path has no extension.
        """
        target = Path(path)
        parameters = self._export_parameters(what, file_format(target, ".parquet"), fields, metrics)
        if safe:
            parameters = {**parameters, "safe": "true"}
        self._transport.download("/v1/export", parameters, target)
        return target

    def bundle(
        self,
        path: str | Path = "extrapolab.zip",
        *,
        figures: bool = True,
        observe: Callable[[BundleProgress], object] | None = None,
    ) -> Path:
        """Writes a zip of everything: specs, results, recorded points, figures, provenance.

        Args:
            path: Where to write it.
            figures: Whether to include figures. Drawing them takes most of the time, unless the
                lab has drawn them of late.
            observe: Called with the progress while the file arrives.

        Example:
            >>> path = lab.query("tag:figure-1").bundle("supplement.zip", figures=False)
        """
        target = Path(path)
        parameters = self._parameters if figures else {**self._parameters, "figures": "false"}
        observe_download = None if observe is None else counting(observe)
        self._transport.download("/v1/bundle", parameters, target, observe_download)
        return target

    def paper(self, /, folder: str | Path, *, overwrite: bool = False, **look: Any) -> Path:
        """Writes up for a paper what the filter finds, from the experiments completed so far.

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

        Example:
            >>> folder = lab.query("tag:figure-1").paper("paper", width="ieee")
            >>> sorted(path.name for path in folder.iterdir())
            ['README.txt', 'figures', 'paper.tex', 'provenance.json', 'references.bib']
        """
        parameters = {"q": self.q or "", **look}
        return save_paper(self._transport, folder, parameters, overwrite=overwrite)

    def to_pandas(
        self,
        what: RowKind = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
    ) -> Any:
        """Returns the rows of :meth:`export` as a ``pandas.DataFrame``. Needs pandas and pyarrow.

        Example:
            >>> frame = lab.query("tag:figure-1").to_pandas()
            >>> frame.groupby("training.length").seed.count()
            training.length
            6    3
            Name: seed, dtype: int64
        """
        import pandas  # noqa: PLC0415  # an optional dependency

        return pandas.read_parquet(self._parquet(what, fields, metrics))

    def to_polars(
        self,
        what: RowKind = "runs",
        *,
        fields: Iterable[str] | None = None,
        metrics: Iterable[str] | None = None,
    ) -> Any:
        """Returns the rows of :meth:`export` as a ``polars.DataFrame``. Needs polars."""
        import polars  # noqa: PLC0415  # an optional dependency

        return polars.read_parquet(self._parquet(what, fields, metrics))

    def _parquet(
        self, what: RowKind, fields: Iterable[str] | None, metrics: Iterable[str] | None
    ) -> io.BytesIO:
        parameters = self._export_parameters(what, "parquet", fields, metrics)
        return io.BytesIO(self._transport.get_bytes("/v1/export", parameters))

    def _export_parameters(
        self,
        what: RowKind,
        file_format: str,
        fields: Iterable[str] | None,
        metrics: Iterable[str] | None,
    ) -> Parameters:
        return {
            **self._parameters,
            "fields": join_names(fields),
            "metrics": join_names(metrics),
            "what": what,
            "format": file_format,
        }

    def _table(
        self,
        metrics: Iterable[str] | None,
        statistic: Iterable[str] | None,
        **parameters: str | None,
    ) -> Iterator[Any]:
        parameters = {**table_parameters(metrics, statistic), "q": self.q, **parameters}
        return self._transport.items("/v1/table", parameters, limit=self.limit)
