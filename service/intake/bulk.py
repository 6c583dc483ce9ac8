"""Bulk changes, in small batches so that no write holds the database for long."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from core.errors import Problem
from service import schemas
from service.context import AppContext
from service.http.errors import CountMismatch
from service.http.ids import complete_id
from store import bulk
from store.bulk import Action
from store.db.batches import PAUSE_BETWEEN_BATCHES, WRITE_BATCH, batches
from store.query.errors import BadQuery
from store.query.query import ExperimentQuery
from store.states import FINAL, State
from store.sweeps import repository as sweeps
from store.sweeps.repository import StillNeeded


@dataclass(frozen=True)
class BulkChange:
    """The outcome of a bulk change.

    Attributes:
        states: The new states by id, None for removed experiments.
        refused: Why others were left as they are, by id.
    """

    states: dict[str, State | None] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def change_selected(
    context: AppContext, action: Action, selection: schemas.Selection
) -> BulkChange:
    """Applies an action to the experiments of a selection that it concerns.

    Of a selection by ids, those that the action doesn't concern are refused with the reason.

    Raises:
        BadQuery: The filter is not valid.
        Ambiguous: A reference among the ids means several experiments.
        Missing: A reference among the ids means something else.
        CountMismatch: The action concerns another number than expected; nothing is changed.
    """
    chosen = None
    if selection.ids is not None:
        named = (complete_id(context, name, f"/ids/{i}") for i, name in enumerate(selection.ids))
        chosen = list(dict.fromkeys(named))
    with context.database.read() as tx:
        if chosen is None:
            ids = _matching(tx, action, selection.q)
            count = len(ids)
        else:
            ids = chosen
            count = bulk.count_concerned(tx, action, ids)
    expected = selection.expect_count
    if expected is not None and count != expected:
        message = f"{count} {action.concerned} match: check them, then repeat with this count"
        raise CountMismatch(
            Problem("/expect_count", "other_count", message, str(expected), str(count))
        )
    return change_all(context, action, ids)


def change_all(context: AppContext, action: Action, ids: Iterable[str]) -> BulkChange:
    """Applies an action to experiments in the order of their ids."""
    done = BulkChange()
    for number, batch in enumerate(batches(sorted(ids), WRITE_BATCH)):
        if number:
            time.sleep(PAUSE_BETWEEN_BATCHES)
        with context.database.write() as tx:
            changes = action.change(tx, batch)
        done.states.update(changes.states)
        done.refused.update({name: str(reason) for name, reason in changes.refused.items()})
    return done


def remove_sweep(context: AppContext, sweep_id: str, *, with_experiments: bool) -> None:
    """Removes a sweep, on demand with those of its experiments that no other sweep has.

    Raises:
        NotFound: There is no such sweep.
        IllegalMove: Experiments of it are pending, or an unfinished one starts from one of them;
            then the sweep stays, with that experiment.
    """
    if with_experiments:
        with context.database.read() as tx:
            sweeps.refuse_pending(tx, sweep_id)
            ids = sweeps.experiment_ids(tx, sweep_id, [*FINAL], exclusive=True)
        removal = replace(
            bulk.REMOVE, change=lambda tx, of: sweeps.remove_experiments(tx, sweep_id, of)
        )
        for kept, reason in change_all(context, removal, ids).refused.items():
            raise StillNeeded(kept, reason)
    with context.database.write() as tx:
        sweeps.remove(tx, sweep_id)


def _matching(tx: Connection, action: Action, q: str | None) -> list[str]:
    try:
        return bulk.matching(tx, action, ExperimentQuery.parse(q))
    except BadQuery as error:
        raise error.at("/q") from None
