"""Experiments that filters find, tables of their runs, and their series."""

from collections.abc import Iterable, Iterator
from typing import Literal, overload

from extrapolab.client.answers.facets import LabFacets
from extrapolab.client.answers.rows import Rows
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.query import Query
from extrapolab.client.requests.payloads import comma_list, join_names, sort_names
from extrapolab.client.requests.references import Reference, References, id_of, ids_of
from extrapolab.models.series import SeriesColumns


class LabQueries(LabFacets):
    """The part of :class:`extrapolab.Lab` that finds experiments by filters."""

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

    @overload
    def query(
        self,
        q: str | None = None,
        *,
        sort: str | None = None,
        limit: int | None = None,
        tag: str | None = None,
        state: str | None = None,
        columns: None = None,
    ) -> Query: ...
    @overload
    def query(
        self,
        q: str | None = None,
        *,
        sort: str | None = None,
        limit: int | None = None,
        tag: str | None = None,
        state: str | None = None,
        columns: Iterable[str],
    ) -> Rows: ...
    def query(
        self,
        q: str | None = None,
        *,
        sort: str | None = None,
        limit: int | None = None,
        tag: str | None = None,
        state: str | None = None,
        columns: Iterable[str] | None = None,
    ) -> Query | Rows:
        """The experiments that match a filter; nothing is fetched before it is used.

        Args:
            q: Such as ``tag:figure-1 and median(extrapolation_error) < 0.01``; all by default.
            sort: Such as ``-created,name``; newest first by default.
            limit: Most experiments to return; all by default.
            tag: Only experiments with this tag.
            state: Only those in this state.
            columns: Fetch rows at once, as of :meth:`Query.select`: with the ids, what they are
                sorted by, and these columns.

        Raises:
            Refused: A column is not understood.

        Example:
            >>> best = lab.query("tag:figure-1", sort="fit_error", columns=["name"], limit=10)
            >>> best[0]["name"], best[0]["fit_error"] < 0.1
            ('near zero', True)
        """
        found = Query(self._transport, q, sort=sort, limit=limit, tag=tag, state=state)
        if columns is None:
            return found
        names = comma_list(join_names(columns))
        return found.select(*(name for name in sort_names(sort) if name not in names), *names)

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
        ids: References | None = None,
        sweep: Reference | None = None,
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
            "ids": None if ids is None else ",".join(ids_of(ids)),
            "sweep": None if sweep is None else id_of(sweep),
            "names": join_names(names),
            "max_points": max_points,
            "over": over,
            "sort": sort,
        }
        items = self._transport.items("/v1/series", parameters, limit=limit)
        return [SeriesColumns.read(item) for item in items]
