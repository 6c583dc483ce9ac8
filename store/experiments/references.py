"""References: an id, the first digits of one, a name, or ``@latest``.

Text that looks like an id of any kind, or that begins with ``@``, is never taken for a name; what
has such a name goes by its id.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, select

from store.db.tables import experiments, sweeps, workers
from store.db.user_tables import figures, views
from store.db.visible import visible_experiments, visible_sweeps
from store.errors import AmbiguousReference, WrongKind

LATEST = "@latest"
"""The newest of a kind."""

MAX_NAMED_IDS = 8
"""Most ids that the error of an ambiguous reference names."""

_MAX_NAME = 200
_MAX_MATCHES = 200
"""Most ids with one prefix of which the newest are found; only old ids, which begin with the time
and are in its order, have more."""

_LOOKS_LIKE_ID = re.compile(r"(exp|swp|fig|worker)_[0-9a-f]{4,32}")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class _Rows:
    """The rows of a kind: their table, the SELECT of those to be found, and their names."""

    table: Table
    select: Callable[..., Select[Any]]
    name: Any = None


class Kind(Enum):
    """A kind of what has ids; the value begins them."""

    EXPERIMENT = "exp"
    SWEEP = "swp"
    FIGURE = "fig"
    WORKER = "worker"

    @property
    def noun(self) -> str:
        """The kind in words, as after "a" or "an"."""
        return _NOUNS[self]

    @property
    def article(self) -> str:
        """The kind in words, with its article."""
        return f"an {self.noun}" if self is Kind.EXPERIMENT else f"a {self.noun}"


_NOUNS = {
    Kind.EXPERIMENT: "experiment",
    Kind.SWEEP: "sweep",
    Kind.FIGURE: "saved figure",
    Kind.WORKER: "worker slot",
}
_ROWS = {
    Kind.EXPERIMENT: _Rows(experiments, visible_experiments, experiments.c.name),
    Kind.SWEEP: _Rows(sweeps, visible_sweeps, sweeps.c.name),
    Kind.FIGURE: _Rows(figures, select, figures.c.recipe["name"].as_string()),
    Kind.WORKER: _Rows(workers, select),
}


def is_id(text: str, kind: Kind) -> bool:
    """Whether it is a whole id of a kind, though perhaps of nothing."""
    return kind_of(text) is kind and len(text) == len(kind.value) + 33


def kind_of(text: str) -> Kind | None:
    """The kind whose ids the text looks like: whole, or 4 or more of their 32 digits."""
    match = _LOOKS_LIKE_ID.fullmatch(text)
    return None if match is None else Kind(match[1])


def resolve(tx: Connection, kind: Kind, text: str) -> str | None:
    """The id that a reference means; None if nothing has it. Whole ids are not looked up.

    Raises:
        AmbiguousReference: Several have it.
        WrongKind: It is the id or the name of another kind, or begins with ``@``.
    """
    if is_id(text, kind):
        return text
    ids = _find(tx, kind, text)
    if len(ids) > 1:
        raise AmbiguousReference(kind.noun, text, ids[:MAX_NAMED_IDS], len(ids))
    if ids:
        return ids[0]
    _refuse_other_kinds(tx, kind, text)
    return None


def _find(tx: Connection, kind: Kind, text: str) -> Sequence[str]:
    """The ids of a kind that a reference can mean, newest first; not all, if they are many."""
    rows = _ROWS[kind]
    c: Any = rows.table.c
    if text == LATEST:
        return [] if rows.name is None else list(tx.scalars(_newest_first(rows).limit(1)))
    if kind_of(text) is kind:
        end = text + "g"  # after all hexadecimal digits in any collation; LIKE may scan the table
        age: Column[Any] = c.id if rows.name is None else c.created_at
        matching = rows.select(c.id, age.label("age")).where(c.id >= text, c.id < end)
        found = tx.execute(matching.order_by(c.id.desc()).limit(_MAX_MATCHES)).all()
        return [row.id for row in sorted(found, key=lambda row: (row.age, row.id), reverse=True)]
    if text.startswith("@") or kind_of(text) is not None:
        return []
    return _named(tx, kind, text)


def _named(tx: Connection, kind: Kind, text: str) -> Sequence[str]:
    """The ids of those with a name, newest first; only as many as an error can name, and one."""
    rows = _ROWS[kind]
    if rows.name is None or not 0 < len(text) <= _MAX_NAME or _CONTROL_CHARACTERS.search(text):
        return []
    return list(tx.scalars(_newest_first(rows).where(rows.name == text).limit(MAX_NAMED_IDS + 1)))


def _newest_first(rows: _Rows) -> Select[Any]:
    c = rows.table.c
    return rows.select(c.id).order_by(c.created_at.desc(), c.id.desc())


def _refuse_other_kinds(tx: Connection, kind: Kind, text: str) -> None:
    """Raises WrongKind if a reference that nothing has means something else."""
    if namesakes := _named(tx, kind, text) if text.startswith("@") or kind_of(text) else []:
        named = f"{kind.article} has this name, which looks like an id: use its own id"
        raise WrongKind(kind.noun, text, f"{named}, {namesakes[0]}")
    other = kind_of(text)
    if other is not None and other is not kind:
        raise WrongKind(kind.noun, text, f"it is the id of {other.article}", other.value)
    if text.startswith("@") and (text != LATEST or kind is Kind.WORKER):
        known = "" if kind is Kind.WORKER else f"; the newest {kind.noun} is {LATEST}"
        raise WrongKind(kind.noun, text, f"no reference but {LATEST} begins with @{known}")
    for other in Kind:
        if other is not kind and _named(tx, other, text):
            raise WrongKind(kind.noun, text, f"{other.article} has this name", other.value)
    is_view = 0 < len(text) <= _MAX_NAME and not _CONTROL_CHARACTERS.search(text)
    if is_view and tx.scalars(select(views.c.name).where(views.c.name == text)).first():
        raise WrongKind(kind.noun, text, "a saved view has this name", "view")
