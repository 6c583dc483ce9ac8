"""The fields that are mostly asked about: columns that say what the spec says, and one index that answers for them."""

import pytest
from sqlalchemy import BigInteger, Double, Text, event, select

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
    """Of each experiment its spec, and what its columns say."""
    columns = [experiments.c[column_name(field)] for field in INDEXED_FIELDS]
    with database.read() as tx:
        return [
            (row.spec, dict(zip(INDEXED_FIELDS, row[1:], strict=True)))
            for row in tx.execute(select(experiments.c.spec, *columns))
        ]


def at(spec, field):
    for name in field.split("."):
        spec = spec.get(name) if isinstance(spec, dict) else None
    return spec


def test_the_columns_say_what_the_spec_says_before_and_after_a_migration(repo, database_url):
    for changes in SPECS.values():
        repo.submit(changes=changes)
    for _ in range(2):
        found = stored(repo.database)
        assert len(found) == len(SPECS)
        for spec, columns in found:
            assert columns == {field: at(spec, field) for field in INDEXED_FIELDS}
        assert all(
            any(columns[field] is not None for _, columns in found) for field in INDEXED_FIELDS
        )
        assert any(None in columns.values() for _, columns in found)
        migrate.downgrade(database_url, "0003")
        migrate.upgrade(database_url)


def test_each_is_a_field_of_the_filter_language_and_of_its_type():
    kinds = {Text: Kind.TEXT, BigInteger: Kind.WHOLE, Double: Kind.REAL}
    assert {name: FIELDS[name].kind for name in INDEXED_FIELDS} == {
        name: kinds[kind] for name, kind in INDEXED_FIELDS.items()
    }


@pytest.fixture
def plan_of(tmp_path):
    """How SQLite goes about a page; PostgreSQL decides it by how much there is."""
    url = f"sqlite:///{tmp_path}/lab.db"
    migrate.upgrade(url)
    database, seen = Database(url), []

    def listen(_, cursor, statement, parameters, *others):
        seen.append((statement, parameters))

    def plan(question):
        with database.read() as tx:
            pages.read_page(tx, question, cursor=None, limit=50)
            statement, parameters = seen[-1]
            return " / ".join(
                row.detail
                for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            )

    event.listen(database.engine, "before_cursor_execute", listen)
    yield plan
    database.dispose()


@pytest.mark.parametrize("field", INDEXED_FIELDS)
def test_a_filter_and_an_order_look_at_the_index_alone(plan_of, field):
    whole = "SCAN experiments USING COVERING INDEX experiments_newest"
    asked = FIELDS[field].choices[0] if FIELDS[field].choices else 7
    assert whole in plan_of(ExperimentQuery.parse(f"{field} = {asked}"))
    assert whole in plan_of(ExperimentQuery.parse(sort=f"-{field}"))
    assert whole not in plan_of(ExperimentQuery.parse("evaluation.horizon = 7"))
