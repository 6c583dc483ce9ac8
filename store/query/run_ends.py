"""How the runs that a question finds ended: a few numbers of each and none of their arrays, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import from_json
from sqlalchemy import Connection, Text, cast, select

from core.errors import Problem
from core.result import Outcome
from core.statistics import as_counted
from store.db.database import now
from store.db.tables import experiments, runs
from store.query import pages
from store.query.errors import BadQuery, named
from store.query.fields import FIELDS, Field, Scope
from store.query.names import split_names
from store.query.query import ExperimentQuery
from store.query.sql import value
from store.states import State

MOST = 1_000_000
"""Runs of one table; an export has no bound."""

MOST_FIELDS = 32

AT_ONCE = 1000
"""Experiments whose runs are asked for in one statement."""

_NO_WORDS = "{}"
"""``non_finite`` where all numbers are."""


class Ended(NamedTuple):
    """A completed experiment; ``key`` is what it has at the fields that were asked for, None where there is nothing."""

    id: str
    name: str
    setup: str
    key: tuple[Any, ...]


@dataclass(frozen=True)
class Endings:
    """Equally many of everything, in the order of their experiments, the seeds of each rising.

    Attributes:
        owners: Of which experiment each is, as its place among them.
        seeds: The seeds.
        outcomes: How they ended.
        steps: After how many steps.
        numbers: (runs, metrics), as they are stored; NaN also where there is none.
    """

    owners: np.ndarray
    seeds: np.ndarray
    outcomes: np.ndarray
    steps: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.owners)

    @property
    def diverged(self) -> np.ndarray:
        """Whether each did."""
        return self.outcomes == str(Outcome.DIVERGED)


def fields_of(text: str) -> list[Field]:
    """The fields that ``text`` names, separated by commas: those of an experiment itself.

    Raises:
        BadQuery: One of them is unknown, or there are too many.
    """
    names = split_names(text, "")
    if len(names) > MOST_FIELDS:
        raise BadQuery(
            Problem(
                "", "too_many", f"should name at most {MOST_FIELDS} fields, and names {len(names)}"
            )
        )
    single = [field.name for field in FIELDS.values() if field.scope is Scope.EXPERIMENT]
    return [named(name, among=single) for name in names]


def ended(tx: Connection, question: ExperimentQuery, fields: Sequence[Field]) -> list[Ended]:
    """All completed experiments that the question finds, the newest first.

    Raises:
        BadQuery: They are more than :data:`MOST`.
    """
    query, own = pages.matching(question.narrowed("state", [State.COMPLETED]), now(tx))
    columns = own.id, experiments.c.name, experiments.c.setup_hash, *map(value, fields)
    found = (
        query.with_only_columns(*columns)
        .order_by(own.created.desc(), own.id.desc())
        .limit(MOST + 1)
    )
    rows = [Ended(row[0], row[1], row[2], tuple(row[3:])) for row in tx.execute(found).all()]
    _bounded(len(rows), "experiments")
    return rows


def read(tx: Connection, ids: Sequence[str], metrics: Sequence[str]) -> Endings:
    """The runs of these experiments.

    Raises:
        BadQuery: They are more than :data:`MOST`.
    """
    r, places = runs.c, {name: place for place, name in enumerate(ids)}
    words = cast(r.non_finite, Text)  # most are empty, and need not be parsed
    query = select(
        r.experiment_id, r.seed, r.outcome, r.steps, words, *(r[name] for name in metrics)
    )
    rows: list[Sequence[Any]] = []
    for begin in range(0, len(ids), AT_ONCE):
        rows += tx.execute(query.where(r.experiment_id.in_(ids[begin : begin + AT_ONCE]))).all()
        _bounded(len(rows), "runs")
    columns = list(zip(*rows, strict=True)) or [()] * (5 + len(metrics))
    owners = np.array([places[name] for name in columns[0]], np.int64)
    seeds, outcomes, steps = (
        np.array(columns[n], kind) for n, kind in ((1, np.int64), (2, np.str_), (3, np.int64))
    )
    numbers = (
        np.array(columns[5:], np.float64).reshape(len(metrics), len(rows)).T
    )  # None becomes NaN
    for place, text in enumerate(columns[4]):
        if text != _NO_WORDS:
            known = from_json(text)
            numbers[place] = [
                number(v, known.get(m)) for m, v in zip(metrics, rows[place][5:], strict=True)
            ]
    order = np.lexsort((seeds, owners))
    return Endings(owners[order], seeds[order], outcomes[order], steps[order], numbers[order])


def unfinished(
    tx: Connection, question: ExperimentQuery, fields: Sequence[Field]
) -> list[tuple[State, tuple[Any, ...]]]:
    """The states and keys of the experiments that the question finds and that are not completed, up to :data:`MOST`."""
    others = [state for state in State if state is not State.COMPLETED]
    query, own = pages.matching(question.narrowed("state", others), now(tx))
    found = query.with_only_columns(experiments.c.state, *map(value, fields))
    rows = tx.execute(found.order_by(own.created.desc(), own.id.desc()).limit(MOST))
    return [(State(row[0]), tuple(row[1:])) for row in rows]


def number(stored: float | None, word: str | None) -> float:
    """A metric of a run; NaN also where there is none."""
    return stored if stored is not None else float(word) if word else np.nan


def _bounded(count: int, what: str) -> None:
    if count > MOST:
        message = f"finds more than {MOST} {what}: narrow it, or take /v1/export"
        raise BadQuery(Problem("/query/q", "too_many", message))


def latest_runs(experiments: Sequence[Ended], runs: Endings) -> np.ndarray:
    """The places of the runs that count: of each setup and seed the one of the newest experiment.

    ``experiments`` are the owners of ``runs``, newest first.
    """
    numbers = {setup: n for n, setup in enumerate(dict.fromkeys(e.setup for e in experiments))}
    setup_of = np.array([numbers[experiment.setup] for experiment in experiments], np.int64)
    setups = setup_of[runs.owners]
    order = np.lexsort((runs.seeds, setups))  # stable: the newest stays first
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(setups[order]) != 0) | (np.diff(runs.seeds[order]) != 0)
    return np.sort(order[is_first])


def completed_values(
    tx: Connection, query: ExperimentQuery, metrics: Sequence[str]
) -> dict[str, np.ndarray]:
    """The metrics (runs, metrics), as statistics count them, of each completed experiment.

    Raises:
        BadQuery: The query finds more than :data:`MOST` experiments or runs.
    """
    experiments = ended(tx, query, [])
    runs = read(tx, [experiment.id for experiment in experiments], metrics)
    return values_by_experiment(experiments, runs, metrics)


def values_as_counted(runs: Endings, metrics: Sequence[str]) -> np.ndarray:
    """The metrics (runs, metrics) as statistics count them: infinite for diverged runs."""
    return as_counted(runs.numbers, runs.diverged, metrics)


def values_by_experiment(
    experiments: Sequence[Ended],
    runs: Endings,
    metrics: Sequence[str],
    places: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The metrics of each experiment's runs, (runs, metrics), as statistics count them.

    Args:
        experiments: The owners of ``runs``.
        runs: The runs, in the order of their owners.
        metrics: The metrics that were read.
        places: Which of the runs; all by default. An experiment without one is left out.
    """
    values = values_as_counted(runs, metrics)
    owners = runs.owners
    if places is not None:
        values, owners = values[places], owners[places]
    if not len(owners):
        return {}
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    names = (experiments[owner].id for owner in owners[starts])
    return dict(zip(names, np.split(values, starts[1:]), strict=True))
