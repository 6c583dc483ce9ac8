"""The experiments that event streams with the same filter follow."""

from collections.abc import Iterable

from sqlalchemy import Connection

from store.query import pages
from store.query.query import ExperimentQuery
from store.states import MOVES


class Selection:
    """Those that matched when it was opened, and those that match at one of their events.

    An experiment is followed from then on, whether or not it still matches: so a reader sees it
    leave. Of completed ones, which never change their state, nothing is read in advance.
    """

    def __init__(self, query: ExperimentQuery) -> None:
        self._query = query
        self._ids: set[str] = set()

    def __contains__(self, experiment_id: object) -> bool:
        """Whether an experiment is followed."""
        return experiment_id in self._ids

    def open(self, tx: Connection) -> None:
        """Adds the experiments that match now and can change their state."""
        changing = [state for state, moves in MOVES.items() if moves]
        self._ids |= {*pages.ids(tx, self._query.where_in("state", changing))}

    def update(self, tx: Connection, experiment_ids: Iterable[str]) -> None:
        """Adds those of the experiments that match now."""
        if unknown := sorted({*experiment_ids} - self._ids):
            self._ids |= {*pages.ids(tx, self._query.where_in("id", unknown))}
