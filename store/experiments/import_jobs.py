"""Imports in the background: the state of each, kept with the answers to requests.

A job's id follows from the file and its importer, so sending the file again finds the job. Its
process touches it with each progress; a job that is untouched for long has lost its process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.db.database import now
from store.db.user_tables import idempotency_keys as keys
from store.errors import NotFound

LOST_AFTER_SECONDS = 60.0
"""A running job that is untouched for so long has lost its process."""

_ROUTE = "import"

Rows = tuple[int, int | None]
"""Rows that are read, and of how many; None before they are counted."""


class JobState(StrEnum):
    """The state of an import."""

    RUNNING = "running"
    IMPORTED = "imported"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class ImportJob:
    """An import in the background.

    Attributes:
        id: Its id.
        state: Its state; ``failed`` also for one whose process was lost.
        done: Rows that are read.
        of: Rows of the file; None until they are counted.
        answer: What was imported, or why it was not; None while it runs and for a lost one.
    """

    id: str
    state: JobState
    done: int
    of: int | None
    answer: Mapping[str, Any] | None = None


def start(tx: Connection, job_id: str) -> bool:
    """Starts a job anew; False if it is running already."""
    begun = {"status": None, "body": {"done": 0, "of": None}, "created_at": now(tx)}
    values = {"owner": "", "route": _ROUTE, "key": job_id, "request_hash": job_id}
    try:
        with tx.begin_nested():
            tx.execute(insert(keys).values(values | begun))
    except IntegrityError:
        row = tx.execute(select(keys).where(_is(job_id)).with_for_update()).one()
    else:
        return True
    if _state(row.status, row.created_at, now(tx)) is JobState.RUNNING:
        return False
    tx.execute(update(keys).where(_is(job_id)).values(begun))
    return True


def record(
    tx: Connection, job_id: str, rows: Rows, end: tuple[int, Mapping[str, Any]] | None = None
) -> None:
    """Records how many rows are read and, at the ``end``, status and content of the answer."""
    status, answer = end or (None, None)
    body = {"done": rows[0], "of": rows[1], "answer": answer and dict(answer)}
    values = {"status": status, "body": body, "created_at": now(tx)}
    tx.execute(update(keys).where(_is(job_id)).values(values))


def get(tx: Connection, job_id: str) -> ImportJob:
    """The job with this id; raises NotFound, also a day after its end."""
    row = tx.execute(select(keys).where(_is(job_id))).one_or_none()
    if row is None:
        raise NotFound("import", job_id)
    state = _state(row.status, row.created_at, now(tx))
    return ImportJob(job_id, state, row.body["done"], row.body["of"], row.body.get("answer"))


def _state(status: int | None, touched_at: float, at: float) -> JobState:
    if status is None:
        is_lost = touched_at < at - LOST_AFTER_SECONDS
        return JobState.FAILED if is_lost else JobState.RUNNING
    if status < 300:
        return JobState.IMPORTED
    return JobState.REFUSED if status < 500 else JobState.FAILED


def _is(job_id: str) -> ColumnElement[bool]:
    return and_(keys.c.owner == "", keys.c.route == _ROUTE, keys.c.key == job_id)
