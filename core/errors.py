"""What can go wrong in the science, by what the caller can do about it.

    ExtrapolabError
    ├── SpecError            the spec asks for something that isn't defined: change the spec
    ├── IntegrationFailed    gradient flow could not be followed with these tolerances: change them
    └── NumericsUnavailable  this machine lacks the device that the spec asks for: run it elsewhere

A run whose loss explodes is no error: its outcome is ``diverged`` (:class:`core.result.Outcome`).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field, for a person to read and a program to find.

    Attributes:
        pointer: JSON Pointer (RFC 6901) of the field, ``""`` for the whole body.
        code: A short stable word for programs, such as ``unknown_field``.
        message: What is wrong and, where it can, what to do.
        given: What was given, shortened; ``None`` where nothing was.
        allowed: What is allowed; ``None`` where the message says all.
        column: Where in a text it is, from 1 on; ``None`` where the field is none.
    """

    pointer: str
    code: str
    message: str
    given: str | None = None
    allowed: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        """The problem on one line: ``/training/length: should be at least 1 (given 0)``."""
        given = f" (given {self.given})" if self.given is not None else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed is not None else ""
        return f"{self.pointer or '/'}: {self.message}{given}{allowed}"


class ExtrapolabError(Exception):
    """Something that the caller can act on."""


class SpecError(ExtrapolabError):
    """The spec is not valid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keeps every problem; the message lists them all."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class NumericsUnavailable(ExtrapolabError):
    """This machine does not have the device that the spec asks for."""


class IntegrationFailed(ExtrapolabError):
    """The integrator of gradient flow gave up; the message says why, and what may help."""
