"""Settings and URLs are read from the environment; unusable ones are refused with a remedy."""

import re

import pytest
from pydantic import ValidationError

from store.db.database import Database
from store.settings import Settings


def test_defaults_make_a_lab_on_one_machine(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"EXTRAPOLAB_{name.upper()}", raising=False)
    settings = Settings()
    assert Database(settings.database_url).dialect == "sqlite"
    assert (settings.lease_seconds, settings.reaper_seconds, settings.max_attempts) == (30, 1.5, 5)


def test_environment_overrides_defaults(monkeypatch):
    monkeypatch.setenv("EXTRAPOLAB_LEASE_SECONDS", "5")
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", "postgresql://me@host/lab")
    settings = Settings()
    assert settings.lease_seconds == 5
    database = Database(settings.database_url)
    assert (database.dialect, database.url.drivername) == ("postgresql", "postgresql+psycopg")


@pytest.mark.parametrize(
    "name", ["LEASE_SECONDS", "REAPER_SECONDS", "MAX_ATTEMPTS", "CHECKPOINT_SECONDS"]
)
@pytest.mark.parametrize("value", ["0", "-1", "soon"])
def test_invalid_value_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(f"EXTRAPOLAB_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "lab.db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://host/lab",
        "sqlite+aiosqlite:///lab.db",
        "postgresql://host:word/lab",
    ],
)
def test_url_of_another_kind_is_refused_with_the_allowed_ones(url):
    with pytest.raises(ValueError, match="allowed: sqlite:///FILE or postgresql://"):
        Database(url)


def test_options_of_a_sqlite_url_are_refused_since_a_file_was_meant():
    for url in ("sqlite:////data/a?b", "sqlite:////data/a?mode=memory&uri=true"):
        with pytest.raises(ValueError, match="has a '\\?' after '/data/a': write %3F for one"):
            Database(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:qx7@zk9@host/lab",
        "postgresql://me:secret@host:qx7/lab",
        "postgresql://host:qx7/lab",
        "mysql://host/lab?password=qx7",
        "mysql://me:qx7/zk9@host/lab",
        "mysql://me:qx7?zk9@host/lab",
    ],
)
def test_refusal_of_a_url_shows_no_part_of_a_password(url):
    with pytest.raises(ValueError, match="EXTRAPOLAB_DATABASE_URL") as caught:
        Database(url)
    assert caught.value.__cause__ is None
    assert not re.search("secret|qx7|zk9", str(caught.value))


def test_refusal_of_a_url_hides_its_password():
    with pytest.raises(ValueError, match="mysql") as caught:
        Database("mysql://me:secret@host/lab")
    assert "secret" not in str(caught.value)
