"""Stored experiments drawn from few values, so that queries match some of them and not others."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from core.result import METRICS, Outcome, RunResult
from core.spec import ExperimentSpec
from store.arrays import runs
from store.arrays.packed import pack_result
from store.db.database import Database
from store.db.tables import experiments as table
from store.db.tables import tags
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.records import FailureKind
from store.states import State
from tests.kit import sample_specs

NOW = 1_800_000_000.0
NUMBERS = (0.0, -0.5, 0.25, 0.5, 1.0, 3.0, 1e-3, 1e200, -1e200, math.nan, math.inf, -math.inf)
NAMES = (
    "",
    "balanced",
    "Balanced teacher",
    "50% off",
    "a_b",
    "größer",
    "GRÖSSER",
    "it's",
    'a "quoted" one',
    "back\\slash",
)
OWNERS = ("ada", "Ada", "émile")
TAGS = ("figure-1", "study:balanced", "two words", "x")
STUDENTS = (
    {"kind": "linear", "dim": 3},
    {"kind": "linear", "dim": 3, "tied": True},
    {
        "kind": "linear",
        "dim": 6,
        "structure": "general",
        "start": {"kind": "gaussian", "scale": 0.5},
    },
    {"kind": "linear", "dim": 6, "start": {"kind": "identity", "scale": 0.25}},
    {"kind": "gru", "dim": 4},
)
TEACHERS = (
    {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    {"kind": "delay", "lag": 2},
    {"kind": "random", "dim": 3, "seed": 2**53 + 1},
)


@dataclass(frozen=True)
class Stored:
    """A stored experiment, as the tests know it."""

    id: str
    spec: ExperimentSpec
    content: Mapping[str, Any]
    state: str
    owner: str
    priority: int
    attempts: int
    failure: str | None
    created: float
    started: float | None
    finished: float | None
    runs: tuple[RunResult, ...]


def populate(database: Database, count: int, *, seed: int = 0) -> list[Stored]:
    """Adds ``count`` random experiments to an empty database."""
    draw = random.Random(seed)
    return [_store_one(database, draw) for _ in range(count)]


def _store_one(database: Database, draw: random.Random) -> Stored:
    spec = sample_specs.spec(
        name=draw.choice(NAMES),
        notes=draw.choice(("", "look again")),
        tags=draw.sample(TAGS, draw.randrange(3)),
        teacher=draw.choice(TEACHERS),
        student=draw.choice(STUDENTS),
        training={"length": draw.choice((2, 4, 6))},
        seeds=list(range(draw.randrange(1, 5))),
    )
    draft, owner, priority = Draft.from_spec(spec), draw.choice(OWNERS), draw.choice((-1, 0, 5))
    state = draw.choice(
        (
            State.QUEUED,
            State.RUNNING,
            State.COMPLETED,
            State.COMPLETED,
            State.FAILED,
            State.CANCELLED,
        )
    )
    created = NOW - draw.choice((0.0, 0.5, 3600.0, 86400.0, 1e6))
    started = None if state is State.QUEUED else created + 1.0
    finished = started + 2.0 if started is not None and state.is_final else None
    failure = draw.choice(tuple(FailureKind)) if state is State.FAILED else None
    finished_runs = (
        tuple(_random_run(draw, seed) for seed in spec.seeds) if state is State.COMPLETED else ()
    )
    with database.write() as tx:
        submitted = submission.submit_one(
            tx, draft, owner=owner, options=Options(priority=priority), warnings=(), rerun=True
        )
        changes = {
            "state": state,
            "created_at": created,
            "started_at": started,
            "finished_at": finished,
            "failure_kind": failure,
            "failure_message": failure and "why",
            "attempt": 0 if started is None else 2,
        }
        tx.execute(update(table).where(table.c.id == submitted.id).values(**changes))
        tx.execute(
            update(tags).where(tags.c.experiment_id == submitted.id).values(created_at=created)
        )
        runs.write(tx, submitted.id, pack_result(sample_specs.result(*finished_runs)).runs)
    return Stored(
        submitted.id,
        spec,
        draft.content,
        state,
        owner,
        priority,
        changes["attempt"],
        failure,
        created,
        started,
        finished,
        finished_runs,
    )


def _random_run(draw: random.Random, seed: int) -> RunResult:
    names = [name for name in METRICS if draw.random() < 0.9]
    values = draw.choice((NUMBERS, NUMBERS[:7]))
    summary = {name: draw.choice(values) for name in names}
    outcome = draw.choice(
        (Outcome.FITTED, Outcome.FITTED, Outcome.STEP_BUDGET_SPENT, Outcome.DIVERGED)
    )
    return sample_specs.run(seed, outcome=outcome, steps=draw.choice((10, 100))).model_copy(
        update={"summary": summary}
    )
