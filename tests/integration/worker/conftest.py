"""Clusters, and an experiment with its uninterrupted result, to compare with after faults."""

import shutil
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import torch

from core.result import SERIES, ExperimentResult
from core.run import run
from store.db.engines import sqlite_url
from tests.integration.worker.cluster import Cluster, Job
from tests.kit import sample_specs
from tests.kit.database import KINDS, postgres_url
from tests.kit.redis import running_redis


@pytest.fixture(scope="module", params=KINDS)
def cluster(request, tmp_path_factory) -> Iterator[Cluster]:
    """An empty database and broker for the tests of one module."""
    folder = tmp_path_factory.mktemp("work")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "lab.db")
        url = sqlite_url(folder / "lab.db")
    else:
        server, template = (
            request.getfixturevalue("postgres"),
            request.getfixturevalue("migrated_postgres"),
        )
        url = postgres_url(server, folder.name)
        with psycopg.connect(host=server, user="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{folder.name}" TEMPLATE {template}')
    with running_redis() as redis:
        cluster = Cluster(url, redis, folder)
        yield cluster
        cluster.close()


LONG = sample_specs.spec(
    student={"kind": "linear", "dim": 60},
    training={"length": 12},
    optimizer={"kind": "momentum", "steps": 300_000},
    evaluation={"horizon": 24, "record": ["eigenvalues", "response"]},
    seeds=[0, 2**63 - 1],
)
"""An experiment of some seconds that records trajectories."""


@pytest.fixture(scope="session")
def uninterrupted() -> ExperimentResult:
    """The result of :data:`LONG`, trained here on one thread, as the workers do."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = run(LONG)
    torch.set_num_threads(threads)
    return result


@pytest.fixture
def assert_same(uninterrupted):
    """Compares an experiment of :data:`LONG` with its uninterrupted result, bit for bit."""

    def check(job: Job) -> None:
        result, series = job.result, job.series
        # as JSON, in which NaN equals NaN
        expected_json = uninterrupted.model_dump_json(exclude={"series"})
        assert result.model_dump_json(exclude={"series"}) == expected_json
        expected = {name: np.array(column) for name, column in uninterrupted.series.items()}
        seeds = np.repeat([0, 1], len(expected["step"]) // 2)
        assert series["seed"].tolist() == np.array(LONG.seeds)[seeds].tolist()
        for name in ("step", *SERIES, *LONG.evaluation.record):
            # recorded by step, stored by seed
            by_seed = np.concatenate([expected[name][::2], expected[name][1::2]])
            assert series[name].tobytes() == by_seed.astype(series[name].dtype).tobytes()

    return check
