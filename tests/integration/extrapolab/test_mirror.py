"""Runs in MLflow and Trackio, written by their own packages in an environment of their own."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

MIRROR = Path(__file__).parents[3] / ".venv-mirror/bin/extrapolab"


@pytest.fixture
def mirror(lab, tmp_path):
    if not MIRROR.exists():
        reason = "MLflow and Trackio are not installed: make .venv-mirror/installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments):
        return subprocess.run(
            [MIRROR, "--url", lab.url, "mirror", *arguments],
            env=kept | {"TRACKIO_DIR": str(tmp_path / "trackio")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )

    return run


def rows(file, statement):
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


def test_runs_are_copied_once_and_brought_up_to_date(client, spec, mirror, tmp_path):
    experiment = client.submit(spec(name="first name", tags=["mirrored"])).wait()
    points = len(experiment.series(["train_loss"])["step"])

    def copied():
        file = tmp_path / "mlflow.db"
        names = rows(file, "SELECT name FROM runs ORDER BY name")
        losses = rows(file, "SELECT count(*) FROM metrics WHERE key = 'train_loss'")
        return [name for (name,) in names], losses[0][0]

    arguments = ("tag:mirrored", "--mlflow", "sqlite:///mlflow.db")
    assert mirror(*arguments).stdout == "2 runs written, 0 up to date\n"
    assert copied() == (["first name, seed 3", f"first name, seed {2**63 - 1}"], points)
    lengths = rows(tmp_path / "mlflow.db", "SELECT value FROM params WHERE key = 'training.length'")
    assert lengths == [("5",), ("5",)]

    experiment.edit(name="second name")
    assert mirror(*arguments).stdout == "2 runs written, 0 up to date\n"
    assert copied() == (["second name, seed 3", f"second name, seed {2**63 - 1}"], points)

    for said in ("2 runs written, 0 up to date\n", "0 runs written, 2 up to date\n"):
        assert mirror("tag:mirrored", "--trackio", "ours").stdout == said
        assert rows(tmp_path / "trackio/ours.db", "SELECT count(*) FROM metrics") == [(points,)]
    [(config,)] = rows(
        tmp_path / "trackio/ours.db", "SELECT config FROM configs WHERE run_name LIKE '%seed 3'"
    )
    assert f'"extrapolab.experiment":"{experiment.id}"' in str(config)
