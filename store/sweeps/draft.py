"""Drafts of sweeps: what a submission stores, prepared before its transaction."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.spec.sweep import Point, SweepSpec
from store.experiments.draft import SubmissionItem


@dataclass(frozen=True)
class SweepDraft:
    """A sweep prepared for storage.

    Attributes:
        sweep: The spec of the sweep.
        points: The points that it expands to.
        items: The experiment of each point, prepared for storage.
    """

    sweep: SweepSpec
    points: Sequence[Point]
    items: Sequence[SubmissionItem]

    @property
    def content(self) -> dict[str, Any]:
        """Base and axes as JSON."""
        tagged = self.sweep.model_copy(update={"base": self.sweep.tagged})
        return tagged.model_dump(mode="json", include={"base", "axes"})

    def without(self, spec_hashes: Container[str]) -> "SweepDraft":
        """The draft without the points that have one of these hashes."""
        points, items = [], []
        for point, item in zip(self.points, self.items, strict=True):
            if point.spec_hash not in spec_hashes:
                points.append(point)
                items.append(item)
        return replace(self, points=points, items=items)
