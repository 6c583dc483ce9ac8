"""The repository of experiments: submit, read, cancel, pause, edit, retry, remove.

:mod:`store.query` finds them.

What workers do with them is in :mod:`store.queue.claims`, what came out of them in
:mod:`store.experiments.results`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, update

from store.arrays import runs
from store.db.database import now
from store.db.tables import events as event_table
from store.db.tables import experiments
from store.db.tables import logs as log_table
from store.db.visible import visible_experiments
from store.errors import IllegalMove, VersionConflict
from store.experiments import rows, warm_start
from store.experiments import submission as intake
from store.experiments import tags as tagging
from store.experiments.draft import Draft
from store.experiments.submission import Options as Options  # noqa: PLC0414  # known from here
from store.records import Event, EventKind, Experiment, Log, Submission
from store.states import RETRIED, State, move
from store.transition import note, transition

_NEWEST_FIRST = (experiments.c.created_at.desc(), experiments.c.id.desc())
_NEAREST_TO_A_RESULT = case(
    {State.COMPLETED: 0, State.RUNNING: 1, State.QUEUED: 2}, value=experiments.c.state, else_=3
)


def submit(
    tx: Connection,
    draft: Draft,
    *,
    owner: str,
    options: Options,
    warnings: Sequence[str],
    rerun: bool,
) -> Submission:
    """Queues an experiment, unless an equal one is queued, running or completed: then that one gets the tags too.

    Args:
        tx: An open write.
        draft: What to run.
        owner: Who submits it.
        options: Of the new one; an experiment that is reused keeps its own.
        warnings: What is questionable about the spec.
        rerun: Queue a new one whatever there is.

    Raises:
        SpecError: The spec starts from another experiment, and can't.
    """
    (submission,) = intake.submit(
        tx, [(draft, warnings)], owner=owner, options=options, rerun=rerun
    )
    return submission


def get(tx: Connection, experiment_id: str) -> Experiment:
    """The experiment as it stands; raises NotFound."""
    return rows.load(tx, [rows.one(tx, experiment_id, *rows.SHORT)])[0]


def by_spec_hash(tx: Connection, spec_hashes: Sequence[str]) -> dict[str, Experiment]:
    """For each hash that is known the completed experiment, else the running, the queued or any; the newest of them."""
    place = func.row_number().over(
        partition_by=experiments.c.spec_hash, order_by=(_NEAREST_TO_A_RESULT, *_NEWEST_FIRST)
    )
    wanted = experiments.c.spec_hash.in_(list(spec_hashes))
    placed = visible_experiments(experiments.c.id, place.label("place")).where(wanted).subquery()
    first = (
        visible_experiments(*rows.SHORT)
        .join(placed, placed.c.id == experiments.c.id)
        .where(placed.c.place == 1)
    )
    return {found.spec_hash: found for found in rows.load(tx, tx.execute(first).all())}


def request_cancel(tx: Connection, experiment_id: str) -> State:
    """Cancels a queued or paused experiment, asks the worker of a running one to stop; the state then.

    Raises:
        NotFound: There is none.
        IllegalMove: It has ended.
    """
    columns = experiments.c.state, experiments.c.attempt, experiments.c.cancel_requested
    row = rows.one(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state.is_final:
        raise IllegalMove(state, "cancel", "it has ended")
    if state is not State.RUNNING:
        transition(tx, experiment_id, state, State.CANCELLED, at=at, kind=EventKind.CANCELLED)
        return State.CANCELLED
    if not row.cancel_requested:
        _set(tx, experiment_id, cancel_requested=True)
        note(tx, experiment_id, EventKind.CANCEL_REQUESTED, at=at, attempt=row.attempt)
    return state


def request_pause(tx: Connection, experiment_id: str) -> State:
    """Pauses a queued experiment, asks the worker of a running one to save it and let go; the state then.

    Raises:
        NotFound: There is none.
        IllegalMove: It is paused, has ended, or is about to be cancelled.
    """
    columns = (
        experiments.c.state,
        experiments.c.attempt,
        experiments.c.cancel_requested,
        experiments.c.pause_requested,
    )
    row = rows.one(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state.is_final:
        raise IllegalMove(state, "pause", "it has ended")
    if row.cancel_requested:
        raise IllegalMove(state, "pause", "it is about to be cancelled")
    if state is State.RUNNING:
        if not row.pause_requested:
            _set(tx, experiment_id, pause_requested=True)
            note(tx, experiment_id, EventKind.PAUSE_REQUESTED, at=at, attempt=row.attempt)
        return state
    move(state, State.PAUSED)
    transition(tx, experiment_id, state, State.PAUSED, at=at, kind=EventKind.PAUSED)
    return State.PAUSED


def resume(tx: Connection, experiment_id: str) -> State:
    """Queues a paused experiment again, with its checkpoint; takes back the wish to pause a running one.

    Raises:
        NotFound: There is none.
        IllegalMove: It is not paused, nor about to be.
    """
    columns = experiments.c.state, experiments.c.attempt, experiments.c.pause_requested
    row = rows.one(tx, experiment_id, *columns, lock=True)
    state, at = State(row.state), now(tx)
    if state is State.RUNNING and row.pause_requested:
        _set(tx, experiment_id, pause_requested=False)
        note(tx, experiment_id, EventKind.PAUSE_WITHDRAWN, at=at, attempt=row.attempt)
        return state
    if state is not State.PAUSED:
        raise IllegalMove(
            state, "resume", "it is not paused" + ("; retry it" if state in RETRIED else "")
        )
    transition(tx, experiment_id, state, State.QUEUED, at=at, kind=EventKind.RESUMED)
    return State.QUEUED


def retry(tx: Connection, experiment_id: str) -> State:
    """Queues a failed or cancelled experiment again; it resumes from its checkpoint if it has one.

    Raises:
        NotFound: There is none.
        IllegalMove: It is not failed or cancelled.
    """
    state = State(rows.one(tx, experiment_id, experiments.c.state, lock=True).state)
    if not state.is_final:
        raise IllegalMove(
            state, "retry", "it has not ended" + ("; resume it" if state is State.PAUSED else "")
        )
    move(state, State.QUEUED, verb="retry")
    fresh: dict[str, Any] = {
        "cancel_requested": False,
        "attempts_without_progress": 0,
        "failure_kind": None,
        "failure_message": None,
        "started_at": None,
        "finished_at": None,
    }
    transition(
        tx, experiment_id, state, State.QUEUED, at=now(tx), kind=EventKind.RETRIED, values=fresh
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
) -> Experiment:
    """Changes the metadata that isn't None, if nobody else has since ``version`` was read.

    Raises:
        NotFound: There is none.
        VersionConflict: It is at another version.
    """
    row = rows.one(tx, experiment_id, experiments.c.version, experiments.c.created_at, lock=True)
    if row.version != version:
        raise VersionConflict(experiment_id, version, row.version)
    given = {
        key: value for key, value in {"name": name, "notes": notes}.items() if value is not None
    }
    _set(tx, experiment_id, version=version + 1, **given)
    if tags is not None:
        tagging.write(tx, experiment_id, row.created_at, tags)
    return get(tx, experiment_id)


def remove(tx: Connection, experiment_id: str) -> None:
    """Removes an experiment that has ended, with all that belongs to it.

    Raises:
        NotFound: There is none.
        IllegalMove: It hasn't ended, or another one waits to start from it.
    """
    state = State(rows.one(tx, experiment_id, experiments.c.state, lock=True).state)
    if not state.is_final:
        raise IllegalMove(state, "remove", "it has not ended; cancel it first")
    if heirs := warm_start.heirs(tx, experiment_id):
        raise IllegalMove(
            state,
            "remove",
            f"{heirs[0]} starts from it and has not ended; wait for it, or cancel it",
        )
    tx.execute(delete(experiments).where(experiments.c.id == experiment_id))


def events(tx: Connection, experiment_id: str) -> list[Event]:
    """The history of an experiment, from its submission on; raises NotFound."""
    rows.one(tx, experiment_id, experiments.c.id)
    query = (
        select(event_table)
        .where(event_table.c.experiment_id == experiment_id)
        .order_by(event_table.c.number)
    )
    return [
        Event(row.number, row.at, EventKind(row.kind), row.attempt, row.detail)
        for row in tx.execute(query)
    ]


def logs(tx: Connection, experiment_id: str) -> list[Log]:
    """What the trainers of an experiment wrote, one log per attempt that wrote any; raises NotFound."""
    rows.one(tx, experiment_id, experiments.c.id)
    texts: dict[int, list[str]] = {}
    query = (
        select(log_table)
        .where(log_table.c.experiment_id == experiment_id)
        .order_by(log_table.c.number)
    )
    for row in tx.execute(query):
        texts.setdefault(row.attempt, []).append(row.text)
    return [Log(attempt, "".join(parts)) for attempt, parts in texts.items()]


def _set(tx: Connection, experiment_id: str, **values: Any) -> None:
    tx.execute(update(experiments).where(experiments.c.id == experiment_id).values(values))
