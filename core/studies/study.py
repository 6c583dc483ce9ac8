"""A study: a built-in set of experiments that answers one question, and claims judged by the numbers they gave.

A study is pure: it names experiments and judges evidence. Where they run and how they are found again (by spec hash)
is not its business.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from core.evidence import Evidence
from core.spec import ExperimentSpec, spec_hash

Size = Literal["quick", "full"]


class Verdict(StrEnum):
    """Whether a claim's inequality holds on the numbers at hand."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Claim:
    """A statement on stored numbers, with the number, the bound and what it rests on."""

    claim: str
    inequality: str
    value: float | None
    bound: float
    verdict: Verdict
    experiments: tuple[str, ...]


class Study(Protocol):
    """What every study offers."""

    name: str
    title: str
    question: str

    def experiments(self, size: Size) -> tuple[ExperimentSpec, ...]:
        """The experiments of the study, each with the study's tag."""
        ...

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """Every claim with its verdict; ``not_run`` where the experiments that it rests on are missing."""
        ...


@dataclass(frozen=True)
class Pieces:
    """The evidence that one claim rests on: what is there of the experiments ``wanted``, in their order."""

    wanted: tuple[ExperimentSpec, ...]
    found: tuple[Evidence, ...]

    @classmethod
    def of(cls, wanted: Sequence[ExperimentSpec], evidence: Sequence[Evidence]) -> "Pieces":
        """Finds each wanted experiment by its spec hash."""
        by_hash = {spec_hash(piece.spec): piece for piece in evidence}
        hashes = map(spec_hash, wanted)
        return cls(tuple(wanted), tuple(by_hash[key] for key in hashes if key in by_hash))


def judged(
    claim: str,
    inequality: str,
    pieces: Pieces,
    value: Callable[[Sequence[Evidence]], float],
    *,
    below: float | None = None,
    above: float | None = None,
) -> Claim:
    """The claim that ``value`` of the evidence is under ``below`` or over ``above``; not run if a piece is missing.

    Neither infinity nor NaN is ever under or over a bound, so that divergence can't make a claim hold.
    """
    ids = tuple(piece.experiment_id for piece in pieces.found)
    bound = below if below is not None else above
    if bound is None:
        raise ValueError("a claim needs a bound: below or above")
    if len(pieces.found) < len(pieces.wanted):
        return Claim(claim, inequality, None, bound, Verdict.NOT_RUN, ids)
    number = value(pieces.found)
    holds = number < bound if below is not None else bound < number < math.inf
    return Claim(claim, inequality, number, bound, Verdict.HOLDS if holds else Verdict.FAILS, ids)
