"""The application over a real database, and a stand-in for a worker that trains nothing."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.result import ExperimentResult
from service.app import build
from service.settings import Settings
from store.arrays.packed import pack_points, pack_result
from store.db import engines
from store.db.database import Database
from store.queue import claims, reports
from store.records import Claim, Failure, FailureKind, Progress
from tests.integration.service.sweep_specs import sweep
from tests.kit import sample_specs

NO_BROKER = "redis://localhost:1/0"
"""No test here waits for a worker, so none needs a broker."""


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """An empty SQLite database with all tables, for tests whose SQL is tested elsewhere."""
    shutil.copy(migrated_sqlite, tmp_path / "lab.db")
    return engines.sqlite_url(tmp_path / "lab.db")


@pytest.fixture
def app(sqlite_url: str) -> FastAPI:
    return build(Settings(database_url=sqlite_url, broker_url=NO_BROKER))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the application; internal errors reach it as 500, as they reach any client."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


class FakeWorker:
    """Writes to the store what a worker writes, without any training."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def claim(self) -> Claim:
        """Claims the next experiment; it is running from then on."""
        with self.database.write() as tx:
            claim = claims.claim(tx, worker_id="w1", device="cpu", lease_seconds=600.0)
        assert claim is not None
        return claim

    def complete(
        self,
        claim: Claim,
        result: ExperimentResult | None = None,
        points: Mapping[str, Any] | None = None,
    ):
        result = result or sample_specs.result(
            *(sample_specs.run(seed) for seed in claim.spec.seeds)
        )
        with self.database.write() as tx:
            reports.complete(
                tx, claim, pack_result(result), pack_points(points or {}), {"torch": "2.13"}
            )

    def record(self, claim: Claim, points: Mapping[str, Any]) -> None:
        with self.database.write() as tx:
            now = Progress(int(points["step"].max()), claim.spec.optimizer.steps)
            reports.record(
                tx,
                claim,
                progress=now,
                chunk=pack_points(points),
                checkpoint=None,
                checkpoint_step=0,
            )

    def fail(self, claim: Claim, sentence: str, log: str) -> None:
        with self.database.write() as tx:
            reports.fail(tx, claim, Failure(FailureKind.INFRASTRUCTURE, sentence), log)


@pytest.fixture
def worker(app: FastAPI) -> FakeWorker:
    return FakeWorker(app.state.context.database)


def body(**changes: Any) -> dict[str, Any]:
    """A small valid spec."""
    return sample_specs.spec(**changes).model_dump(mode="json")


@pytest.fixture
def submit(client: TestClient):
    """Submits a small experiment and returns its path."""

    def submit(**changes: Any) -> str:
        answer = client.post("/v1/experiments?on_duplicate=rerun", json=body(**changes))
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    return submit


@pytest.fixture
def submit_sweep(client: TestClient):
    """Submits a small sweep over the given axes and gives its path."""

    def submit_sweep(*axes: dict[str, Any], **changes: Any) -> str:
        answer = client.post("/v1/sweeps", json=sweep(*axes, **changes))
        assert answer.status_code in {200, 202}, answer.text
        return answer.headers["Location"]

    return submit_sweep
