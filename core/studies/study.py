"""A study: built-in sweeps that answer one question, and hypotheses judged by their results.

A study is pure: it names experiments and judges evidence. Where experiments run, and how they are
found again (by spec hash), is up to the caller.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from core.evidence import Evidence
from core.panels import Panel
from core.references import Work
from core.spec import ExperimentSpec, Point, SweepSpec

Size = Literal["quick", "full"]


class Verdict(StrEnum):
    """Whether a hypothesis holds on the available numbers."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_RUN = "not_run"


class ClaimKind(StrEnum):
    """The kind of a claim, which decides where it must fail: see :data:`MUST_FAIL`."""

    EXTRAPOLATES = "extrapolates"
    """Seeds that fit are right past the training length, or have found what the teacher is."""

    DOES_NOT = "does_not_extrapolate"
    """Seeds that fit are wrong past the training length."""

    FITS = "fits"
    """Seeds fit the training length."""

    CONTRAST = "contrast"
    """Some arms do something that others don't, over seeds that fit."""

    TRAINING = "training"
    """How training moves: its speed, its path, what it keeps."""

    METHOD = "method"
    """About a method without training, or about the setting: no placebo applies."""


class Placebo(StrEnum):
    """Evidence without the phenomenon, on which a claim about it must fail."""

    UNTRAINED = "untrained"
    """Every student is at its start."""

    OTHER_TEACHER = "other_teacher"
    """Every student has learned another teacher."""

    SHORT_MEMORY = "short_memory"
    """Every response is the teacher's before k and zero from there on."""

    SILENT = "silent"
    """Every response is zero."""

    RANDOM_BEYOND = "random_beyond"
    """Every response is the teacher's before k and random from there on."""

    EXACT = "exact"
    """Every response is the teacher's: nobody fails."""

    SWAPPED = "swapped"
    """The arms that a contrast compares have changed places."""


_WITHOUT_FIT = {Placebo.UNTRAINED, Placebo.OTHER_TEACHER, Placebo.SILENT}
_WITHOUT_MEMORY = {Placebo.SHORT_MEMORY, Placebo.RANDOM_BEYOND}
MUST_FAIL: Mapping[ClaimKind, frozenset[Placebo]] = MappingProxyType(
    {
        ClaimKind.EXTRAPOLATES: frozenset(_WITHOUT_FIT | _WITHOUT_MEMORY),
        ClaimKind.DOES_NOT: frozenset(_WITHOUT_FIT | {Placebo.EXACT}),
        ClaimKind.FITS: frozenset(_WITHOUT_FIT),
        ClaimKind.CONTRAST: frozenset(Placebo),
        ClaimKind.TRAINING: frozenset({Placebo.UNTRAINED}),
        ClaimKind.METHOD: frozenset(),
    }
)
"""The placebos on which a claim of each kind must not hold."""

OF_FITTED = frozenset({ClaimKind.EXTRAPOLATES, ClaimKind.DOES_NOT, ClaimKind.CONTRAST})
"""The kinds of claims that are about seeds that fit."""


@dataclass(frozen=True)
class Hypothesis:
    """A statement about stored numbers, judged.

    Attributes:
        claim: The statement, as people read it.
        inequality: The condition in words: a number and its bound.
        value: The number; None if the hypothesis was not judged.
        bound: The bound.
        verdict: Whether the inequality holds.
        experiments: Ids of the experiments that the value comes from.
        kind: What it says.
        fitted: How many of their seeds fit.
        seeds: How many seeds they have.
        swapped: The verdict after the arms of a contrast have changed places; None for other kinds.
    """

    claim: str
    inequality: str
    value: float | None
    bound: float
    verdict: Verdict
    experiments: tuple[str, ...]
    kind: ClaimKind
    fitted: int = 0
    seeds: int = 0
    swapped: Verdict | None = None


class Study(ABC):
    """One question, the sweeps that answer it, the hypotheses they decide, and their figure.

    Attributes:
        name: The name in ``/v1/studies/{name}``.
        headline: The heading of its page: its subject, a colon, and what is seen.
        title: The title of its figure: what is drawn.
        question: The question that it answers.
        works: The works that it rests on.
        reads_responses: Whether it reads impulse responses as well as metrics.
    """

    name: ClassVar[str]
    headline: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    works: ClassVar[tuple[Work, ...]] = ()
    reads_responses: ClassVar[bool] = False

    @abstractmethod
    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """The sweeps by the name of their arm; every call returns the same ones."""

    def arms(self, size: Size) -> dict[str, SweepSpec]:
        """The sweeps as submitted: named by study and arm, tagged with the study and its size."""
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
    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges every hypothesis; those with missing experiments are ``not_run``."""

    @abstractmethod
    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The panels of the study's figure, drawn from all or part of the evidence."""

    def experiments(self, size: Size) -> tuple[ExperimentSpec, ...]:
        """Every distinct experiment of the study, tagged with the study and its size."""
        specs: dict[str, ExperimentSpec] = {}
        for sweep in self.arms(size).values():
            for point in sweep.expand():  # not kept: they take megabytes
                specs.setdefault(point.spec_hash, point.spec)
        return tuple(specs.values())

    def arm(
        self, size: Size, evidence: Sequence[Evidence], arm: str, **coordinates: Any
    ) -> "EvidenceSlice":
        """The evidence of one arm at given coordinates.

        Args:
            size: The study's size.
            evidence: All available evidence.
            arm: The name of a sweep.
            coordinates: By the last word of a path, a value or a collection of allowed values:
                ``length=[5, 6]``.
        """
        points = [point for point in self._points(size, arm) if _matches(point, coordinates)]
        return EvidenceSlice.of(points, evidence)

    @cache  # noqa: B019  # studies are a handful, and live as long as the program
    def _points(self, size: Size, arm: str) -> tuple[Point, ...]:
        return self.arms(size)[arm].expand()


def _matches(point: Point, coordinates: Mapping[str, Any]) -> bool:
    values = {path.rpartition(".")[2]: value for path, value in point.coordinates.items()}
    for name, allowed in coordinates.items():
        if not isinstance(allowed, list | tuple | range | set):
            allowed = [allowed]  # noqa: PLW2901  # one value is a collection of one
        if values[name] not in allowed:
            return False
    return True


@dataclass(frozen=True)
class EvidenceSlice:
    """The evidence that one hypothesis rests on.

    Attributes:
        points: The experiments that it needs.
        experiments: The completed ones, in the same order.
    """

    points: tuple[Point, ...]
    experiments: tuple[Evidence, ...]

    @classmethod
    def of(cls, points: Sequence[Point], evidence: Sequence[Evidence]) -> "EvidenceSlice":
        """Finds the evidence of each point by its spec hash."""
        by_hash = {experiment.spec_hash: experiment for experiment in evidence}
        completed = [by_hash[point.spec_hash] for point in points if point.spec_hash in by_hash]
        return cls(tuple(points), tuple(completed))

    def __add__(self, other: "EvidenceSlice") -> "EvidenceSlice":
        """Both slices, this one first."""
        return EvidenceSlice(self.points + other.points, self.experiments + other.experiments)

    @property
    def is_complete(self) -> bool:
        """Whether no experiment is missing."""
        return len(self.experiments) == len(self.points)


def judge_hypothesis(
    claim: str,
    inequality: str,
    evidence: EvidenceSlice,
    value: Callable[[Sequence[Evidence]], float],
    *,
    kind: ClaimKind,
    below: float | None = None,
    above: float | None = None,
    of_all_seeds: bool = False,
) -> Hypothesis:
    """Judges whether ``value`` of the evidence is less than ``below`` or greater than ``above``.

    Infinity and NaN satisfy neither, so that divergence can't make a hypothesis hold. A claim whose
    kind is :data:`OF_FITTED` is about seeds that fit: ``value`` gets those alone, unless the claim
    is ``of_all_seeds``, as one is that counts how many extrapolate.

    Returns:
        The hypothesis with its verdict; ``not_run`` if an experiment is missing, or if fewer than
            half of the seeds of one fit and the claim is about those.
    """
    bound = below if below is not None else above
    if bound is None:
        raise ValueError("a hypothesis needs a bound: below or above")
    experiments = evidence.experiments
    is_of_fitted = kind in OF_FITTED and not of_all_seeds
    number: float | None = None
    verdict, swapped = Verdict.NOT_RUN, None
    if evidence.is_complete and (not is_of_fitted or all(e.most_fit for e in experiments)):
        judged = [e.only_fitted for e in experiments] if is_of_fitted else experiments
        number = _number(value, judged)
        verdict = _verdict(number, bound, is_upper=below is not None)
        if kind is ClaimKind.CONTRAST:
            swapped = _verdict(_number(value, _swapped(judged)), bound, is_upper=below is not None)
    return Hypothesis(
        claim=claim,
        inequality=inequality,
        value=number,
        bound=bound,
        verdict=verdict,
        experiments=tuple(experiment.experiment_id for experiment in experiments),
        kind=kind,
        fitted=sum(len(experiment.fitted) for experiment in experiments),
        seeds=sum(len(experiment.runs) for experiment in experiments),
        swapped=swapped,
    )


def _number(value: Callable[[Sequence[Evidence]], float], experiments: Sequence[Evidence]) -> float:
    """The value; NaN for a ratio to zero, such as that of two exact responses."""
    try:
        return value(experiments)
    except ZeroDivisionError:
        return math.nan


def _verdict(number: float, bound: float, *, is_upper: bool) -> Verdict:
    holds = number < bound if is_upper else bound < number < math.inf
    return Verdict.HOLDS if holds else Verdict.FAILS


def _swapped(experiments: Sequence[Evidence]) -> Sequence[Evidence]:
    """The experiments with the runs of the last in place of the first's, and so on inwards."""
    return [
        replace(experiment, runs=other.runs)
        for experiment, other in zip(experiments, reversed(experiments), strict=True)
    ]
