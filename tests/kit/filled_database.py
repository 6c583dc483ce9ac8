"""Fills every table of a database, and reads all of it back for comparison."""

from typing import Any

from sqlalchemy import insert, inspect, text

from core.recipe import Recipe
from core.spec import setup_hash
from core.spec.sweep import SweepSpec
from store import notifications, saved_figures, views
from store.arrays.packed import pack_points, pack_result
from store.db import tables
from store.db.database import Database
from store.db.table_copy import OF_THE_DATABASE
from store.experiments import idempotency, submission
from store.experiments import repository as experiments
from store.experiments.draft import Draft, Options
from store.notifications import Subject, SubjectKind, Target
from store.queue import claims, reports, workers
from store.records import Claim, Failure, FailureKind, Progress, WorkerRecord
from store.sweeps import submission as sweep_submission
from store.sweeps.draft import SweepDraft
from tests.kit import sample_specs

TRANSIENT_TABLES = frozenset({"alembic_version", "workers"})
"""Tables left out of a comparison."""


def fill(database: Database) -> None:
    """Adds rows to every table, with unusual numbers and letters in them."""
    failed, completed, running, cancelled = (
        _submit(database, name=f"λ {state}", tags=["a", "b"], notes="'; DROP TABLE runs; --")
        for state in ("failed", "completed", "running", "cancelled")
    )
    claimed = [_claim(database) for _ in (failed, completed, running)]
    with database.write() as tx:
        reports.fail(
            tx,
            claimed[0],
            Failure(FailureKind.INFRASTRUCTURE, "it \N{SNOWMAN} broke"),
            "Traceback: \0 odd\n" * 50,
        )
    _record(database, claimed[1], 0, 1, 10)
    with database.write() as tx:
        runs = (sample_specs.run(0, value=float("nan")), sample_specs.run(1, value=float("-inf")))
        result = sample_specs.result(*runs, baselines=[sample_specs.baseline(value=-0.0)])
        chunk = pack_points(sample_specs.points([100]))
        reports.complete(tx, claimed[1], pack_result(result), chunk, {"torch": "2"})
    _record(database, claimed[2], 0, 1, checkpoint=b"\0 older")
    _record(database, claimed[2], 10, checkpoint=bytes(range(256)) * 40)
    with database.write() as tx:
        experiments.request_cancel(tx, cancelled)
        idempotency.reserve(tx, "key", "ada", "POST /v1/experiments", "hash")
        idempotency.store_answer(
            tx, "key", "ada", "POST /v1/experiments", "hash", status=202, body={"id": completed}
        )
        tx.execute(insert(tables.staged_batches).values(id="sweep on its way", touched_at=1.0))
        saved_figures.save(
            tx, Recipe(query="tag:a", x="training.length", name="größer"), owner="ada"
        )
        notifications.request(
            tx,
            Subject(SubjectKind.EXPERIMENT, running),
            [Target("https://größer.example/", "https://größer.example/…")],
            owner="ada",
            origin="http://127.0.0.1:8000",
        )
        views.save(tx, name="größer?", page="experiments", query="q=tag%3Aa", owner="ada")
        workers.register(tx, WorkerRecord("w1", "node", 1, None, "cpu", 1, 0.0, running))
    _sweep(database)


def contents(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but the transient ones, in a fixed order.

    They have no columns that mean nothing in another database.
    """
    with database.read() as tx:
        names = sorted(set(inspect(tx).get_table_names()) - TRANSIENT_TABLES)
        rows_by_table = {
            name: tx.execute(text(f"SELECT * FROM {name}")).mappings().all() for name in names
        }
    return {
        name: sorted(
            ({key: row[key] for key in row if key not in OF_THE_DATABASE} for row in rows), key=repr
        )
        for name, rows in rows_by_table.items()
    }


def _submit(database: Database, **changes: Any) -> str:
    with database.write() as tx:
        draft, options = (
            Draft.from_spec(sample_specs.spec(**changes)),
            Options(priority=3, max_seconds=1e9),
        )
        return submission.submit_one(
            tx, draft, owner="ada", options=options, warnings=("odd",), rerun=True
        ).id


def _claim(database: Database) -> Claim:
    with database.write() as tx:
        claim = claims.claim(tx, worker_id="w1", device="cpu", lease_seconds=600.0)
    assert claim is not None
    return claim


def _record(database: Database, claim: Claim, *steps: int, checkpoint: bytes | None = None) -> None:
    with database.write() as tx:
        reports.record(
            tx,
            claim,
            progress=Progress(steps[-1], 100, 1 / 3, 0.1),
            chunk=pack_points(sample_specs.points(steps)),
            checkpoint=checkpoint,
            checkpoint_step=steps[-1],
        )


def _sweep(database: Database) -> None:
    base = sample_specs.spec().model_dump(mode="json", exclude={"name"})
    axes = [{"path": "training.length", "values": [2, 3]}]
    sweep = SweepSpec.model_validate({"name": "a sweep", "base": base, "axes": axes})
    points = sweep.expand()
    content = [
        point.spec.model_dump(mode="json", exclude={"name", "tags", "notes"}) for point in points
    ]
    items = [
        (Draft(point.spec, point.spec_hash, setup_hash(point.spec), c), ())
        for point, c in zip(points, content, strict=True)
    ]
    with database.write() as tx:
        sweep_submission.submit(
            tx, SweepDraft(sweep, points, items), owner="ada", options=Options()
        )
