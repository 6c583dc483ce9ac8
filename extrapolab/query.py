"""A question to a lab: the experiments that a filter finds, in an order."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from extrapolab.experiment import Experiment
from extrapolab.records import ExperimentRecord, Group, GroupedRun
from extrapolab.sweep import chosen
from extrapolab.transport import LARGEST_PAGE, Parameters, Transport


class Query:
    """The experiments that a filter finds. Nothing is asked before they are wanted, and each time anew.

    Example:
        >>> found = lab.query("student.start.scale <= 1e-3 and median(extrapolation_error) < 0.01")  # doctest: +SKIP
        >>> for experiment in found:                                                                 # doctest: +SKIP
        ...     print(experiment.spec.name, experiment.state)
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
            by: Fields that the runs of a group share, such as ``student.start.scale``; all but the seed by default.
            metrics: Such as ``extrapolation_error``; the lab's choice where left out.
            statistic: Among median, q1, q3, mean, min, max and standard_error; all of them where left out.
        """
        return map(Group.read, self._table(by, metrics, statistic, "true"))

    def table(
        self,
        by: Iterable[str] = ("setup_hash",),
        metrics: Iterable[str] | None = None,
        statistic: Iterable[str] | None = None,
        *,
        group: bool = True,
    ) -> list[dict[str, Any]]:
        """The same as plain rows, or with ``group=False`` one for each run: its fields, seed, outcome and metrics.

        Example:
            >>> pandas.DataFrame(lab.query("tag:figure-1").table(["training.length"]))      # doctest: +SKIP
        """
        items = self._table(by, metrics, statistic, "true" if group else "false")
        return [(Group if group else GroupedRun).read(item).flat for item in items]

    def _table(
        self, by: Iterable[str], metrics: Iterable[str] | None, statistic: Iterable[str] | None, group: str
    ) -> Iterator[Any]:
        asked = {**chosen(metrics, statistic), "q": self.q, "by": ",".join(by), "group": group}
        return itertools.islice(self._transport.items("/v1/table", asked), self.limit)
