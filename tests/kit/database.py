"""Databases for tests; a test with the fixture ``database`` runs on empty SQLite and PostgreSQL."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from sqlalchemy import make_url

from store.db.database import Database
from store.db.engines import sqlite_url
from store.db.migrate import upgrade
from store.db.user_tables import metadata

KINDS = ("sqlite", "postgresql")

POOLED = pytest.mark.parametrize("database_url", [*KINDS, "pgbouncer"], indirect=True)
"""Runs tests with :func:`database_url` on PostgreSQL behind PgBouncer, too."""


def postgres_url(folder: str, name: str) -> str:
    """The URL of a database on the PostgreSQL server whose socket is in ``folder``."""
    return f"postgresql://postgres@/{name}?{urlencode({'host': folder})}"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, for tests to copy."""
    file = tmp_path_factory.mktemp("template") / "lab.db"
    upgrade(sqlite_url(file))
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The name of a PostgreSQL template database with all tables."""
    with _admin_connection(postgres) as server:
        server.execute("CREATE DATABASE migrated")
    upgrade(postgres_url(postgres, "migrated"))
    return "migrated"


@pytest.fixture(scope="module")
def module_postgres(postgres: str, migrated_postgres: str) -> Iterator[str]:
    """A PostgreSQL database with all tables, shared by the tests of one module."""
    with _temporary_database(postgres, migrated_postgres) as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
    else:
        with _temporary_database(request.getfixturevalue("postgres"), "template0") as url:
            yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "lab.db")
        return sqlite_url(tmp_path / "lab.db")
    url = request.getfixturevalue("module_postgres")
    _empty_tables(url)
    if request.param == "pgbouncer":
        return postgres_url(request.getfixturevalue("pgbouncer"), make_url(url).database)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A connected database with all tables and no rows."""
    database = Database(database_url)
    yield database
    database.dispose()


_database_numbers = itertools.count()


@contextmanager
def _temporary_database(folder: str, template: str) -> Iterator[str]:
    name = f"test_{next(_database_numbers)}"
    with _admin_connection(folder) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres_url(folder, name)
    with _admin_connection(folder) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _empty_tables(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # connections that the test before left open would block TRUNCATE
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        connection.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE")


def _admin_connection(folder: str) -> psycopg.Connection:
    return psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True)
