"""Drafts of experiments: what a submission stores, prepared before its transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from core.spec import METADATA, ExperimentSpec, hashes


@dataclass(frozen=True)
class Draft:
    """A spec prepared for storage.

    Attributes:
        spec: The spec.
        spec_hash: Its hash with seeds.
        setup_hash: Its hash without seeds.
        content: The spec as JSON, without name, tags and notes.
    """

    spec: ExperimentSpec
    spec_hash: str
    setup_hash: str
    content: Mapping[str, Any]

    @classmethod
    def from_spec(cls, spec: ExperimentSpec) -> Self:
        """The draft of a spec; takes seconds for a large one, so do it outside any write."""
        setup_hash, spec_hash = hashes(spec)
        return cls(spec, spec_hash, setup_hash, spec.model_dump(mode="json", exclude=set(METADATA)))


MAX_PRIORITY = 100
"""Highest priority of an experiment; its negative is the lowest."""

MAX_SECONDS = 366 * 86400
"""Highest limit on training time, in seconds."""

MAX_MEMORY_MB = 2**31 - 1
"""Highest limit on memory."""

SubmissionItem = tuple[Draft, Sequence[str]]
"""A draft, and the warnings about its spec."""


@dataclass(frozen=True)
class Limits:
    """New limits of an experiment, as of :class:`Options`; those that are None stay."""

    max_seconds: float | None = None
    max_memory_mb: int | None = None

    @property
    def given(self) -> dict[str, float]:
        """The limits that are given, by column."""
        return {name: limit for name, limit in vars(self).items() if limit is not None}


UNCHANGED = Limits()


@dataclass(frozen=True)
class Options:
    """Scheduling and limits of an experiment.

    Attributes:
        priority: Higher runs first.
        not_before: The earliest start, in Unix seconds.
        max_seconds: Training time after which it fails.
        max_memory_mb: Memory above which it fails.
    """

    priority: int = 0
    not_before: float | None = None
    max_seconds: float | None = None
    max_memory_mb: int | None = None
