"""Migrations: they make the tables that the code declares, up, down and up again, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text

from store.db import migrate, schema
from store.db.database import Database
from store.db.tables import metadata
from store.errors import SchemaMismatch
from store.experiments import repository as experiments
from store.experiments.draft import Draft
from store.queue import claims, workers
from store.records import Failure, FailureKind, WorkerRecord
from tests.kit import sample_specs
from tests.kit.filled_database import contents, fill


@pytest.fixture
def empty(empty_url):
    opened = Database(empty_url)
    yield opened
    opened.dispose()


def differences(database):
    with database.read() as tx:
        context = MigrationContext.configure(
            tx, opts={"compare_type": True, "compare_server_default": True}
        )
        return compare_metadata(context, metadata)


def shape(database):
    """Every column, key and index, as the database itself tells them; PostgreSQL can't put a new column in between."""
    with database.read() as tx:
        found = inspect(tx)
        return {
            table: (
                sorted(
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in found.get_columns(table)
                ),
                found.get_pk_constraint(table),
                found.get_foreign_keys(table),
                sorted(index["name"] for index in found.get_indexes(table)),
            )
            for table in found.get_table_names()
            if table != "alembic_version"
        }


def test_the_migrations_make_the_declared_tables(empty, empty_url):
    migrate.upgrade(empty_url)
    assert differences(empty) == []


INDICES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def indices(database):
    """Every index as the database would write it: alembic's comparison looks away from falling and partial ones."""
    with database.read() as tx:
        return {
            name: " ".join(sql.split()) for name, sql in tx.execute(text(INDICES[database.dialect]))
        }


def test_the_migrations_make_just_what_the_code_would_make_by_itself(empty, empty_url):
    migrate.upgrade(empty_url)
    migrated = shape(empty), indices(empty)
    migrate.downgrade(empty_url, "base")
    with empty.write() as tx:
        metadata.create_all(tx)
    assert (shape(empty), indices(empty)) == migrated


def test_up_down_and_up_again(empty, empty_url):
    migrate.upgrade(empty_url)
    first = shape(empty)
    migrate.downgrade(empty_url, "base")
    assert shape(empty) == {}
    migrate.upgrade(empty_url)
    assert shape(empty) == first


def test_an_upgrade_of_what_is_up_to_date_keeps_everything(database, database_url):
    with database.write() as tx:
        options = experiments.Options()
        kept = experiments.submit(
            tx, Draft.of(sample_specs.spec()), owner="", options=options, warnings=(), rerun=True
        )
    migrate.upgrade(database_url)
    with database.read() as tx:
        assert experiments.get(tx, kept.id).spec == sample_specs.spec()


@pytest.mark.parametrize("revision", migrate.revisions()[1:])
def test_down_and_up_with_data_keeps_all_that_has_a_place_in_both(database, database_url, revision):
    fill(database)
    now = contents(database)
    migrate.downgrade(database_url, revision)
    older = contents(database)
    assert counts(older) == {table: rows for table, rows in counts(now).items() if table in older}
    migrate.upgrade(database_url)
    again = contents(database)
    assert differences(database) == []
    for table in [table for table, rows in again.items() if rows and table in older]:
        shared = again[table][0].keys() & older[table][0].keys()
        assert (
            projected(again[table], shared)
            == projected(older[table], shared)
            == projected(now[table], shared)
        )


def test_down_to_nothing_and_up_again_with_data_in_between(database, database_url):
    fill(database)
    migrate.downgrade(database_url, "base")
    assert shape(database) == {}
    migrate.upgrade(database_url)
    assert not any(contents(database).values())
    fill(database)


def counts(rows):
    return {table: len(of) for table, of in rows.items()}


def projected(rows, columns):
    """The rows with these columns only."""
    return sorted(repr([(name, row[name]) for name in sorted(columns)]) for row in rows)


def test_data_survives_the_way_back_to_an_earlier_version_and_up_again(repo, database_url):
    """What the earlier version has no word for comes out as the nearest that it has."""
    paused, failed = repo.begin(changes={"tags": ["a"]}), repo.begin()
    repo.record(paused, 0, 10, checkpoint=b"at 10")
    with repo.database.write() as tx:
        claims.fail(tx, failed, Failure(FailureKind.INFRASTRUCTURE, "no luck"), "log")
        experiments.request_pause(tx, paused.experiment_id)
        claims.hand_back(tx, paused)
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


def test_several_processes_may_upgrade_at_once(empty, empty_url):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: migrate.upgrade(empty_url), range(4)))
    assert differences(empty) == []


def test_check_passes_after_an_upgrade_only(empty_url):
    with pytest.raises(SchemaMismatch, match="extrapolab migrate"):
        schema.check(empty_url)
    migrate.upgrade(empty_url)
    schema.check(empty_url)


def test_the_revision_that_the_software_wants_is_the_newest_migration():
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() == schema.REVISION


def test_a_database_of_a_newer_version_is_left_alone(empty, empty_url):
    migrate.upgrade(empty_url)
    with empty.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(SchemaMismatch, match="use a newer Extrapolab"):
        migrate.upgrade(empty_url)


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_a_migration_of_many_rows_is_given_the_time_that_it_takes(empty_url):
    with migrate._alembic(empty_url) as config:
        assert (
            config.attributes["connection"].exec_driver_sql("SHOW statement_timeout").scalar_one()
            == "0"
        )


def test_a_migration_that_fails_leaves_nothing_behind(empty, empty_url):
    with empty.write() as tx:
        tx.execute(
            text("CREATE TABLE workers (experiment_id INTEGER)")
        )  # in the way of the first migration
    with pytest.raises(Exception, match="workers"):
        migrate.upgrade(empty_url)
    assert list(shape(empty)) == ["workers"]


def test_rows_go_with_their_experiment_and_never_stand_alone(database):
    orphan = insert(metadata.tables["tags"]).values(
        experiment_id="exp_none", tag="t", position=0, created_at=0.0
    )
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as tx:
        tx.execute(orphan)
