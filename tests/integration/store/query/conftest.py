"""A population of experiments in each kind of database."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from store.db.database import Database
from store.db.engines import sqlite_url
from tests.kit.database import KINDS
from tests.kit.population import Stored, populate

COUNT = 60


@dataclass(frozen=True, repr=False)
class Populated:
    database: Database
    stored: list[Stored]


@pytest.fixture(scope="module", params=KINDS)
def populated(request, tmp_path_factory) -> Iterator[Populated]:
    """A database that no test changes, and its experiments."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("population")
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "lab.db")
        url = sqlite_url(folder / "lab.db")
    else:
        url = request.getfixturevalue("module_postgres")
    database = Database(url)
    yield Populated(database, populate(database, COUNT))
    database.dispose()
