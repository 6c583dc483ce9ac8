"""Bulk state changes, in small batches so that no write holds the database for long."""

import contextlib
import time
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from service.context import AppContext
from store.db.batches import PAUSE_BETWEEN_BATCHES, batches
from store.errors import IllegalMove, NotFound
from store.states import State

WRITE_BATCH = 50
"""Most experiments changed in one transaction."""


def change_states(
    context: AppContext, experiment_ids: Iterable[str], change: Callable[[Connection, str], State]
) -> dict[str, State]:
    """Applies a state change to experiments in the order of their ids.

    Returns:
        The new states by id, without experiments whose state no longer allowed the change.
    """
    states: dict[str, State] = {}
    for number, batch in enumerate(batches(sorted(experiment_ids), WRITE_BATCH)):
        if number:
            time.sleep(PAUSE_BETWEEN_BATCHES)
        with context.database.write() as tx:
            for experiment_id in batch:
                with contextlib.suppress(IllegalMove, NotFound):
                    states[experiment_id] = change(tx, experiment_id)
    return states
