"""Notifications: news of experiments, sweeps and studies that ended, each for one target.

A notification is a row from the request on, written in the transaction of the submission. It waits
until what it is about has ended; then it is due, and a sender claims it for the length of a lease
and reports how the attempt went. A sender that dies loses nothing: when its lease has run out,
another claims the row, so that a message is sent at least once.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Select, delete, exists, func, insert, or_, select, update

from store.db.batches import batches
from store.db.database import now
from store.db.keyset import read_page
from store.db.tables import AnyRow, experiments, sweep_members
from store.db.user_tables import notifications
from store.db.visible import visible_experiments
from store.states import FINAL, PENDING

LEASE_SECONDS = 60.0
"""An attempt to send takes less; after it, another sender may try."""

FIRST_PAUSE_SECONDS, PAUSE_FACTOR, MAX_ATTEMPTS = 10.0, 4.0, 6
"""The pause after the first failed attempt, its growth, and the attempts: about an hour in all."""

QUIET_SECONDS = 60.0
"""A target gets at most one message in this time; it has the news of all that ended meanwhile."""

MAX_PER_MESSAGE = 500
"""Most notifications that one message delivers."""

KEEP_SECONDS = 30 * 86_400.0
"""Sent and failed notifications are removed after this."""

_CLAIM_LOCK = 0x7E11
"""PostgreSQL's advisory lock that lets one sender claim at a time."""

_NUMBER = re.compile(r"[0-9]{1,15}")


class SubjectKind(StrEnum):
    """The kinds of things that notifications are about."""

    EXPERIMENT = "experiment"
    SWEEP = "sweep"
    STUDY = "study"
    TEST = "test"


class NotificationState(StrEnum):
    """The state of a notification: it waits, is due, and is sent or has failed."""

    WAITING = "waiting"
    DUE = "due"
    SENT = "sent"
    FAILED = "failed"


UNDELIVERED = (NotificationState.WAITING, NotificationState.DUE)


@dataclass(frozen=True)
class Subject:
    """What a notification is about.

    Attributes:
        kind: Its kind.
        id: Its id; of a study its name, a slash and its size; of a test empty.
        sweep_ids: The sweeps that have to end.
    """

    kind: SubjectKind
    id: str = ""
    sweep_ids: Sequence[str] = ()

    @classmethod
    def of_id(cls, subject_id: str) -> "Subject":
        """The experiment or sweep with this id."""
        if subject_id.startswith("swp_"):
            return cls(SubjectKind.SWEEP, subject_id, (subject_id,))
        return cls(SubjectKind.EXPERIMENT, subject_id)


@dataclass(frozen=True)
class Target:
    """Where a message is sent.

    Attributes:
        address: A URL, which may hold passwords, or the name of one of the lab's targets.
        shown: The address without its secrets.
    """

    address: str
    shown: str

    @property
    def digest(self) -> str:
        """Tells addresses apart after they are forgotten."""
        return hashlib.sha256(self.address.encode()).hexdigest()


@dataclass(frozen=True)
class Notification:
    """A notification; times are Unix seconds."""

    number: int
    subject: Subject
    target: Target
    owner: str
    origin: str
    state: NotificationState
    attempts: int
    error: str | None
    created_at: float
    next_at: float | None
    ended_at: float | None


def request(
    tx: Connection, subject: Subject, targets: Iterable[Target], *, owner: str, origin: str
) -> list[int]:
    """Adds a notification for each target, unless an equal one is still to be delivered.

    Args:
        tx: The transaction of the submission, or another write.
        subject: What they are about.
        targets: Where to send them.
        owner: Who asks for them.
        origin: The address at which the owner reaches the lab, for links.

    Returns:
        Their numbers.
    """
    at, numbers = now(tx), []
    is_test = subject.kind is SubjectKind.TEST
    for target in targets:
        equal = select(notifications.c.number).where(
            notifications.c.subject == subject.id,
            notifications.c.digest == target.digest,
            notifications.c.state.in_(UNDELIVERED),
        )
        number = tx.scalars(equal.limit(1)).first()
        if number is None:
            row = {
                "kind": subject.kind,
                "subject": subject.id,
                "sweeps": [*subject.sweep_ids],
                "target": target.address,
                "digest": target.digest,
                "shown": target.shown,
                "owner": owner,
                "origin": origin,
                "state": NotificationState.DUE if is_test else NotificationState.WAITING,
                "attempts": 0,
                "created_at": at,
                "next_at": at if is_test else None,
            }
            adding = insert(notifications).values(row).returning(notifications.c.number)
            number = tx.scalars(adding).one()
        numbers.append(number)
    return numbers


def find_ended(tx: Connection) -> list[int]:
    """The waiting notifications about what has ended, or was removed."""
    table = notifications.c
    is_experiment = table.kind == SubjectKind.EXPERIMENT
    of_experiments = (
        select(table.number)
        .outerjoin(experiments, experiments.c.id == table.subject)
        .where(
            table.state == NotificationState.WAITING,
            is_experiment,
            or_(experiments.c.state.is_(None), experiments.c.state.in_(FINAL)),
        )
    )
    of_sweeps = select(table.number, table.sweeps).where(
        table.state == NotificationState.WAITING, ~is_experiment
    )
    rows = tx.execute(of_sweeps).all()
    pending = {
        sweep_id: _has_pending(tx, sweep_id) for sweep_id in {id_ for row in rows for id_ in row[1]}
    }
    ended = [number for number, sweep_ids in rows if not any(map(pending.__getitem__, sweep_ids))]
    return [*tx.scalars(of_experiments), *ended]


def _has_pending(tx: Connection, sweep_id: str) -> bool:
    """Whether a sweep has pending experiments; the last member is usually the last to end."""
    query = (
        visible_experiments(experiments.c.id)
        .join(sweep_members, sweep_members.c.experiment_id == experiments.c.id)
        .where(sweep_members.c.sweep_id == sweep_id, experiments.c.state.in_(PENDING))
        .order_by(sweep_members.c.position.desc())
        .limit(1)
    )
    return tx.execute(query).first() is not None


def mark_due(tx: Connection, numbers: Sequence[int]) -> None:
    """Makes waiting notifications due."""
    waiting = notifications.c.state == NotificationState.WAITING
    due = {"state": NotificationState.DUE, "next_at": now(tx)}
    for batch in batches(numbers):
        is_of_batch = notifications.c.number.in_(batch)
        tx.execute(update(notifications).where(is_of_batch, waiting).values(due))


def is_any_due(tx: Connection) -> bool:
    """Whether :func:`claim` has anything to claim."""
    return tx.execute(_next_due(now(tx)).limit(1)).first() is not None


def claim(tx: Connection) -> list[Notification]:
    """Claims all due notifications for the target whose turn it is, for one message.

    Each has the number of this attempt, which :func:`settle` wants back. Until then, or until the
    lease has run out, no others for this target can be claimed.
    """
    if tx.dialect.name == "postgresql":  # SQLite has a single writer
        tx.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))
    at = now(tx)
    is_due = notifications.c.state == NotificationState.DUE, notifications.c.next_at <= at
    given_up = update(notifications).where(*is_due, notifications.c.attempts >= MAX_ATTEMPTS)
    error = "the process that sends ended during the last attempt"
    tx.execute(given_up.values(error=error, **_ended(NotificationState.FAILED, at)))
    first = tx.execute(_next_due(at).limit(1)).first()
    if first is None:
        return []
    same = (
        select(notifications.c.number)
        .where(*is_due, notifications.c.digest == first.digest)
        .order_by(notifications.c.number)
        .limit(MAX_PER_MESSAGE)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(notifications)
        .where(notifications.c.number.in_(tx.scalars(same).all()))
        .values(attempts=notifications.c.attempts + 1, error=None, next_at=at + LEASE_SECONDS)
        .returning(*notifications.c)
    )
    return sorted(map(_notification, tx.execute(taken)), key=lambda taken: taken.number)


def settle(
    tx: Connection, claimed: Iterable[Notification], error: str | None = None, *, final: bool
) -> None:
    """Records how an attempt went, unless another has been made since.

    Args:
        tx: An open write.
        claimed: What :func:`claim` gave.
        error: Why it failed; None if it was sent.
        final: Whether another attempt is of no use.
    """
    at = now(tx)
    for notification in claimed:
        attempts = notification.attempts
        values: dict[str, object] = {"error": error}
        if error is None or final or attempts >= MAX_ATTEMPTS:
            state = NotificationState.SENT if error is None else NotificationState.FAILED
            values |= _ended(state, at)
        else:
            pause = FIRST_PAUSE_SECONDS * PAUSE_FACTOR ** (attempts - 1)
            values["next_at"] = at + pause
        is_mine = (
            notifications.c.number == notification.number,
            notifications.c.attempts == attempts,
            notifications.c.state == NotificationState.DUE,
        )
        tx.execute(update(notifications).where(*is_mine).values(values))


def _ended(state: NotificationState, at: float) -> dict[str, object]:
    """The values of a notification in its last state, in which it forgets the target."""
    return {"state": state, "ended_at": at, "next_at": None, "target": ""}


def remove_old(tx: Connection) -> None:
    """Removes notifications that were sent or failed long ago."""
    tx.execute(delete(notifications).where(notifications.c.ended_at < now(tx) - KEEP_SECONDS))


def page(
    tx: Connection,
    *,
    limit: int | None,
    cursor: str | None = None,
    numbers: Sequence[int] | None = None,
) -> tuple[list[Notification], str | None]:
    """Up to ``limit`` notifications, newest first, and the cursor of the next page or None.

    Raises:
        BadCursor: No page handed out the cursor.
    """
    query = select(notifications)
    if numbers is not None:
        query = query.where(notifications.c.number.in_(numbers))
    key = notifications.c.number
    rows, next_cursor = read_page(
        tx, query, key, _NUMBER, limit=limit, cursor=cursor, descending=True
    )
    return [_notification(row) for row in rows], next_cursor


def _next_due(at: float) -> Select[tuple[str]]:
    """The due notifications whose targets have been quiet for long enough, longest due first."""
    sent = notifications.alias()
    is_loud = exists().where(
        sent.c.digest == notifications.c.digest,
        sent.c.ended_at.between(at - QUIET_SECONDS, at),  # none later, if the clock was set back
    )
    being_sent = select(sent.c.digest).where(
        sent.c.state == NotificationState.DUE,
        sent.c.next_at > at,
        sent.c.attempts > 0,
        sent.c.error.is_(None),
    )
    return (
        select(notifications.c.digest)
        .where(
            notifications.c.state == NotificationState.DUE,
            notifications.c.next_at <= at,
            ~is_loud,
            notifications.c.digest.not_in(being_sent),
        )
        .order_by(notifications.c.next_at, notifications.c.number)
    )


def _notification(row: AnyRow) -> Notification:
    return Notification(
        number=row.number,
        subject=Subject(SubjectKind(row.kind), row.subject, row.sweeps),
        target=Target(row.target, row.shown),
        owner=row.owner,
        origin=row.origin,
        state=NotificationState(row.state),
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        next_at=row.next_at,
        ended_at=row.ended_at,
    )
