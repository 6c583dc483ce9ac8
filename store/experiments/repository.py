"""The repository of experiments: read, cancel, pause, resume, retry, prioritise, edit, remove.

:mod:`store.experiments.submission` adds experiments, :mod:`store.query` finds them, and
:mod:`store.queue` runs them; :mod:`store.experiments.results` reads their results.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update

from store.db.tables import events as event_table
from store.db.tables import experiments
from store.db.tables import logs as log_table
from store.db.visible import visible_experiments
from store.errors import VersionConflict
from store.experiments import changes, rows
from store.experiments import tags as tag_rows
from store.experiments.changes import Changes
from store.experiments.draft import UNCHANGED, Limits
from store.experiments.events import to_event
from store.records import Event, Experiment, Log
from store.states import State

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
    return _one(changes.request_cancel(tx, [experiment_id]))


def request_pause(tx: Connection, experiment_id: str) -> State:
    """Pauses a queued experiment, or asks the worker of a running one to save and release it.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is paused, has ended, or is about to be cancelled.
    """
    return _one(changes.request_pause(tx, [experiment_id]))


def resume(tx: Connection, experiment_id: str) -> State:
    """Queues a paused experiment, with its checkpoint, or withdraws the request to pause it.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither paused nor about to be.
    """
    return _one(changes.resume(tx, [experiment_id]))


def retry(tx: Connection, experiment_id: str, *, limits: Limits = UNCHANGED) -> State:
    """Queues a failed or cancelled experiment, which resumes from its checkpoint if it has one.

    ``limits`` are new ones.

    Returns:
        The state afterwards.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither failed nor cancelled.
    """
    return _one(changes.retry(tx, [experiment_id], limits=limits))


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
    values: dict[str, Any] = {"version": version + 1}
    if name is not None:
        values["name"] = name
    if notes is not None:
        values["notes"] = notes
    _set(tx, experiment_id, **values)
    if tags is not None:
        tag_rows.replace(tx, {experiment_id: (row.created_at, tags)})
    return get(tx, experiment_id)


def prioritise(tx: Connection, experiment_id: str, priority: int) -> State:
    """Sets the priority of a queued or paused experiment; higher ones are claimed first.

    Returns:
        The state, which stays.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It is neither queued nor paused.
    """
    return _one(changes.prioritise(tx, [experiment_id], priority=priority))


def remove(tx: Connection, experiment_id: str) -> None:
    """Removes an experiment that has ended, with all that belongs to it.

    Raises:
        NotFound: There is no such experiment.
        IllegalMove: It has not ended, or a pending experiment starts from it.
    """
    _only(changes.remove(tx, [experiment_id]))


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


def _one(changed: Changes) -> State:
    """The new state of the only experiment of a change that keeps it; raises why it was refused."""
    state = _only(changed)
    assert state is not None  # noqa: S101  # only removed experiments have none
    return state


def _only(changed: Changes) -> State | None:
    for reason in changed.refused.values():
        raise reason
    return next(iter(changed.states.values()))


def _set(tx: Connection, experiment_id: str, **values: Any) -> None:
    tx.execute(update(experiments).where(experiments.c.id == experiment_id).values(values))
