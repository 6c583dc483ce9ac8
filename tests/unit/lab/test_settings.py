"""Settings of a lab, read from its environment."""

from pathlib import Path

import pytest

from lab import folder
from lab.errors import CannotStart
from lab.settings import LabSettings, read


def test_the_defaults_make_a_private_lab(monkeypatch):
    for name in LabSettings.model_fields:
        monkeypatch.delenv(f"EXTRAPOLAB_{name.upper()}", raising=False)
    assert read(LabSettings) == LabSettings.model_construct(
        database_url=None,
        broker_url=None,
        redis_server=None,
        lease_seconds=5.0,
        device="cpu",
        database_seconds=30.0,
    )


@pytest.mark.parametrize(
    ("given", "message"), [("-1", "should be greater than 0"), ("long", "should be a valid number")]
)
def test_an_invalid_value_is_reported_with_its_variable(monkeypatch, given, message):
    monkeypatch.setenv("EXTRAPOLAB_LEASE_SECONDS", given)
    with pytest.raises(
        CannotStart, match=rf"^EXTRAPOLAB_LEASE_SECONDS: {message} \(given '{given}'\)\.$"
    ):
        read(LabSettings)


def test_a_relative_sqlite_path_becomes_absolute_for_the_child_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", "sqlite:///mine.db")
    assert read(LabSettings).database_url == f"sqlite:///{tmp_path}/mine.db"
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", f"sqlite:///{Path('/var/lab.db')}")
    assert read(LabSettings).database_url == "sqlite:////var/lab.db"
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", "postgresql://lab@db/lab")
    assert read(LabSettings).database_url == "postgresql://lab@db/lab"


def test_sqlite_on_a_network_disk_is_refused(monkeypatch):
    monkeypatch.setattr(folder, "_file_system", lambda _path: "cifs")
    monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", "sqlite:////mnt/share/lab.db")
    with pytest.raises(CannotStart, match=r"/mnt/share/lab\.db would be on a network disk"):
        read(LabSettings)
