"""The parts of the spec that differ among the matches of a query."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.spec.paths import flatten
from store.db.database import now
from store.db.tables import experiments
from store.db.visible import visible_experiments
from store.query import pages
from store.query.facets import Counted
from store.query.query import ExperimentQuery

SAMPLE = 2_000
"""The most experiments whose specs are compared."""

MAX_VALUES = 12
"""The most values that are told for one part."""

MAX_CHARACTERS = 200
"""The most characters of a value that is told."""

IDS_PER_QUERY = 500
"""Most experiments whose specs one statement reads."""


@dataclass(frozen=True)
class VaryingPart:
    """A part of the spec with more than one value, where no value is one as well.

    Attributes:
        path: Its path, such as ``training.length``.
        distinct: The number of different values.
        missing: The number of experiments without a value.
        values: The values, lists as JSON, if they are few and short: numbers in ascending order,
            others the most frequent first. Otherwise empty.
        low: The smallest value; None unless all are numbers.
        high: The largest value; None unless all are numbers.
    """

    path: str
    distinct: int
    missing: int
    values: tuple[Counted, ...]
    low: float | None
    high: float | None

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.low is not None


@dataclass(frozen=True)
class Varying:
    """The differences among matches.

    Attributes:
        parts: The parts that differ: those that the fewest experiments lack first, then in the
            order of the spec.
        sample: The number of experiments that were compared.
        of: The number of matches that were looked at.
    """

    parts: tuple[VaryingPart, ...]
    sample: int
    of: int


def read(
    tx: Connection, query: ExperimentQuery, *, sample: int | None = None, newest: int | None = None
) -> Varying:
    """Finds the differences among the matches of a query.

    Args:
        tx: An open transaction.
        query: The query.
        sample: Of more matches, so many are compared, evenly from the newest to the oldest; by
            default :data:`SAMPLE`.
        newest: Look only at this many of the newest matches; by default at all.
    """
    statement, c = pages.select_matching(tx, query, now(tx))
    newest_first = statement.with_only_columns(c.id).order_by(c.created.desc(), c.id.desc())
    ids = list(tx.scalars(newest_first.limit(newest)))
    size = min(SAMPLE if sample is None else sample, len(ids))
    sampled = [ids[i * len(ids) // size] for i in range(size)]
    counters: dict[str, Counter[Any]] = {}
    for start in range(0, size, IDS_PER_QUERY):
        batch = sampled[start : start + IDS_PER_QUERY]
        specs = visible_experiments(experiments.c.spec).where(experiments.c.id.in_(batch))
        for spec in tx.scalars(specs.order_by(experiments.c.created_at, experiments.c.id)):
            for path, value in flatten(spec):
                if value is not None:
                    counters.setdefault(path, Counter())[_hashable(value)] += 1
    parts = [_part(path, counter, size) for path, counter in counters.items()]
    differing = [part for part in parts if part.distinct + (part.missing > 0) > 1]
    differing.sort(key=lambda part: part.missing)  # stable
    return Varying(tuple(differing), size, len(ids))


def _hashable(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value


def _part(path: str, counter: Counter[Any], size: int) -> VaryingPart:
    is_numeric = all(type(value) in {int, float} for value in counter)
    low, high = (min(counter), max(counter)) if is_numeric else (None, None)
    values: list[tuple[Any, int]] = []
    if len(counter) <= MAX_VALUES and all(len(str(v)) <= MAX_CHARACTERS for v in counter):
        values = sorted(counter.items()) if is_numeric else counter.most_common()
    missing = size - counter.total()
    counted = tuple(Counted(value, count) for value, count in values)
    return VaryingPart(path, len(counter), missing, counted, low, high)
