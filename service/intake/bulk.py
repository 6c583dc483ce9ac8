"""What is done to very many experiments: some at a time, so that nobody waits long for the database."""

import contextlib
import time
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from service.context import AppContext
from store.errors import IllegalMove, NotFound
from store.experiments import submission
from store.states import State

AT_ONCE = 50
"""Experiments that are moved in one write."""


def moved(
    context: AppContext, ids: Iterable[str], move: Callable[[Connection, str], State]
) -> dict[str, State]:
    """Moves the experiments, in one order; the states of those that moved.

    What has moved on by itself is let be.
    """
    states: dict[str, State] = {}
    for number, some in enumerate(submission.batches(sorted(ids), AT_ONCE)):
        if number:
            time.sleep(submission.BREATH_SECONDS)
        with context.database.write() as tx:
            for experiment_id in some:
                with contextlib.suppress(IllegalMove, NotFound):
                    states[experiment_id] = move(tx, experiment_id)
    return states
