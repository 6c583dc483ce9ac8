"""Requests that the service itself refuses, whatever the store holds.

:mod:`service.http.problems` gives each class its HTTP status.

Refusal
├── NotHttp                 the request is not HTTP
├── HeadTooLong             the head of the request exceeds the limit
├── HeadTooSlow             the head of the request did not arrive in time
├── BadHost                 the host or the origin of the request is not clear
├── WrongHost               the request is for a host that the lab isn't known by
├── Unprotected             the request comes from another machine, which nobody has allowed
├── ForeignOrigin           the page of another website requests something
├── Malformed               the body is not JSON
├── TwiceGiven              a key stands twice in one object of the body
├── BodyTooLarge            the body exceeds the limit
├── UnsupportedContent      the body's content type is not supported
├── Invalid                 a field or parameter has a value that is not allowed
├── Missing                 nothing has this name
├── NotBuilt                the documentation is not built
├── Ambiguous               several ids start with the given prefix
├── PreconditionMissing     a change must name the version that it edits
├── PreconditionFailed      a change names an outdated version
├── NoResultYet             the experiments are not completed
├── CountMismatch           a bulk change finds another number of matches
└── NotInstalled            the server lacks a required library
"""

import difflib
from collections.abc import Iterable

from core.errors import ExtrapolabError, Problem
from core.spec.explain import shorten
from service.address import at


class Refusal(ExtrapolabError):
    """A refused request, with every reason."""

    def __init__(self, *problems: Problem) -> None:
        """Keeps the reasons; the message lists them all."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class NotHttp(Refusal):
    """The request is not HTTP."""


class HeadTooLong(Refusal):
    """The head of the request exceeds the limit."""


class HeadTooSlow(Refusal):
    """The head of the request did not arrive in time."""


class BadHost(Refusal):
    """The request doesn't say once which host it is for, or which page sends it."""


class WrongHost(Refusal):
    """The request is for a host that the lab isn't known by."""


class Unprotected(Refusal):
    """The request comes from beyond this machine, and nobody has allowed that."""


class ForeignOrigin(Refusal):
    """The page of another website requests something."""


class Malformed(Refusal):
    """The body is not JSON."""


class TwiceGiven(Refusal):
    """A key stands twice in one object of the body."""


class BodyTooLarge(Refusal):
    """The body exceeds the limit."""


class UnsupportedContent(Refusal):
    """The body's content type is not supported."""


class Invalid(Refusal):
    """A field or parameter has a value that is not allowed."""


class Missing(Refusal):
    """Nothing has this name."""


class NotBuilt(Refusal):
    """The documentation is not built."""

    def __init__(self) -> None:
        """Says how to build it."""
        message = (
            "`make run` builds it while the lab starts, and `make docs` at any time; until then, "
            f"{at('/docs/try')} lists all calls"
        )
        super().__init__(Problem("", "not_built", message))


class Ambiguous(Refusal):
    """Several ids start with the given prefix."""


class PreconditionMissing(Refusal):
    """A change must name the version that it edits."""


class PreconditionFailed(Refusal):
    """A change names an outdated version."""


class CountMismatch(Refusal):
    """A bulk change finds another number of matches than expected."""


class NotInstalled(Refusal):
    """The server lacks a required library."""


class NoResultYet(Refusal):
    """The experiments are not completed."""


def unknown(pointer: str, what: str, given: str, allowed: Iterable[str]) -> Problem:
    """The problem of a name that is not ``allowed``, with the nearest allowed name."""
    names = list(allowed)
    close = difflib.get_close_matches(given, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    listed = ", ".join(names) or "none"
    return Problem(
        pointer, f"unknown_{what}", f"unknown {what}{hint}", given=shorten(given), allowed=listed
    )
