"""What the store refuses, and why.

Each message tells what to do; the service maps the classes to HTTP.

StoreError
├── NotFound          there is nothing of that id
├── IllegalMove       the state forbids it
├── NotReady          there is no result yet
├── NoArrays          it was imported, and has its metrics only
├── VersionConflict   somebody else edited it in the meantime
├── BadCursor         the cursor isn't one that was handed out
├── BadQuery          a filter or an order isn't understood (store.query.errors)
├── Fenced            the attempt has lost its experiment: stop
├── KeyReused         the Idempotency-Key was used for another request
├── KeyInFlight       the first request with that Idempotency-Key is still being answered
├── BackupRefused     a backup would overwrite something, or there is nothing to back up
├── BackupDamaged     a backup is not what was written
├── SchemaMismatch    the database has other tables than this version of the software
└── StoreUnavailable  the database is away or too slow: try again
    └── StoreUnusable  trying again won't help: its disk is full, its file damaged or locked away
"""

from core.errors import ExtrapolabError


class StoreError(ExtrapolabError):
    """The store refuses or can't do what was asked."""


class NotFound(StoreError):
    """There is nothing of that id."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is no {what} {name!r}")
        self.what, self.id = what, name


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
    """An imported experiment has metrics, and perhaps a series."""

    def __init__(self) -> None:
        super().__init__(
            "the experiment was imported: it has its metrics, and perhaps a series, but no responses or parameters; "
            "submit its spec to compute them here"
        )


class VersionConflict(StoreError):
    """It was edited since the given version was read."""

    def __init__(self, name: str, given: int, current: int, *, what: str = "experiment") -> None:
        super().__init__(
            f"{what} {name} is at version {current}, not {given}: read it again, then edit"
        )
        self.id, self.given, self.current = name, given, current


class BadCursor(StoreError):
    """The cursor isn't one that a page handed out."""

    def __init__(
        self,
        cursor: str,
        why: str = "is not one that a page handed out: take it from 'next', or leave it out",
    ) -> None:
        super().__init__(f"the cursor {why}")
        self.cursor = cursor


class Fenced(StoreError):
    """The attempt no longer holds the experiment, so nothing was written: stop the training."""

    def __init__(self, experiment_id: str, attempt: int) -> None:
        super().__init__(
            f"attempt {attempt} no longer holds experiment {experiment_id}; nothing was written"
        )
        self.experiment_id, self.attempt = experiment_id, attempt


class KeyReused(StoreError):
    """An Idempotency-Key belongs to one request body."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the Idempotency-Key {key!r} was used with another request: use a new key"
        )
        self.key = key


class KeyInFlight(StoreError):
    """The first request with this Idempotency-Key has no answer yet."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"a request with the Idempotency-Key {key!r} is still being answered: try again in a moment"
        )
        self.key = key


class BackupRefused(StoreError):
    """A backup would overwrite something, or there is nothing to back up."""


class BackupDamaged(StoreError):
    """A backup is not what was written."""


class SchemaMismatch(StoreError):
    """The database's tables are of another version than this software's."""

    def __init__(
        self, found: str | None, wanted: str, remedy: str = "run 'extrapolab migrate'"
    ) -> None:
        super().__init__(
            f"the database is at schema {found or 'none'}, this software needs {wanted}: {remedy}"
        )
        self.found, self.wanted = found, wanted


class StoreUnavailable(StoreError):
    """The database is away, locked or too slow.

    What was being written may or may not have been stored.
    """


class StoreUnusable(StoreUnavailable):
    """The database needs somebody's help before trying again makes sense."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database can't be used: {reason}")
        self.reason = reason
