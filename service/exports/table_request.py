"""The table to compute: its columns, its order and its page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic_core import to_json

from service.exports import table_order
from service.exports.table_order import TableKey
from store.query.fields import Field
from store.query.run_ends import MAX_RUNS
from store.states import State

SETUP = "setup_hash"

Key = tuple[Any, ...]
"""An experiment's values at the fields of a table."""

MAX_RUNS_PER_ROW = 200
"""The most runs of a group that its row lists."""


@dataclass(frozen=True)
class TableRequest:
    """The columns, the order and the page of a table to compute.

    Attributes:
        fields: What the runs of a group share.
        metrics: The metrics to show.
        statistics: The statistics of each metric to show.
        limit: The most rows.
        cursor: Where the page starts; None for the first.
        states: The experiments of a group are in one of these.
        sort: The order; by default that of the fields, or the newest setup first.
        with_runs: Whether each row lists the runs of its group.
        with_count: Whether to count the rows of all pages.
    """

    fields: Sequence[Field]
    metrics: Sequence[str]
    statistics: Sequence[str]
    limit: int = MAX_RUNS
    cursor: str | None = None
    states: Sequence[State] = (State.COMPLETED,)
    sort: Sequence[TableKey] = ()
    with_runs: bool = False
    with_count: bool = False

    @property
    def field_names(self) -> list[str]:
        """The names of the fields."""
        return [field.name for field in self.fields]

    @property
    def of_setups(self) -> bool:
        """Whether each row is a setup."""
        return self.field_names == [SETUP]

    @property
    def one_setup_each(self) -> bool:
        """Whether each row is a setup, perhaps with fields of its spec beside it."""
        return SETUP in self.field_names and all(f.path or f.name == SETUP for f in self.fields)

    def name_of(self, key: Key) -> str:
        """The name of a group in cursors: the hash of its setup, or of its key."""
        if self.one_setup_each:
            return str(key[self.field_names.index(SETUP)])
        return hashlib.sha256(to_json(key)).hexdigest()[:32]

    def only_sorted(self) -> Self:
        """The same table with no other numbers than those of its order."""
        metrics, statistics = table_order.numbers(self.sort)
        return replace(self, metrics=metrics, statistics=statistics, with_runs=False)
