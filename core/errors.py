"""Errors of the science, by what the caller can do about them.

    ExtrapolabError
    ├── SpecError            the spec is invalid: change the spec
    ├── IntegrationFailed    the integrator of gradient flow gave up: change its tolerances
    └── NumericsUnavailable  this machine lacks the device: run the spec elsewhere

A run whose loss explodes is not an error; its outcome is :attr:`core.result.Outcome.DIVERGED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A problem with one field, for people to read and programs to match.

    Attributes:
        pointer: JSON Pointer (RFC 6901) of the field, ``""`` for the whole body.
        code: Short stable identifier for programs, such as ``unknown_field``.
        message: The problem and, if possible, its remedy.
        given: The given value, shortened; ``None`` if nothing was given.
        allowed: The allowed values; ``None`` if the message says enough.
        column: 1-based position in a text; ``None`` for fields that are not texts.
    """

    pointer: str
    code: str
    message: str
    given: str | None = None
    allowed: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Returns the problem on one line: ``/training/length: should be at least 1 (given 0)``."""
        given = f" (given {self.given})" if self.given is not None else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed is not None else ""
        return f"{self.pointer or '/'}: {self.message}{given}{allowed}"


class ExtrapolabError(Exception):
    """Base of the errors that a caller can act on."""


class SpecError(ExtrapolabError):
    """The spec is not valid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keeps the problems and lists them in the message."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class NumericsUnavailable(ExtrapolabError):
    """This machine lacks the device that the spec asks for."""


class IntegrationFailed(ExtrapolabError):
    """The integrator of gradient flow gave up; the message gives the reason and a remedy."""
