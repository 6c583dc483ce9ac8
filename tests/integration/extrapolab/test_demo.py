"""The demo in a lab that already has every experiment of its study, stored without training."""

import shutil
import threading
import time

import pytest
import uvicorn
from typer.testing import CliRunner

from core.studies import STUDIES
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from service.app import build
from service.settings import Settings
from store.arrays.packed import pack_points, pack_result
from store.db.database import Database
from store.experiments import submission
from store.experiments.draft import Draft, Options
from store.queue import claims, reports
from tests.kit import sample_specs


@pytest.fixture
def full_lab(migrated_sqlite, tmp_path):
    """The URL of an API without workers, on a database with the completed study."""
    shutil.copy(migrated_sqlite, tmp_path / "lab.db")
    database = Database(f"sqlite:///{tmp_path}/lab.db")
    with database.write() as tx:
        for spec in STUDIES["balanced"].experiments("quick"):
            submission.submit_one(
                tx, Draft.from_spec(spec), owner="ada", options=Options(), warnings=(), rerun=False
            )
            claim = claims.claim(tx, worker_id="w", device="cpu", lease_seconds=60.0)
            result = sample_specs.result(*(sample_specs.run(seed) for seed in spec.seeds))
            chunk = pack_points(sample_specs.points([0], spec.seeds))
            reports.complete(tx, claim, pack_result(result), chunk, {})
    database.dispose()
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/lab.db", broker_url="redis://localhost:1/0"
    )
    server = uvicorn.Server(uvicorn.Config(build(settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_demo_judges_and_draws_stored_results_without_computing(full_lab, tmp_path):
    """The sample results make claims fail, so the exit code is 1."""
    folder = tmp_path / "new" / "figures"
    result = CliRunner().invoke(app, ["--url", full_lab, "demo", "--output", str(folder)])
    assert result.exit_code == ExitCode.FAILED, result.output
    output = result.stdout
    assert "All 32 experiments of the study are in the lab: nothing to compute." in output
    assert (
        "From a near-zero start, 25 of 25 seeds fit the training lengths k > 2 d̂ = 4 within 1 % of"
        in output
    )
    assert "There is a cliff" in output
    assert "seed 4   0.900000+0.100000j" in output
    assert (folder / "extrapolation.svg").read_bytes().startswith(b"<?xml")
    assert (folder / "extrapolation.png").read_bytes().startswith(b"\x89PNG")
    for place in (
        folder / "extrapolation.svg",
        folder / "extrapolation.png",
        f"{full_lab}/studies/balanced?size=quick",
    ):
        assert str(place) in output


def test_failing_study_ends_with_exit_code_1(full_lab):
    result = CliRunner().invoke(app, ["--url", full_lab, "study", "run", "balanced"])
    assert result.exit_code == ExitCode.FAILED
    assert "fails" in result.stdout


def test_study_figure_is_written_to_its_path(full_lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = ["--url", full_lab, "study", "figure", "balanced"]
    assert CliRunner().invoke(app, draw).stdout == "balanced.svg\n"
    assert CliRunner().invoke(app, [*draw, "-o", "b.pdf", "--json"]).stdout == '{"path": "b.pdf"}\n'
    assert (tmp_path / "balanced.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF")
    assert CliRunner().invoke(app, [*draw, "--size", "full"]).exit_code == ExitCode.REFUSED
