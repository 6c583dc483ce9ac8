"""Migrations: they create the declared tables, in both directions, and keep the data."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text

from core.arrays import pack
from core.caveats import undefined as why_undefined
from core.result import Outcome
from store.arrays.packed import pack_points, pack_result
from store.db import migrate, schema
from store.db.database import Database
from store.db.user_tables import metadata
from store.errors import SchemaMismatch
from store.experiments import repository as experiments
from store.experiments import results, submission
from store.experiments.draft import Draft, Options
from store.queue import reports, workers
from store.records import Failure, FailureKind, WorkerRecord
from tests.kit import sample_specs
from tests.kit.filled_database import contents, fill

RELATIVE_ERRORS = (
    "relative_extrapolation_error",
    "sequence_fit_error",
    "sequence_extrapolation_error",
)


@pytest.fixture
def empty(empty_url):
    database = Database(empty_url)
    yield database
    database.dispose()


def differences(database):
    with database.read() as tx:
        context = MigrationContext.configure(
            tx, opts={"compare_type": True, "compare_server_default": True}
        )
        return compare_metadata(context, metadata)


def shape(database):
    """Every column, key and index as the database reports them, whatever the order of columns."""
    with database.read() as tx:
        inspector = inspect(tx)
        return {
            table: (
                sorted(
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(table)
                ),
                inspector.get_pk_constraint(table),
                inspector.get_foreign_keys(table),
                sorted(index["name"] for index in inspector.get_indexes(table)),
            )
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


def test_migrations_create_the_declared_tables(empty, empty_url):
    migrate.upgrade(empty_url)
    assert differences(empty) == []


INDEX_SQL = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def indexes(database):
    """The SQL of every index; Alembic does not compare descending and partial ones."""
    with database.read() as tx:
        return {
            name: " ".join(sql.split())
            for name, sql in tx.execute(text(INDEX_SQL[database.dialect]))
        }


def test_migrations_create_exactly_what_the_metadata_creates(empty, empty_url):
    migrate.upgrade(empty_url)
    migrated = shape(empty), indexes(empty)
    migrate.downgrade(empty_url, "base")
    with empty.write() as tx:
        metadata.create_all(tx)
    assert (shape(empty), indexes(empty)) == migrated


def test_upgrades_recreate_what_downgrades_remove(empty, empty_url):
    migrate.upgrade(empty_url)
    first = shape(empty)
    migrate.downgrade(empty_url, "base")
    assert shape(empty) == {}
    migrate.upgrade(empty_url)
    assert shape(empty) == first


def test_upgrading_an_up_to_date_database_changes_nothing(database, database_url):
    with database.write() as tx:
        options = Options()
        submitted = submission.submit_one(
            tx,
            Draft.from_spec(sample_specs.spec()),
            owner="",
            options=options,
            warnings=(),
            rerun=True,
        )
    migrate.upgrade(database_url)
    with database.read() as tx:
        assert experiments.get(tx, submitted.id).spec == sample_specs.spec()


@pytest.mark.parametrize("revision", migrate.revisions()[1:])
def test_a_downgrade_and_upgrade_keep_the_columns_of_both_revisions(
    database, database_url, revision
):
    fill(database)
    original = contents(database)
    migrate.downgrade(database_url, revision)
    older = contents(database)
    assert counts(older) == {
        table: rows for table, rows in counts(original).items() if table in older
    }
    migrate.upgrade(database_url)
    restored = contents(database)
    assert differences(database) == []
    for table in [table for table, rows in restored.items() if rows and table in older]:
        shared = restored[table][0].keys() & older[table][0].keys()
        assert (
            projected(restored[table], shared)
            == projected(older[table], shared)
            == projected(original[table], shared)
        )


@pytest.mark.parametrize("silent", [False, True])
def test_infinite_relative_errors_without_a_baseline_become_undefined(repo, database_url, silent):
    undefined = RELATIVE_ERRORS if silent else RELATIVE_ERRORS[:1]
    of_old = {"zero_baseline": 0.0, **dict.fromkeys(undefined, math.inf)}
    parts = sample_specs.result(
        *(sample_specs.run(0), sample_specs.run(1, outcome=Outcome.DIVERGED)),
        baselines=[sample_specs.baseline()],
    )
    result = parts.model_copy(
        update={
            "teacher_response": [0.0] * 8 if silent else parts.teacher_response,
            "runs": [with_metrics(run, of_old) for run in parts.runs],
            "baselines": [with_metrics(baseline, of_old) for baseline in parts.baselines],
        }
    )
    points = sample_specs.points([0, 100])
    points |= dict.fromkeys(undefined, np.full(4, math.inf))
    claim, other = repo.begin(), repo.begin(changes={"name": "with a baseline"})
    with repo.database.write() as tx:
        reports.complete(tx, claim, pack_result(result), pack_points(points), {})
    repo.complete(other)
    migrate.downgrade(database_url, "0005")  # metrics that are newer are lost
    migrate.upgrade(database_url)
    untouched = repo.get(other.experiment_id)
    for _ in range(2):
        migrate.downgrade(database_url, "0004")
        migrate.upgrade(database_url)
        with repo.database.read() as tx:
            stored = results.result(tx, claim.experiment_id)
            series = results.series(tx, claim.experiment_id)
        for part in (*stored.runs, *stored.baselines):
            assert {name for name, value in part.summary.items() if math.isnan(value)} == {
                *undefined
            }
        assert {name for name, column in series.items() if np.isnan(column).any()} == {*undefined}
        for run in stored.runs:
            assert run.warnings == why_undefined(run.summary)
        assert repo.get(other.experiment_id) == untouched


def test_sharpness_of_results_version_1_moves_to_its_present_name(repo, database_url):
    old, new = repo.begin(), repo.begin(changes={"name": "new"})
    points = sample_specs.points([0, 100])
    chunk = pack_points(points)
    of_old = {name: points[name] for name in points if name != "gauss_newton_sharpness"}
    for claim, version in ((old, "1"), (new, "2")):
        result = pack_result(sample_specs.result(sample_specs.run(0), sample_specs.run(1)))
        payload = pack(of_old) if version == "1" else chunk.payload
        with repo.database.write() as tx:
            provenance = {"results_version": version}
            stored = replace(chunk, payload=payload)
            reports.complete(tx, claim, result, stored, provenance)
    untouched = repo.get(new.experiment_id)
    before = repo.get(old.experiment_id).runs[0].summary
    migrate.downgrade(database_url, "0008")
    with repo.database.write() as tx:
        tx.execute(text("UPDATE runs SET sharpness = 8.5 WHERE seed = 0"))
        words = '{"sharpness": "Infinity"}'
        tx.execute(text("UPDATE runs SET non_finite = :words WHERE seed = 1"), {"words": words})
    migrate.upgrade(database_url)
    diverged = repo.get(old.experiment_id).runs[1].summary
    assert diverged["gauss_newton_sharpness"] == math.inf
    assert "sharpness" not in diverged
    assert repo.get(new.experiment_id).runs[1].summary["sharpness"] == math.inf
    summary = repo.get(old.experiment_id).runs[0].summary
    assert "sharpness" not in summary
    assert summary["gauss_newton_sharpness"] == 8.5
    of_whole_training = {name for name in before if name.startswith("plateau") or "to_fit" in name}
    assert summary.keys() == before.keys() - {"sharpness"} - of_whole_training  # came after 0008
    assert repo.get(new.experiment_id).runs[0].summary["sharpness"] == 8.5
    assert repo.get(new.experiment_id).provenance == untouched.provenance
    with repo.database.read() as tx:
        of_1, of_2 = (results.series(tx, claim.experiment_id) for claim in (old, new))
    np.testing.assert_array_equal(of_1["gauss_newton_sharpness"], of_2["sharpness"])
    assert np.isnan(of_1["sharpness"]).all()


def with_metrics(part, metrics):
    """A run or baseline with other metrics in its summary."""
    return part.model_copy(update={"summary": part.summary | metrics})


def test_medians_of_earlier_results_are_those_that_are_stored_with_new_ones(repo, database_url):
    losses = [
        *([0.0], [1e300], [math.nan], [-math.inf], [1e299, -1e299, 5e-324]),
        *([0.1, 0.3], [math.nan, 1.0], [2.0, 1e-3, 7.0], [0.5, 9.0, 0.25, 1.0]),
    ]
    for values in losses:
        *others, last = [sample_specs.run(seed, value=value) for seed, value in enumerate(values)]
        outcome = Outcome.DIVERGED if others else Outcome.FITTED
        repo.complete(repo.begin(rerun=True), *others, last.model_copy(update={"outcome": outcome}))
    of_experiments, of_setups = (contents(repo.database)[name] for name in ("medians", "setups"))
    expected = [0.0, None, None, None, 1e299, None, 2.0, 4.75, None]
    assert Counter(row["train_loss"] for row in of_experiments) == Counter(expected)
    assert [(row["experiments"], row["train_loss"]) for row in of_setups] == [(9, 4.75)]
    migrate.downgrade(database_url, "0010")
    migrate.upgrade(database_url)
    assert contents(repo.database)["medians"] == of_experiments
    assert contents(repo.database)["setups"] == of_setups


def test_a_downgrade_to_base_removes_all_data(database, database_url):
    fill(database)
    migrate.downgrade(database_url, "base")
    assert shape(database) == {}
    migrate.upgrade(database_url)
    assert not any(contents(database).values())
    fill(database)


def counts(rows):
    return {table: len(table_rows) for table, table_rows in rows.items()}


def projected(rows, columns):
    """The rows, limited to these columns."""
    return sorted(repr([(name, row[name]) for name in sorted(columns)]) for row in rows)


def test_states_unknown_to_an_older_revision_become_the_nearest_known(repo, database_url):
    paused, failed = repo.begin(changes={"tags": ["a"]}), repo.begin()
    repo.record(paused, 0, 10, checkpoint=b"at 10")
    with repo.database.write() as tx:
        reports.fail(tx, failed, Failure(FailureKind.INFRASTRUCTURE, "no luck"), "log")
        experiments.request_pause(tx, paused.experiment_id)
        reports.hand_back(tx, paused)
        workers.register(
            tx, WorkerRecord("w1", "host", 1, None, "cpu", 1, heartbeat_at=0.0, draining=True)
        )
    before = repo.get(failed.experiment_id)
    migrate.downgrade(database_url, "0001")
    with repo.database.write() as tx:
        tx.execute(text("UPDATE experiments SET failure_kind = 'internal' WHERE state = 'failed'"))
        states = set(tx.scalars(text("SELECT state FROM experiments")))
        kinds = set(tx.scalars(text("SELECT kind FROM events")))
    assert states == {"queued", "failed"}
    assert not {"paused", "pause_requested"} & kinds
    migrate.upgrade(database_url)
    assert repo.get(failed.experiment_id) == before
    claim = repo.claim()
    assert (claim.experiment_id, claim.checkpoint) == (paused.experiment_id, b"at 10")
    assert repo.get(paused.experiment_id).spec.tags == ("a",)
    with repo.database.read() as tx:
        assert [worker.draining for worker in workers.listing(tx)] == [False]


def test_concurrent_upgrades_succeed(empty, empty_url):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: migrate.upgrade(empty_url), range(4)))
    assert differences(empty) == []


def test_a_check_passes_only_after_an_upgrade(empty_url):
    with pytest.raises(SchemaMismatch, match="extrapolab migrate"):
        schema.check(empty_url)
    migrate.upgrade(empty_url)
    schema.check(empty_url)


def test_the_required_revision_is_the_newest_migration():
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() == schema.REVISION


def test_a_database_of_a_newer_version_is_refused(empty, empty_url):
    migrate.upgrade(empty_url)
    with empty.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(SchemaMismatch, match="use a newer Extrapolab"):
        migrate.upgrade(empty_url)


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_a_migration_has_no_statement_timeout(empty_url):
    with migrate._alembic(empty_url) as config:
        assert (
            config.attributes["connection"].exec_driver_sql("SHOW statement_timeout").scalar_one()
            == "0"
        )


def test_a_failed_migration_leaves_nothing_behind(empty, empty_url):
    with empty.write() as tx:
        tx.execute(
            text("CREATE TABLE workers (experiment_id INTEGER)")  # conflicts with a migration
        )
    with pytest.raises(Exception, match="workers"):
        migrate.upgrade(empty_url)
    assert list(shape(empty)) == ["workers"]


def test_a_row_without_its_experiment_is_refused(database):
    orphan = insert(metadata.tables["tags"]).values(
        experiment_id="exp_none", tag="t", position=0, created_at=0.0
    )
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as tx:
        tx.execute(orphan)
