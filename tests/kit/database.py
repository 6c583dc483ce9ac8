"""Databases for tests: a test that takes ``database`` runs on SQLite and on PostgreSQL, each time on an empty one."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from store.db.database import Database
from store.db.migrate import upgrade
from store.db.tables import metadata

KINDS = ("sqlite", "postgresql")


def postgres_url(folder: str, name: str) -> str:
    """The URL of a database of the session's PostgreSQL."""
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "lab.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The name of a PostgreSQL database with all tables, to be used as a template."""
    with _administrator(postgres) as server:
        server.execute("CREATE DATABASE migrated")
    upgrade(postgres_url(postgres, "migrated"))
    return "migrated"


@pytest.fixture(scope="module")
def module_postgres(postgres: str, migrated_postgres: str) -> Iterator[str]:
    """A PostgreSQL database with all tables, for the tests of one module in turn."""
    with _created(postgres, migrated_postgres) as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        with _created(request.getfixturevalue("postgres"), "template0") as url:
            yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "lab.db")
        return f"sqlite:///{tmp_path}/lab.db"
    url = request.getfixturevalue("module_postgres")
    _clear(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables and no rows, opened."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


_numbers = itertools.count()


@contextmanager
def _created(folder: str, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with _administrator(folder) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres_url(folder, name)
    with _administrator(folder) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _clear(url: str) -> None:
    with psycopg.connect(
        url, autocommit=True
    ) as connection:  # whoever is still there from the test before is cut off
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        connection.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE")


def _administrator(folder: str) -> psycopg.Connection:
    return psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True)
