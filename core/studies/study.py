"""A study: built-in sweeps that answer one question, and claims judged by the numbers they gave.

A study is pure: it names experiments and judges evidence. Where they run and how they are found
again (by spec hash) is not its business.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Literal

from core.evidence import Evidence
from core.panels import Panel
from core.spec import ExperimentSpec, Point, SweepSpec

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


class Study(ABC):
    """One question, the sweeps that answer it, the claims that they decide, the figure that shows it.

    Attributes:
        name: As in ``/v1/studies/{name}``.
        title: What it shows, in a line.
        question: What it asks.
        reads_responses: Whether it looks at responses, and not only at metrics.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    reads_responses: ClassVar[bool] = False

    @abstractmethod
    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """The sweeps by the name of the arm that each is; the same ones at every call."""

    def arms(self, size: Size) -> dict[str, SweepSpec]:
        """The same sweeps as they are submitted: named after study and arm, tagged with the study and its size."""
        tags = [f"study:{self.name}", f"size:{size}"]
        return {
            arm: SweepSpec(
                name=f"{self.name} ({size}): {arm}"[:200],
                base={"name": arm, **sweep.base, "tags": tags},
                axes=sweep.axes,
            )
            for arm, sweep in self.sweeps(size).items()
        }

    @abstractmethod
    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """Every claim with its verdict; ``not_run`` where the experiments that it rests on are missing."""

    @abstractmethod
    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """What is shown of the evidence there is, be it all or a part."""

    def experiments(self, size: Size) -> tuple[ExperimentSpec, ...]:
        """Every experiment of the study, once, tagged with the study and its size."""
        unique: dict[str, ExperimentSpec] = {}
        for arm in self.sweeps(size):
            for point in self._points(size, arm):
                unique.setdefault(point.spec_hash, point.spec)
        return tuple(unique.values())

    def arm(self, size: Size, evidence: Sequence[Evidence], arm: str, **where: Any) -> "Pieces":
        """The evidence of one arm, where the coordinates are as given.

        Args:
            size: The study's size.
            evidence: All that there is.
            arm: The name of a sweep.
            where: By the last name of a path, the value wanted or a collection of them:
                ``length=[5, 6]``.
        """
        return Pieces.of(
            [point for point in self._points(size, arm) if _lies(point, where)], evidence
        )

    @cache  # noqa: B019  # studies are a handful, and live as long as the program
    def _points(self, size: Size, arm: str) -> tuple[Point, ...]:
        return self.arms(size)[arm].expand()


def _lies(point: Point, where: Mapping[str, Any]) -> bool:
    here = {path.rpartition(".")[2]: value for path, value in point.coordinates.items()}
    return all(
        here[name] in wanted
        if isinstance(wanted, list | tuple | range | set)
        else here[name] == wanted
        for name, wanted in where.items()
    )


@dataclass(frozen=True)
class Pieces:
    """The evidence that one claim rests on: what is there of the experiments ``wanted``, in their order."""

    wanted: tuple[Point, ...]
    found: tuple[Evidence, ...]

    @classmethod
    def of(cls, wanted: Sequence[Point], evidence: Sequence[Evidence]) -> "Pieces":
        """Finds each wanted experiment by its spec hash."""
        by_hash = {piece.spec_hash: piece for piece in evidence}
        found = (by_hash[point.spec_hash] for point in wanted if point.spec_hash in by_hash)
        return cls(tuple(wanted), tuple(found))

    def __add__(self, other: "Pieces") -> "Pieces":
        """Both, these first."""
        return Pieces(self.wanted + other.wanted, self.found + other.found)


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

    Neither infinity nor NaN is ever under or over a bound, so that divergence can't make a claim
    hold.
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
