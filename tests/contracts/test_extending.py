"""The diffs in ``docs/extending.md`` apply to the code as it is, and do what the page says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIFFS = re.findall(
    r"^```diff\n(.*?)^```$", (ROOT / "docs/extending.md").read_text(), re.MULTILINE | re.DOTALL
)
ROOMS = ("core", "store", "service", "worker", "extrapolab")
MAX_FILES_OF_A_TEACHER = 3

CHECK = """
import tempfile

import numpy as np
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from core import teachers
from core.figures import FIGURES
from core.losses import target_of
from core.metrics import response_metrics
from core.result import METRICS, ExperimentResult, RunResult
from core.spec import ExperimentSpec
from core.systems import impulse_response
from extrapolab.cli.app import app
from service.app import build
from service.settings import Settings
from store.db.migrate import upgrade

spec = ExperimentSpec.model_validate({
    "teacher": {"kind": "moving_average", "dim": 4},
    "student": {"kind": "linear", "dim": 6},
    "training": {"length": 5},
    "evaluation": {"horizon": 8},
})
response = impulse_response(teachers.build(spec.teacher), spec.horizon)
assert response.ravel().tolist() == [0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0]
metrics = response_metrics(response + 2.0, target_of(spec), 1e-3)
assert metrics["final_error"] == 2.0

run = RunResult(
    seed=7, outcome="fitted", steps=1, response=[], eigenvalues=[], hankel_singular_values=[],
    parameters={}, summary=dict.fromkeys(METRICS, 3.0),
)
result = ExperimentResult(teacher_response=[], runs=[run], series={})
figure = FIGURES["horizons"]
info = figure.info(spec, result, {})
assert info.horizons == [3.0]
assert figure.file(info, "svg").startswith(b"<?xml")

url = f"sqlite:///{tempfile.mkdtemp()}/lab.db"
upgrade(url)
settings = Settings(database_url=url, broker_url="redis+socket:///nowhere")
with TestClient(build(settings)) as client:
    experiment = client.post("/v1/experiments", json=spec.model_dump(mode="json")).json()
    answer = client.get(f"/v1/experiments/{experiment['id']}/warnings").json()
    assert answer["items"] == experiment["warnings"] != []
    worker = client.get("/openapi.json").json()["components"]["schemas"]["Worker"]
    assert "version" in worker["properties"]

assert "Print the URL" in CliRunner().invoke(app, ["url", "--help"]).output
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the code with every diff of the page applied."""
    copy = tmp_path_factory.mktemp("extended")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for diff in DIFFS:
        done = subprocess.run(
            ["git", "apply", "--whitespace=error-all", "-"],
            input=diff,
            capture_output=True,
            text=True,
            cwd=copy,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return copy


def test_there_is_an_example_for_each_kind_of_extension():
    assert len(DIFFS) == 6


def test_a_teacher_takes_at_most_three_files():
    files = re.findall(r"^\+\+\+ b/(.+)$", DIFFS[0], re.MULTILINE)
    assert 0 < len(files) <= MAX_FILES_OF_A_TEACHER


def test_the_examples_work(extended):
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        env={"PYTHONPATH": str(extended), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        cwd=extended,
        check=False,
    )
    assert done.returncode == 0, done.stderr
