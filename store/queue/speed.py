"""The speed of this lab's machines, from how long recent experiments took.

The one place that turns estimated operations into seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, Select, Text, cast, func

from core import cost
from core.spec import ExperimentSpec, has_closed_form
from store.db.tables import experiments
from store.db.visible import visible_experiments
from store.states import State

RECENT_EXPERIMENTS = 30
"""Number of completed experiments that are looked at."""

NEAREST = 5
"""Number of them, the nearest in cost, whose median speed is the estimate."""

SHORTEST_SECONDS = 1e-3
"""Least duration; clocks may even run backwards."""

MAX_CHARACTERS = 20_000
"""Longest spec that is read: one with large matrices takes longer to parse than it tells."""

MAX_KNOWN = 20_000
"""Most specs whose work this process remembers."""


@dataclass(frozen=True)
class Work:
    """The work of an experiment: how it is trained, on which device, and its operations."""

    is_closed_form: bool
    device: str
    flop: float

    @classmethod
    def of(cls, spec: ExperimentSpec) -> "Work":
        """The estimated work of ``spec``."""
        is_closed_form = has_closed_form(spec.teacher, spec.student)
        return cls(is_closed_form, spec.numerics.device, max(1.0, cost.estimate(spec).flop))


@dataclass(frozen=True)
class Sample:
    """A completed experiment: its work, the device that did it, and the seconds it took."""

    work: Work
    device: str
    seconds: float


@dataclass(frozen=True)
class Speed:
    """The samples from which durations are estimated, at most one of each experiment."""

    samples: tuple[Sample, ...]

    def seconds(self, work: Work) -> float | None:
        """Estimated seconds of ``work`` on one slot; None if nothing has completed here.

        With its operations f, f_i and t_i of the experiments trained in the same way on its device,
        or else of all, the median of f t_i / f_i over those whose log f_i is nearest to log f.
        """
        alike = [sample for sample in self.samples if _is_alike(sample, work)] or self.samples
        if not alike:
            return None
        nearest = sorted(alike, key=lambda sample: abs(log(sample.work.flop / work.flop)))
        rates = [sample.seconds / sample.work.flop for sample in nearest[:NEAREST]]
        return work.flop * float(np.median(rates))

    def total_seconds(self, works: Sequence[Work]) -> float | None:
        """Estimated seconds of all ``works``, one after another; None if it is unknown."""
        seconds = [self.seconds(work) for work in works]
        known = [value for value in seconds if value is not None]
        return sum(known) if len(known) == len(seconds) else None


def _is_alike(sample: Sample, work: Work) -> bool:
    same_device = work.device in {"auto", sample.device}
    return same_device and sample.work.is_closed_form == work.is_closed_form


def recent_speed(tx: Connection) -> Speed:
    """The speed of the experiments that were submitted last among those that completed."""
    duration = experiments.c.finished_at - experiments.c.started_at
    rows = tx.execute(
        visible_experiments(
            experiments.c.spec_hash, experiments.c.device, duration.label("seconds")
        )
        .where(
            experiments.c.state == State.COMPLETED,
            experiments.c.started_at.is_not(None),
            func.length(cast(experiments.c.spec, Text)) <= MAX_CHARACTERS,
        )
        .order_by(experiments.c.created_at.desc())
        .limit(RECENT_EXPERIMENTS)
    ).all()
    works = _works(tx, [row.spec_hash for row in rows])
    return Speed(
        tuple(
            Sample(works[row.spec_hash], row.device, max(row.seconds, SHORTEST_SECONDS))
            for row in rows
            if row.spec_hash in works
        )
    )


def sampled_seconds(tx: Connection, speed: Speed, hashes: Select[str]) -> Sequence[float]:
    """Estimated seconds of each of the experiments whose spec hashes a query selects."""
    found = list(tx.scalars(hashes))
    works = _works(tx, found)
    seconds = [speed.seconds(works[digest]) for digest in found if digest in works]
    return [value for value in seconds if value is not None]


_known: dict[str, Work] = {}
"""The work of specs by hash: neither changes."""


def _works(tx: Connection, hashes: Sequence[str]) -> Mapping[str, Work]:
    """The work of specs by hash, except those too long to read or of a version's other language."""
    if len(_known) > MAX_KNOWN:
        _known.clear()
    works = {digest: work for digest in hashes if (work := _known.get(digest)) is not None}
    rows = tx.execute(
        visible_experiments(experiments.c.spec_hash, experiments.c.spec).where(
            experiments.c.spec_hash.in_(set(hashes) - works.keys()),
            func.length(cast(experiments.c.spec, Text)) <= MAX_CHARACTERS,
        )
    )
    for digest, spec in rows:
        try:
            works[digest] = _known[digest] = Work.of(ExperimentSpec.model_validate(spec))
        except ValidationError:  # written by a version with another language
            continue
    return works
