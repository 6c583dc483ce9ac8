"""The repository of experiments: read, cancel, pause, resume, retry, prioritise, edit, remove.

:mod:`store.experiments.submission` adds experiments, :mod:`store.query` finds them, and
:mod:`store.queue` runs them; :mod:`store.experiments.results` reads their results.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, case, delete, func, select, update

from store.arrays import runs
from store.db.database import now
from store.db.tables import events as event_table
from store.db.tables import experiments
from store.db.tables import logs as log_table
from store.db.visible import visible_experiments
from store.errors import IllegalMove, VersionConflict
from store.experiments import pooling, rows, warm_start
from store.experiments import tags as tag_rows
from store.experiments.events import to_event
from store.records import Event, EventKind, Experiment, Log
from store.states import RETRYABLE, WAITING, State, check_move
from store.transition import record_event, transition

_NEWEST_FIRST = (experiments.c.created_at.desc(), experiments.c.id.desc())
_CLOSEST_TO_A_RESULT_FIRST = case(
    {State.COMPLETED: 0, State.RUNNING: 1, State.QUEUED: 2}, value=experiments.c.state, else_=3
)


def get(tx: Connection, experiment_id: str) -> Experiment:
    """The experiment with this id; raises NotFound."""
    row = rows.get(tx, experiment_id, *rows.EXPERIMENT_COLUMNS)
    return rows.to_experiments(tx, [row])[0]


def by_spec_hash(tx: Connection, spec_hashes: Sequence[str]) -> dict[str, Experiment]:
    """One experiment for each known hash: completed if possible, else running, queued or another.

    Among several in the same state, it is the newest.
    """
    chosen = tx.execute(_select_by_spec_hash(spec_hashes, *rows.EXPERIMENT_COLUMNS)).all()
    return {experiment.spec_hash: experiment for experiment in rows.to_experiments(tx, chosen)}


def states_by_spec_hash(tx: Connection, spec_hashes: Sequence[str]) -> dict[str, tuple[str, State]]:
    """The id and state of the experiments that :func:`by_spec_hash` gives."""
    columns = experiments.c.spec_hash, experiments.c.id, experiments.c.state
    chosen = tx.execute(_select_by_spec_hash(spec_hashes, *columns))
    return {spec_hash: (name, State(state)) for spec_hash, name, state in chosen}


def _select_by_spec_hash(spec_hashes: Sequence[str], *columns: Any) -> Select[Any]:
    rank = func.row_number().over(
        partition_by=experiments.c.spec_hash, order_by=(_CLOSEST_TO_A_RESULT_FIRST, *_NEWEST_FIRST)
    )
    ranked = (
        visible_experiments(experiments.c.id, rank.label("rank"))
        .where(experiments.c.spec_hash.in_(list(spec_hashes)))
        .subquery()
    )
    chosen = visible_experiments(*columns).join(ranked, ranked.c.id == experiments.c.id)
    return chosen.where(ranked.c.rank == 1)


def request_cancel(tx: Connection, experiment_id: str) -> State:
    """Cancels a queued or paused experiment, or asks the worker of a running one to stop.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It has ended.
    """
    columns = experiments.c.state, experiments.c.attempt, experiments.c.cancel_requested
    row = rows.get(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state.is_final:
        raise IllegalMove(state, "cancel", "it has ended")
    if state is not State.RUNNING:
        transition(tx, experiment_id, state, State.CANCELLED, at=at, kind=EventKind.CANCELLED)
        return State.CANCELLED
    if not row.cancel_requested:
        _set(tx, experiment_id, cancel_requested=True)
        record_event(tx, experiment_id, EventKind.CANCEL_REQUESTED, at=at, attempt=row.attempt)
    return state


def request_pause(tx: Connection, experiment_id: str) -> State:
    """Pauses a queued experiment, or asks the worker of a running one to save and release it.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is paused, has ended, or is about to be cancelled.
    """
    columns = (
        experiments.c.state,
        experiments.c.attempt,
        experiments.c.cancel_requested,
        experiments.c.pause_requested,
    )
    row = rows.get(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state.is_final:
        raise IllegalMove(state, "pause", "it has ended")
    if row.cancel_requested:
        raise IllegalMove(state, "pause", "it is about to be cancelled")
    if state is State.RUNNING:
        if not row.pause_requested:
            _set(tx, experiment_id, pause_requested=True)
            record_event(tx, experiment_id, EventKind.PAUSE_REQUESTED, at=at, attempt=row.attempt)
        return state
    transition(tx, experiment_id, state, State.PAUSED, at=at, kind=EventKind.PAUSED)
    return State.PAUSED


def resume(tx: Connection, experiment_id: str) -> State:
    """Queues a paused experiment, with its checkpoint, or withdraws the request to pause it.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither paused nor about to be.
    """
    columns = experiments.c.state, experiments.c.attempt, experiments.c.pause_requested
    row = rows.get(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state is State.RUNNING and row.pause_requested:
        _set(tx, experiment_id, pause_requested=False)
        record_event(tx, experiment_id, EventKind.PAUSE_WITHDRAWN, at=at, attempt=row.attempt)
        return state
    if state is not State.PAUSED:
        hint = "; retry it" if state in RETRYABLE else ""
        raise IllegalMove(state, "resume", f"it is not paused{hint}")
    transition(tx, experiment_id, state, State.QUEUED, at=at, kind=EventKind.RESUMED)
    return State.QUEUED


def retry(tx: Connection, experiment_id: str) -> State:
    """Queues a failed or cancelled experiment, which resumes from its checkpoint if it has one.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither failed nor cancelled.
    """
    state = State(rows.get(tx, experiment_id, experiments.c.state, lock=True).state)
    if not state.is_final:
        hint = "; resume it" if state is State.PAUSED else ""
        raise IllegalMove(state, "retry", f"it has not ended{hint}")
    check_move(state, State.QUEUED, verb="retry")
    cleared: dict[str, Any] = {
        "cancel_requested": False,
        "attempts_without_progress": 0,
        "trained_seconds": 0.0,
        "failure_kind": None,
        "failure_message": None,
        "started_at": None,
        "finished_at": None,
    }
    transition(
        tx, experiment_id, state, State.QUEUED, at=now(tx), kind=EventKind.RETRIED, values=cleared
    )
    runs.drop(tx, experiment_id)
    return State.QUEUED


def edit(
    tx: Connection,
    experiment_id: str,
    *,
    version: int,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
    priority: int | None = None,
) -> Experiment:
    """Changes the metadata and priority that aren't None, if the experiment is at ``version``.

    Raises:
        NotFound: There is no such experiment.
        VersionConflict: It is at another version.
        IllegalMove: It has a new priority, but is neither queued nor paused.
    """
    row = rows.get(tx, experiment_id, experiments.c.version, experiments.c.created_at, lock=True)
    if row.version != version:
        raise VersionConflict(experiment_id, version, row.version)
    if priority is not None:
        prioritise(tx, experiment_id, priority)
    changes: dict[str, Any] = {"version": version + 1}
    if name is not None:
        changes["name"] = name
    if notes is not None:
        changes["notes"] = notes
    _set(tx, experiment_id, **changes)
    if tags is not None:
        tag_rows.replace(tx, experiment_id, row.created_at, tags)
    return get(tx, experiment_id)


def prioritise(tx: Connection, experiment_id: str, priority: int) -> State:
    """Sets the priority of a queued or paused experiment; higher ones are claimed first.

    Returns:
        The state, which stays.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither queued nor paused.
    """
    columns = experiments.c.state, experiments.c.version
    row = rows.get(tx, experiment_id, *columns, lock=True)
    state = State(row.state)
    if state not in WAITING:
        raise IllegalMove(state, "prioritise", "only a queued or paused one waits for a worker")
    _set(tx, experiment_id, priority=priority, version=row.version + 1)
    return state


def change_tags(
    tx: Connection, experiment_id: str, add: Sequence[str], remove: Sequence[str]
) -> State:
    """Appends tags to those of an experiment, and removes others; returns its state.

    Raises:
        NotFound: There is no such experiment.
    """
    columns = experiments.c.state, experiments.c.version, experiments.c.created_at
    row = rows.get(tx, experiment_id, *columns, lock=True)
    old = tag_rows.read(tx, [experiment_id]).get(experiment_id, ())
    new = tuple(name for name in dict.fromkeys([*old, *add]) if name not in remove)
    if new != old:
        tag_rows.replace(tx, experiment_id, row.created_at, new)
        _set(tx, experiment_id, version=row.version + 1)
    return State(row.state)


def remove(
    tx: Connection, experiment_id: str, *, dependents: Mapping[str, str] | None = None
) -> None:
    """Removes an experiment that has ended, with all that belongs to it.

    Args:
        tx: An open write.
        experiment_id: The experiment.
        dependents: :func:`store.experiments.warm_start.dependents` of several, read in this write;
            by default those of this one are read.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It has not ended, or a pending experiment starts from it.
    """
    columns = experiments.c.state, experiments.c.setup_hash
    row = rows.get(tx, experiment_id, *columns, lock=True)
    state = State(row.state)
    if not state.is_final:
        raise IllegalMove(state, "remove", "it has not ended; cancel it first")
    if dependents is None:
        dependents = warm_start.dependents(tx, [experiment_id])
    if experiment_id in dependents:
        dependent = dependents[experiment_id]
        reason = f"{dependent} starts from it and has not ended; wait for it, or cancel it"
        raise IllegalMove(state, "remove", reason)
    tx.execute(delete(experiments).where(experiments.c.id == experiment_id))
    if state is State.COMPLETED:
        pooling.pool(tx, [row.setup_hash])


def events(tx: Connection, experiment_id: str) -> list[Event]:
    """The history of an experiment, from its submission on; raises NotFound."""
    rows.get(tx, experiment_id, experiments.c.id)
    query = select(event_table).where(event_table.c.experiment_id == experiment_id)
    return [to_event(row) for row in tx.execute(query.order_by(event_table.c.number))]


def logs(tx: Connection, experiment_id: str) -> list[Log]:
    """The output of an experiment's trainers, one log per attempt with any; raises NotFound."""
    rows.get(tx, experiment_id, experiments.c.id)
    query = select(log_table).where(log_table.c.experiment_id == experiment_id)
    texts: dict[int, list[str]] = {}
    for row in tx.execute(query.order_by(log_table.c.number)):
        texts.setdefault(row.attempt, []).append(row.text)
    return [Log(attempt, "".join(parts)) for attempt, parts in texts.items()]


def _set(tx: Connection, experiment_id: str, **values: Any) -> None:
    tx.execute(update(experiments).where(experiments.c.id == experiment_id).values(values))
