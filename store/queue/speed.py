"""The speed of this lab's machines, from how long recent experiments took."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, Text, cast, func

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


@dataclass(frozen=True)
class Sample:
    """One completed experiment: whether it was trained in closed form, its operations, its time."""

    is_closed_form: bool
    flop: float
    seconds: float


@dataclass(frozen=True)
class Speed:
    """The samples from which durations are estimated, at most one of each experiment."""

    samples: tuple[Sample, ...]

    def seconds(self, spec: ExperimentSpec) -> float | None:
        """Estimated seconds of ``spec`` on one slot; None if nothing like it has completed.

        With the operations f of the spec, f_i and t_i of the experiments trained in the same way,
        the median of f t_i / f_i over those whose log f_i is nearest to log f.
        """
        is_closed_form, flop = _work(spec)
        alike = [sample for sample in self.samples if sample.is_closed_form == is_closed_form]
        if not alike:
            return None
        nearest = sorted(alike, key=lambda sample: abs(log(sample.flop / flop)))[:NEAREST]
        return flop * float(np.median([sample.seconds / sample.flop for sample in nearest]))

    def total_seconds(self, specs: Sequence[ExperimentSpec]) -> float | None:
        """Estimated seconds of all ``specs``, one after another; None if one is unknown."""
        total = 0.0
        for spec in specs:
            seconds = self.seconds(spec)
            if seconds is None:
                return None
            total += seconds
        return total


def recent_speed(tx: Connection) -> Speed:
    """The speed of the experiments that were submitted last among those that completed."""
    duration = experiments.c.finished_at - experiments.c.started_at
    recent = (
        visible_experiments(experiments.c.spec, duration.label("seconds"))
        .where(
            experiments.c.state == State.COMPLETED,
            experiments.c.started_at.is_not(None),
            func.length(cast(experiments.c.spec, Text)) <= MAX_CHARACTERS,
        )
        .order_by(experiments.c.created_at.desc())
        .limit(RECENT_EXPERIMENTS)
    )
    samples = []
    for row in tx.execute(recent):
        try:
            spec = ExperimentSpec.model_validate(row.spec)
        except ValidationError:  # written by a version with another language
            continue
        samples.append(Sample(*_work(spec), max(row.seconds, SHORTEST_SECONDS)))
    return Speed(tuple(samples))


def _work(spec: ExperimentSpec) -> tuple[bool, float]:
    """Whether ``spec`` is trained in closed form, and its operations."""
    return has_closed_form(spec.teacher, spec.student), max(1.0, cost.estimate(spec).flop)
