"""A question to a lab: the experiments that a filter finds, in an order."""

import itertools
from collections.abc import Iterator

from extrapolab.experiment import Experiment
from extrapolab.records import ExperimentRecord
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
