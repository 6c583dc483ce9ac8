"""How the runs that a question finds ended: a few numbers of each and none of their arrays, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from core.errors import Problem
from core.result import Outcome
from store.database import now
from store.query.errors import BadQuery, named
from store.query.fields import FIELDS, Field, Scope
from store.query.question import Question
from store.query.sql import condition, value
from store.states import State
from store.tables import experiments, runs

MOST = 1_000_000
"""Runs of one table; an export has no bound."""

MOST_FIELDS = 32


@dataclass(frozen=True)
class Endings:
    """Equally many of everything, the newest experiment first, its seeds in order.

    Attributes:
        ids: Of their experiments.
        names: Of their experiments.
        setups: Setup hashes.
        keys: What their experiments have at the fields that were asked for, None where there is nothing.
        seeds: The seeds.
        outcomes: How they ended.
        steps: After how many steps.
        numbers: (runs, metrics), as they are stored; NaN also where there is none.
    """

    ids: Sequence[str]
    names: Sequence[str]
    setups: Sequence[str]
    keys: Sequence[tuple[Any, ...]]
    seeds: Sequence[int]
    outcomes: Sequence[str]
    steps: Sequence[int]
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def diverged(self) -> np.ndarray:
        """Whether each did."""
        return np.array([outcome == Outcome.DIVERGED for outcome in self.outcomes], bool)


def fields_of(text: str) -> list[Field]:
    """The fields that ``text`` names, separated by commas: those of an experiment itself.

    Raises:
        BadQuery: One of them is unknown, or there are too many.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    if len(names) > MOST_FIELDS:
        raise BadQuery(Problem("", "too_many", f"should name at most {MOST_FIELDS} fields, and names {len(names)}"))
    single = [field.name for field in FIELDS.values() if field.scope is Scope.EXPERIMENT]
    return [named(name, among=single) for name in names]


def read(tx: Connection, question: Question, metrics: Sequence[str], fields: Sequence[Field]) -> Endings:
    """The runs of all completed experiments that the question finds.

    Raises:
        BadQuery: They are more than :data:`MOST`.
    """
    e, r = experiments.c, runs.c
    own = [e.id, e.name, e.setup_hash, r.seed, r.outcome, r.steps, r.non_finite]
    query = select(*own, *(r[name] for name in metrics), *map(value, fields)).join(runs, r.experiment_id == e.id)
    query = query.where(e.state == State.COMPLETED, condition(question.filter, now(tx)))
    rows = tx.execute(query.order_by(e.created_at.desc(), e.id.desc(), r.seed).limit(MOST + 1)).all()
    if len(rows) > MOST:
        message = f"finds more than {MOST} runs: narrow it, or take /v1/export"
        raise BadQuery(Problem("/query/q", "too_many", message))
    first, last = len(own), len(own) + len(metrics)
    words = len(own) - 1
    numbers = [[number(v, row[words].get(m)) for m, v in zip(metrics, row[first:last], strict=True)] for row in rows]
    ids, names, setups, seeds, outcomes, steps = ([row[n] for row in rows] for n in range(6))
    keys = [tuple(row[last:]) for row in rows]
    return Endings(
        ids, names, setups, keys, seeds, outcomes, steps, np.array(numbers, np.float64).reshape(len(rows), len(metrics))
    )


def number(stored: float | None, word: str | None) -> float:
    """A metric of a run; NaN also where there is none."""
    return stored if stored is not None else float(word) if word else np.nan
