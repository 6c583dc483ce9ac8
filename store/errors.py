"""The errors of the store. Each message says what to do; the service maps the classes to HTTP.

StoreError
├── NotFound          nothing has that id
├── AmbiguousReference  several have that prefix of an id, or that name
├── WrongKind         something of another kind has that id or name
├── IllegalMove       the state forbids it
├── NotReady          there is no result yet
├── NoArrays          an imported experiment has only metrics
├── VersionConflict   someone else edited it in the meantime
├── NameTaken         something else has that name
├── BadCursor         no page handed out that cursor
├── BadQuery          a filter or sort order is invalid (store.query.errors)
├── Fenced            the attempt no longer holds its experiment: stop
├── KeyReused         the Idempotency-Key was used for another request
├── KeyInFlight       the first request with that Idempotency-Key is still in progress
├── BackupRefused     a backup would overwrite something, or there is nothing to back up
├── BackupDamaged     a backup differs from what was written
├── SchemaMismatch    the database's tables belong to another version of the software
└── StoreUnavailable  the database is unreachable or too slow: try again
    └── StoreUnusable  trying again won't help: disk full, file damaged or not writable
        └── UnsuitableDatabase  no lab can work on it: its encoding, its connection pooler
"""

from collections.abc import Sequence

from core.errors import ExtrapolabError


class StoreError(ExtrapolabError):
    """The store refuses a request or can't fulfil it."""


class NotFound(StoreError):
    """Nothing has that id."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.id = name


class AmbiguousReference(StoreError):
    """Several have the id or the name that is given."""

    def __init__(self, kind: str, given: str, ids: Sequence[str], count: int) -> None:
        super().__init__(f"several {kind}s match: give more characters, or the id of one")
        self.given = given
        self.allowed = ", ".join(ids) + (", ..." if count > len(ids) else "")


class WrongKind(StoreError):
    """What is given names something of another kind, or nothing ever.

    Attributes:
        given: What is given.
        reason: What it is instead.
        other: The kind that it is: how its ids begin, or ``view``; None if it is none.
    """

    def __init__(self, kind: str, given: str, reason: str, other: str | None = None) -> None:
        super().__init__(f"there is no {kind} {given!r}: {reason}")
        self.given, self.reason, self.other = given, reason, other


class IllegalMove(StoreError):
    """The experiment's state forbids it."""

    def __init__(self, state: str, verb: str, reason: str) -> None:
        super().__init__(f"cannot {verb} an experiment that is {state}: {reason}")
        self.state, self.verb, self.reason = state, verb, reason


class NotReady(StoreError):
    """There is no result until the experiment is completed."""

    def __init__(self, state: str) -> None:
        super().__init__(
            f"there is no result: the experiment is {state}, and only a completed one has a result"
        )
        self.state = state


class NoArrays(StoreError):
    """An imported experiment has metrics, and perhaps a series, but no arrays."""

    def __init__(self) -> None:
        super().__init__(
            "an imported experiment has no responses or parameters; submit its spec to compute them"
        )


class VersionConflict(StoreError):
    """It was edited after the given version was read."""

    def __init__(self, name: str, given: int, current: int, *, kind: str = "experiment") -> None:
        super().__init__(
            f"{kind} {name} is at version {current}, not {given}: read it again, then edit"
        )
        self.id, self.given, self.current = name, given, current


class NameTaken(StoreError):
    """Something else of its kind has this name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is a {kind} {name!r} already: choose another name, or change it")
        self.name = name


class BadCursor(StoreError):
    """No page handed out this cursor."""

    def __init__(
        self, cursor: str, reason: str = "is invalid: take it from 'next' of a page, or omit it"
    ) -> None:
        super().__init__(f"the cursor {reason}")
        self.cursor = cursor


class Fenced(StoreError):
    """The attempt no longer holds the experiment; nothing was written. Stop training."""

    def __init__(self, experiment_id: str, attempt: int) -> None:
        super().__init__(
            f"attempt {attempt} no longer holds experiment {experiment_id}; nothing was written"
        )
        self.experiment_id, self.attempt = experiment_id, attempt


class KeyReused(StoreError):
    """The Idempotency-Key was used for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the Idempotency-Key {key!r} was used for another request: use a new key")
        self.key = key


class KeyInFlight(StoreError):
    """The first request with this Idempotency-Key has no answer yet."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"a request with the Idempotency-Key {key!r} is still in progress: try again soon"
        )
        self.key = key


class BackupRefused(StoreError):
    """A backup would overwrite something, or there is nothing to back up."""


class BackupDamaged(StoreError):
    """A backup differs from what was written."""


class SchemaMismatch(StoreError):
    """The database's tables belong to another version of the software."""

    def __init__(
        self, found: str | None, wanted: str, remedy: str = "run 'extrapolab migrate'"
    ) -> None:
        super().__init__(
            f"the database is at schema {found or 'none'}, this software needs {wanted}: {remedy}"
        )
        self.found, self.wanted = found, wanted


class StoreUnavailable(StoreError):
    """The database is unreachable, locked or slow; an unfinished write may or may not be stored."""


class StoreUnusable(StoreUnavailable):
    """The database needs human help before trying again makes sense."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database can't be used: {reason}")
        self.reason = reason


class UnsuitableDatabase(StoreUnusable):
    """No lab can ever work on the database as it is set up."""
