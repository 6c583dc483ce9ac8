"""What the service itself refuses, whatever the store holds.

:mod:`service.http.problems` gives each its HTTP status.

Refusal
├── NotHttp                 what was sent is no request
├── HeadTooLong             its head is longer than the service reads
├── HeadTooSlow             its head takes longer than the service waits
├── ForeignOrigin           the page of another website asks for a change
├── Malformed               the body is not JSON
├── BodyTooLarge            the body is longer than the service reads
├── UnsupportedContent      the body is of another type than JSON
├── Invalid                 a field or parameter has a value that isn't allowed
├── Missing                 nothing is kept under that name
├── Ambiguous               what is given of an id is how several begin
├── PreconditionMissing     the change must say which version it is of
├── PreconditionFailed      the change is of another version than the present one
├── NothingYet              it depends on experiments that are not completed
├── OtherCount              others are found than were expected
└── NotInstalled            it needs a library that the server doesn't have
"""

import difflib
from collections.abc import Iterable

from core.errors import ExtrapolabError, Problem
from core.spec.explain import shorten


class Refusal(ExtrapolabError):
    """A request that the service refuses, with every reason."""

    def __init__(self, *problems: Problem) -> None:
        """Keeps the reasons; the message lists them all."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class NotHttp(Refusal):
    """What was sent is no request."""


class HeadTooLong(Refusal):
    """The head of the request is longer than the service reads."""


class HeadTooSlow(Refusal):
    """The head of the request takes longer than the service waits."""


class ForeignOrigin(Refusal):
    """The page of another website asks for a change."""


class Malformed(Refusal):
    """The body is not JSON."""


class BodyTooLarge(Refusal):
    """The body is longer than the service reads."""


class UnsupportedContent(Refusal):
    """The body is of another type than JSON."""


class Invalid(Refusal):
    """A field or parameter has a value that isn't allowed."""


class Missing(Refusal):
    """Nothing is kept under that name."""


class Ambiguous(Refusal):
    """What is given of an id is how several begin."""


class PreconditionMissing(Refusal):
    """The change must say which version it is of."""


class PreconditionFailed(Refusal):
    """The change is of another version than the present one."""


class OtherCount(Refusal):
    """A change of many experiments finds others than were expected."""


class NotInstalled(Refusal):
    """The server was installed without the library that this needs."""


class NothingYet(Refusal):
    """It depends on experiments that are not completed."""


def unknown(pointer: str, what: str, given: str, allowed: Iterable[str]) -> Problem:
    """The problem of a name that isn't one of the ``allowed``, with the nearest of them."""
    names = list(allowed)
    close = difflib.get_close_matches(given, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    listed = ", ".join(names) or "none"
    return Problem(
        pointer, f"unknown_{what}", f"unknown {what}{hint}", given=shorten(given), allowed=listed
    )
