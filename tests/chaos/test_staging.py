"""A large sweep whose API is killed while it is staged appears whole or not at all."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest
from sqlalchemy import func, select

from store.db.database import Database
from store.db.tables import experiments, staged_batches
from store.db.visible import visible_experiments
from store.experiments import staging
from tests.chaos.chaos_lab import ChaosLab, wait_for
from tests.kit import sample_specs
from tests.kit.database import postgres_url

COUNT = 1500


@contextmanager
def database_of(chaos_lab: ChaosLab) -> Iterator[Database]:
    """The lab's database, without its API."""
    postgres = chaos_lab.postgres and postgres_url(str(chaos_lab.postgres.folder), "postgres")
    database = Database(postgres or f"sqlite:///{chaos_lab.lab.data}/extrapolab.db")
    yield database
    database.dispose()


def count_hidden(database: Database) -> tuple[int, int]:
    """Numbers of staged batches and of hidden experiments."""
    batches = select(func.count()).select_from(staged_batches)
    visible = visible_experiments(experiments.c.id)
    hidden = select(func.count()).select_from(experiments).where(experiments.c.id.not_in(visible))
    with database.read() as tx:
        return tx.scalars(batches).one(), tx.scalars(hidden).one()


def sweep(name: str) -> dict:
    base = sample_specs.spec(optimizer={"steps": 2}).model_dump(mode="json", exclude={"name"})
    rates = {"path": "optimizer.lr", "kind": "linspace", "low": 0.001, "high": 0.1, "count": COUNT}
    return {"name": name, "base": base, "axes": [rates]}


def sweeps_named(chaos_lab: ChaosLab, name: str) -> list[dict]:
    """The sweeps with this name that the API lists."""
    url = f"{chaos_lab.url}/v1/sweeps?limit=500"
    page = wait_for(lambda: json_or_none(lambda: httpx2.get(url, timeout=30.0)))
    return [sweep for sweep in page["items"] if sweep["name"] == name]


def json_or_none(request: Callable[[], httpx2.Response]) -> dict | None:
    """The answer to a request; None while the API restarts."""
    try:
        answer = request()
    except httpx2.TransportError:
        return None
    return answer.json() if answer.is_success else None


def kill_while_staging(chaos_lab: ChaosLab, database: Database) -> tuple[str, str] | None:
    """Kills the API while it stages a sweep; returns name and key, None if that came too late."""
    name, key = f"killed while staging {uuid.uuid4().hex}", uuid.uuid4().hex
    api = chaos_lab.lab.child("uvicorn")
    with ThreadPoolExecutor(1) as client:
        before = count_hidden(database)[1]
        submission = client.submit(post, chaos_lab, name, key)
        wait_for(
            lambda: submission.done() or count_hidden(database)[1] >= before + staging.WRITE_BATCH
        )
        api.kill()
        was_answered = submission.exception(120) is None
    return None if was_answered or count_hidden(database)[1] <= before else (name, key)


def post(chaos_lab: ChaosLab, name: str, key: str) -> httpx2.Response:
    path, headers = f"{chaos_lab.url}/v1/sweeps?on_duplicate=rerun", {"Idempotency-Key": key}
    return httpx2.post(path, json=sweep(name), headers=headers, timeout=120.0)


def assert_whole_or_absent(chaos_lab: ChaosLab, database: Database) -> None:
    name, key = wait_for(lambda: kill_while_staging(chaos_lab, database))
    assert sweeps_named(chaos_lab, name) == []
    first, again = (
        wait_for(lambda: json_or_none(lambda: post(chaos_lab, name, key))) for _ in range(2)
    )
    assert (first["id"], first["count"], first["created"]) == (again["id"], COUNT, COUNT)
    listed = sweeps_named(chaos_lab, name)
    assert [(sweep["id"], sweep["progress"]["of"]) for sweep in listed] == [(first["id"], COUNT)]
    path = f"{chaos_lab.url}{first['links']['self']}"
    wait_for(lambda: json_or_none(lambda: httpx2.post(f"{path}:cancel", timeout=120.0)))


@pytest.mark.timeout(500)
@pytest.mark.parametrize("chaos_lab", ["sqlite"], indirect=True)
def test_a_sweep_whose_api_is_killed_while_staging_is_whole_or_absent(chaos_lab):
    with database_of(chaos_lab) as database:
        assert_whole_or_absent(chaos_lab, database)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_remains_of_unfinished_sweeps_are_removed_on_either_database(chaos_lab):
    with database_of(chaos_lab) as database:
        for _ in range(3):
            assert_whole_or_absent(chaos_lab, database)
        wait_for(lambda: count_hidden(database) == (0, 0))
