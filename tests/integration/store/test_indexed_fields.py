"""Indexed fields: their columns agree with the spec, and one index serves their queries."""

import pytest
from sqlalchemy import BigInteger, Double, Text, event, select

from core.spec.paths import value_at
from store.db import migrate
from store.db.database import Database
from store.db.indexed_fields import INDEXED_FIELDS, column_name
from store.db.tables import experiments
from store.query import pages
from store.query.fields import FIELDS, Kind
from store.query.query import ExperimentQuery

SPECS = {
    "linear": {},
    "diagonal": {
        "student": {
            "kind": "linear",
            "dim": 7,
            "structure": "diagonal",
            "start": {"kind": "identity"},
        },
        "optimizer": {"kind": "adam", "lr": 3e-4, "steps": 5},
    },
    "network": {
        "teacher": {"kind": "gru", "dim": 2},
        "student": {"kind": "lstm", "dim": 5, "start": {"kind": "gaussian", "scale": 0.25}},
    },
}


def stored(database):
    """Each experiment's spec, and the values of its columns by field."""
    columns = [experiments.c[column_name(field)] for field in INDEXED_FIELDS]
    with database.read() as tx:
        return [
            (row.spec, dict(zip(INDEXED_FIELDS, row[1:], strict=True)))
            for row in tx.execute(select(experiments.c.spec, *columns))
        ]


def test_columns_agree_with_the_spec_before_and_after_a_migration(repo, database_url):
    for changes in SPECS.values():
        repo.submit(changes=changes)
    for _ in range(2):
        experiments_stored = stored(repo.database)
        assert len(experiments_stored) == len(SPECS)
        for spec, columns in experiments_stored:
            assert columns == {field: value_at(spec, field) for field in INDEXED_FIELDS}
        assert all(
            any(columns[field] is not None for _, columns in experiments_stored)
            for field in INDEXED_FIELDS
        )
        assert any(None in columns.values() for _, columns in experiments_stored)
        migrate.downgrade(database_url, "0003")
        migrate.upgrade(database_url)


def test_each_is_a_filter_field_of_the_same_type():
    kinds = {Text: Kind.TEXT, BigInteger: Kind.WHOLE, Double: Kind.REAL}
    assert {name: FIELDS[name].kind for name in INDEXED_FIELDS} == {
        name: kinds[kind] for name, kind in INDEXED_FIELDS.items()
    }


@pytest.fixture
def plan_of(tmp_path):
    """SQLite's query plan of a page; PostgreSQL's depends on the number of rows."""
    url = f"sqlite:///{tmp_path}/lab.db"
    migrate.upgrade(url)
    database, executed = Database(url), []

    def listen(_, cursor, statement, parameters, *others):
        executed.append((statement, parameters))

    def plan(query):
        with database.read() as tx:
            pages.read_page(tx, query, cursor=None, limit=50)
            statement, parameters = executed[-1]
            return " / ".join(
                row.detail
                for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            )

    event.listen(database.engine, "before_cursor_execute", listen)
    yield plan
    database.dispose()


@pytest.mark.parametrize("field", INDEXED_FIELDS)
def test_filters_and_orders_read_only_the_index(plan_of, field):
    index_scan = "SCAN experiments USING COVERING INDEX experiments_newest"
    value = FIELDS[field].choices[0] if FIELDS[field].choices else 7
    assert index_scan in plan_of(ExperimentQuery.parse(f"{field} = {value}"))
    assert index_scan in plan_of(ExperimentQuery.parse(sort=f"-{field}"))
    assert index_scan not in plan_of(ExperimentQuery.parse("evaluation.horizon = 7"))


@pytest.mark.parametrize("q", ["owner = ada", "failure = out_of_memory", "device = cpu"])
def test_filters_by_columns_of_the_record_read_only_the_index(plan_of, q):
    assert "USING COVERING INDEX experiments_newest" in plan_of(ExperimentQuery.parse(q))


def test_a_filter_by_state_reads_only_its_index(plan_of):
    plan = plan_of(ExperimentQuery.parse("state = completed"))
    assert "USING COVERING INDEX experiments_by_state" in plan
