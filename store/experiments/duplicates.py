"""Equal experiments that a submission reuses instead of queueing another."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, and_, bindparam, func, literal_column, select

from store.db.batches import batches
from store.db.tables import AnyRow, experiments
from store.db.visible import visible_experiments
from store.records import Submission
from store.states import State

REUSABLE_STATES = (State.QUEUED, State.RUNNING, State.COMPLETED)
"""States in which an equal experiment is reused. A paused one isn't: it may stay paused."""

_SUBMISSIONS_LOCK = 0x5EED
"""PostgreSQL's advisory lock: exclusive for submissions of many, shared by submissions of one."""

_IS_REUSABLE = and_(
    experiments.c.state.in_([literal_column(f"'{state}'") for state in REUSABLE_STATES]),
    ~experiments.c.cancel_requested,
    ~experiments.c.pause_requested,
)
_COLUMNS = tuple(
    experiments.c[name]
    for name in ("id", "spec_hash", "setup_hash", "created_at", "state", "warnings")
)
_SELECT_REUSABLE = (
    visible_experiments(*_COLUMNS)
    .where(experiments.c.spec_hash.in_(bindparam("hashes", expanding=True)), _IS_REUSABLE)
    .order_by(experiments.c.created_at, experiments.c.id)
)
_LOCK_REUSABLE = _SELECT_REUSABLE.with_for_update()
_LOCK_STILL_REUSABLE = (
    visible_experiments(experiments.c.id)
    .where(experiments.c.id.in_(bindparam("ids", expanding=True)), _IS_REUSABLE)
    .order_by(experiments.c.id)
    .with_for_update()
)
_staged = experiments.alias()
_SELECT_EQUAL_TO_STAGED = visible_experiments(
    *_COLUMNS, experiments.c.cancel_requested, experiments.c.pause_requested
).where(
    experiments.c.spec_hash.in_(
        select(_staged.c.spec_hash).where(_staged.c.staged_batch_id == bindparam("batch_id"))
    )
)


def lock(tx: Connection, hashes: Sequence[str] = ()) -> None:
    """Makes equal submissions wait for each other, so that both get one experiment.

    SQLite has a single writer anyway. On PostgreSQL, a submission of one locks its hash; more than
    one, or none, lock out all other submissions, since the server can't hold a lock for each.

    Args:
        tx: An open write.
        hashes: The spec hashes that are submitted.
    """
    if tx.dialect.name != "postgresql":
        return
    if len(hashes) == 1:
        key = int.from_bytes(bytes.fromhex(hashes[0][:16]), signed=True)
        lock_all = func.pg_advisory_xact_lock_shared(_SUBMISSIONS_LOCK)
        tx.execute(select(lock_all, func.pg_advisory_xact_lock(key)))
    else:
        tx.execute(select(func.pg_advisory_xact_lock(_SUBMISSIONS_LOCK)))


def find_reusable(
    tx: Connection, hashes: Iterable[str], *, lock_rows: bool = False
) -> dict[str, AnyRow]:
    """The newest reusable experiment for each spec hash that has one."""
    query = _LOCK_REUSABLE if lock_rows else _SELECT_REUSABLE
    row_by_hash: dict[str, AnyRow] = {}
    for batch in batches(hashes):
        row_by_hash |= {row.spec_hash: row for row in tx.execute(query, {"hashes": batch})}
    return row_by_hash


def reused_submission(row: AnyRow) -> Submission:
    """The submission that reuses the experiment of a row."""
    hashes = row.spec_hash, row.setup_hash
    return Submission(row.id, State(row.state), *hashes, reused=True, warnings=tuple(row.warnings))


def still_reusable(tx: Connection, ids: Collection[str]) -> set[str]:
    """Locks the experiments that are still reusable and returns their ids."""
    reusable: set[str] = set()
    for batch in batches(sorted(ids)):
        reusable.update(tx.scalars(_LOCK_STILL_REUSABLE, {"ids": batch}))
    return reusable


def submitted_since_staging(tx: Connection, batch_id: str) -> dict[str, AnyRow]:
    """The newest visible experiment to reuse, by spec hash, for each staged one that has an equal.

    Usually none has; this then reads less than :func:`find_reusable`.
    """
    reusable = [
        row
        for row in tx.execute(_SELECT_EQUAL_TO_STAGED, {"batch_id": batch_id})
        if row.state in REUSABLE_STATES and not (row.cancel_requested or row.pause_requested)
    ]
    reusable.sort(key=lambda row: (row.created_at, row.id))
    return {row.spec_hash: row for row in reusable}
