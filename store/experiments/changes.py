"""Changes that people ask for, to many experiments at once in a few statements.

Each function changes the experiments that it can, whose rows it locks in the order of their ids,
and says why it leaves the others as they are. :mod:`store.experiments.repository` changes single
ones by the same functions.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, update

from store.arrays import runs
from store.db.database import now
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.errors import IllegalMove, NotFound
from store.experiments import pooling, warm_start
from store.experiments import tags as tag_rows
from store.experiments.draft import UNCHANGED, Limits
from store.experiments.rows import ID
from store.records import EventKind
from store.states import RETRYABLE, VERBS, WAITING, State, check_move
from store.transition import move, record_events

_COLUMNS = [
    experiments.c[name].label(name)
    for name in (
        *("id", "state", "attempt", "cancel_requested", "pause_requested"),
        *("setup_hash", "created_at"),
    )
]


@dataclass(frozen=True)
class Changes:
    """The outcome for each experiment.

    Attributes:
        states: The state after the change by id; None for removed experiments.
        refused: Why others were left as they are, by id.
    """

    states: dict[str, State | None] = field(default_factory=dict)
    refused: dict[str, IllegalMove | NotFound] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """A move, or a request to a worker, with its event; by default neither.

    Attributes:
        to: The state that they move to; None if it stays.
        kind: The event of each.
        flag: A request and its new value, for those that stay.
    """

    to: State | None = None
    kind: EventKind | None = None
    flag: tuple[str, bool] | None = None


def request_cancel(tx: Connection, ids: Collection[str]) -> Changes:
    """Cancels queued and paused experiments, and asks the workers of running ones to stop."""

    def step(row: AnyRow) -> _Step:
        return _stop(row, State.CANCELLED, EventKind.CANCELLED, EventKind.CANCEL_REQUESTED)

    return _change(tx, ids, step)


def request_pause(tx: Connection, ids: Collection[str]) -> Changes:
    """Pauses queued experiments, and asks the workers of running ones to save and release them."""

    def step(row: AnyRow) -> _Step:
        if row.cancel_requested:
            raise IllegalMove(State(row.state), "pause", "it is about to be cancelled")
        return _stop(row, State.PAUSED, EventKind.PAUSED, EventKind.PAUSE_REQUESTED)

    return _change(tx, ids, step)


def resume(tx: Connection, ids: Collection[str]) -> Changes:
    """Queues paused experiments with their checkpoints, or withdraws the requests to pause them."""

    def step(row: AnyRow) -> _Step:
        state = State(row.state)
        if state is State.RUNNING and row.pause_requested:
            return _Step(kind=EventKind.PAUSE_WITHDRAWN, flag=("pause_requested", False))
        if state is not State.PAUSED:
            hint = "; retry it" if state in RETRYABLE else ""
            raise IllegalMove(state, "resume", f"it is not paused{hint}")
        return _Step(State.QUEUED, EventKind.RESUMED)

    return _change(tx, ids, step)


def retry(tx: Connection, ids: Collection[str], *, limits: Limits = UNCHANGED) -> Changes:
    """Queues failed and cancelled experiments, which resume from their checkpoints if they can.

    ``limits`` are new ones.
    """

    def step(row: AnyRow) -> _Step:
        state = State(row.state)
        if not state.is_final:
            hint = "; resume it" if state is State.PAUSED else ""
            raise IllegalMove(state, "retry", f"it has not ended{hint}")
        check_move(state, State.QUEUED, verb="retry")
        return _Step(State.QUEUED, EventKind.RETRIED)

    cleared: dict[str, Any] = {
        "cancel_requested": False,
        "attempts_without_progress": 0,
        "trained_seconds": 0.0,
        "failure_kind": None,
        "failure_message": None,
        "started_at": None,
        "finished_at": None,
        **limits.given,
    }
    changes = _change(tx, ids, step, values=cleared)
    runs.drop(tx, [*changes.states])
    return changes


def prioritise(tx: Connection, ids: Collection[str], *, priority: int) -> Changes:
    """Sets the priority of queued and paused experiments; higher ones are claimed first."""

    def step(row: AnyRow) -> _Step:
        if (state := State(row.state)) not in WAITING:
            raise IllegalMove(state, "prioritise", "only a queued or paused one waits for a worker")
        return _Step()

    changes = _change(tx, ids, step)
    values = {"priority": priority, "version": experiments.c.version + 1}
    _set(tx, [*changes.states], values)
    return changes


def change_tags(
    tx: Connection, ids: Collection[str], *, add: Sequence[str], remove: Sequence[str]
) -> Changes:
    """Appends tags to those of experiments, and removes others."""
    rows, changes = _locked(tx, ids)
    old = tag_rows.read(tx, rows) if rows else {}
    new = {
        found: [name for name in dict.fromkeys([*old.get(found, ()), *add]) if name not in remove]
        for found in rows
    }
    changed = [found for found in rows if tuple(new[found]) != old.get(found, ())]
    tag_rows.replace(tx, {found: (rows[found].created_at, new[found]) for found in changed})
    _set(tx, changed, {"version": experiments.c.version + 1})
    changes.states.update({found: State(row.state) for found, row in rows.items()})
    return changes


def remove(tx: Connection, ids: Collection[str]) -> Changes:
    """Removes experiments that have ended, with all that belongs to them."""
    rows, changes = _locked(tx, ids)
    dependents = warm_start.dependents(tx, [*rows])
    removed: list[AnyRow] = []
    for found, row in rows.items():
        state = State(row.state)
        if not state.is_final:
            reason = "it has not ended; cancel it first"
            changes.refused[found] = IllegalMove(state, "remove", reason)
        elif found in dependents:
            reason = (
                f"{dependents[found]} starts from it and has not ended; wait for it, or cancel it"
            )
            changes.refused[found] = IllegalMove(state, "remove", reason)
        else:
            removed.append(row)
            changes.states[found] = None
    tx.execute(delete(experiments).where(experiments.c.id.in_([row.id for row in removed])))
    pooling.pool(tx, [row.setup_hash for row in removed if row.state == State.COMPLETED])
    return changes


def _stop(row: AnyRow, to: State, stopped: EventKind, requested: EventKind) -> _Step:
    """The step that stops an experiment: a move, or for a running one a request unless made."""
    state, verb = State(row.state), VERBS[to]
    if state.is_final:
        raise IllegalMove(state, verb, "it has ended")
    if state is not State.RUNNING:
        check_move(state, to)
        return _Step(to, stopped)
    flag = f"{verb}_requested"
    return _Step() if getattr(row, flag) else _Step(kind=requested, flag=(flag, True))


def _change(
    tx: Connection,
    ids: Collection[str],
    step: Callable[[AnyRow], _Step],
    values: Mapping[str, Any] | None = None,
) -> Changes:
    """Does the step of each experiment; ``values`` are further columns of those that move."""
    rows, changes = _locked(tx, ids)
    groups: dict[tuple[State, _Step], list[AnyRow]] = {}
    for found, row in rows.items():
        try:
            groups.setdefault((State(row.state), step(row)), []).append(row)
        except IllegalMove as reason:
            changes.refused[found] = reason
    at = now(tx) if groups else 0.0
    for (state, todo), members in groups.items():
        attempts = {row.id: row.attempt for row in members}
        if todo.to is not None and todo.kind is not None:
            move(tx, attempts, state, todo.to, at=at, kind=todo.kind, values=values)
        elif todo.flag is not None and todo.kind is not None:
            name, value = todo.flag
            _set(tx, [*attempts], {name: value})
            record_events(tx, attempts, todo.kind, at=at)
        changes.states.update(dict.fromkeys(attempts, todo.to or state))
    return changes


def _locked(tx: Connection, ids: Collection[str]) -> tuple[dict[str, AnyRow], Changes]:
    """The rows of experiments, locked; and the changes so far, which refuse unknown ids."""
    well_formed = [name for name in ids if ID.fullmatch(name)]
    query = visible_experiments(*_COLUMNS).where(experiments.c.id.in_(well_formed))
    query = query.order_by(experiments.c.id).with_for_update()
    rows = {row.id: row for row in tx.execute(query)}
    unknown = {name: NotFound("experiment", name) for name in ids if name not in rows}
    return rows, Changes(refused={**unknown})


def _set(tx: Connection, ids: Collection[str], values: Mapping[str, Any]) -> None:
    if ids:
        tx.execute(update(experiments).where(experiments.c.id.in_(ids)).values(dict(values)))
