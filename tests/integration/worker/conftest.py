"""Workplaces, and the one experiment that faults happen to, with the result that it must have all the same."""

import shutil
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import torch

from core.result import SERIES, ExperimentResult
from core.run import run
from tests.integration.worker.workplace import Job, Workplace
from tests.kit import sample_specs
from tests.kit.database import KINDS, postgres_url
from tests.kit.redis import running_redis


@pytest.fixture(scope="module", params=KINDS)
def workplace(request, tmp_path_factory) -> Iterator[Workplace]:
    """An empty database and broker for the tests of a file."""
    folder = tmp_path_factory.mktemp("work")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "lab.db")
        url = f"sqlite:///{folder}/lab.db"
    else:
        server, template = (
            request.getfixturevalue("postgres"),
            request.getfixturevalue("migrated_postgres"),
        )
        url = postgres_url(server, folder.name)
        with psycopg.connect(host=server, user="postgres", autocommit=True) as administrator:
            administrator.execute(f'CREATE DATABASE "{folder.name}" TEMPLATE {template}')
    with running_redis() as redis:
        opened = Workplace(url, redis, folder)
        yield opened
        opened.close()


LONG = sample_specs.spec(
    student={"kind": "linear", "dim": 60},
    training={"length": 12},
    optimizer={"kind": "momentum", "steps": 300_000},
    evaluation={"horizon": 24, "record": ["eigenvalues", "response"]},
    seeds=[0, 2**63 - 1],
)
"""Some seconds of training, whose trajectories are recorded."""


@pytest.fixture(scope="session")
def unbroken() -> ExperimentResult:
    """The result of :data:`LONG`, trained here without a break on as many threads as the workers have."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = run(LONG)
    torch.set_num_threads(threads)
    return result


@pytest.fixture
def assert_same(unbroken):
    """Holds an experiment of :data:`LONG` against its unbroken result, to the bit."""

    def check(job: Job) -> None:
        result, series = job.result, job.series
        told = [
            found.model_dump_json(exclude={"series"}) for found in (result, unbroken)
        ]  # NaN is equal to NaN here
        assert told[0] == told[1]
        expected = {name: np.array(column) for name, column in unbroken.series.items()}
        seeds = np.repeat([0, 1], len(expected["step"]) // 2)
        assert series["seed"].tolist() == np.array(LONG.seeds)[seeds].tolist()
        for name in (
            "step",
            *SERIES,
            *LONG.evaluation.record,
        ):  # recorded in order of step, stored in order of seed
            by_seed = np.concatenate([expected[name][::2], expected[name][1::2]])
            assert series[name].tobytes() == by_seed.astype(series[name].dtype).tobytes()

    return check
