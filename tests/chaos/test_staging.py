"""A large sweep whose API is killed while it arrives: it is there as a whole or not at all, and no rest is left."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest
from sqlalchemy import func, select

from store.db.database import Database
from store.db.tables import experiments
from store.db.tables import staged_batches as on_their_way
from store.db.visible import visible_experiments
from store.experiments import staging
from tests.chaos.scene import Scene, until
from tests.kit import sample_specs
from tests.kit.database import postgres_url

COUNT = 1500


@contextmanager
def record_of(scene: Scene) -> Iterator[Database]:
    """The lab's database, past its API."""
    postgres = scene.postgres and postgres_url(str(scene.postgres.folder), "postgres")
    database = Database(postgres or f"sqlite:///{scene.lab.data}/extrapolab.db")
    yield database
    database.dispose()


def unseen(database: Database) -> tuple[int, int]:
    """How many arrivals there are, and how many experiments that nobody sees."""
    with database.read() as tx:
        hidden = (
            select(func.count())
            .select_from(experiments)
            .where(experiments.c.id.not_in(visible_experiments(experiments.c.id)))
        )
        return tx.scalars(select(func.count()).select_from(on_their_way)).one(), tx.scalars(
            hidden
        ).one()


def sweep(name: str) -> dict:
    base = sample_specs.spec(optimizer={"steps": 2}).model_dump(mode="json", exclude={"name"})
    rates = {"path": "optimizer.lr", "kind": "linspace", "low": 0.001, "high": 0.1, "count": COUNT}
    return {"name": name, "base": base, "axes": [rates]}


def named(scene: Scene, name: str) -> list[dict]:
    """The sweeps of this name, as everybody sees them."""
    found = until(
        lambda: answered(lambda: httpx2.get(f"{scene.url}/v1/sweeps?limit=500", timeout=30.0))
    )
    return [one for one in found["items"] if one["name"] == name]


def answered(ask) -> dict | None:
    """What a lab answers that may be in the middle of a start."""
    try:
        answer = ask()
    except httpx2.TransportError:
        return None
    return answer.json() if answer.is_success else None


def killed_on_its_way(scene: Scene, record: Database) -> tuple[str, str] | None:
    """Name and key of a sweep whose API was killed in the middle of its arrival; None where that came too late."""
    name, key = f"killed on its way {uuid.uuid4().hex}", uuid.uuid4().hex
    api = scene.lab.child("uvicorn")
    with ThreadPoolExecutor(1) as client:
        before = unseen(record)[1]
        under_way = client.submit(post, scene, name, key)
        until(lambda: under_way.done() or unseen(record)[1] >= before + staging.WRITE_BATCH)
        api.kill()
        answered_first = under_way.exception(120) is None
    return None if answered_first or unseen(record)[1] <= before else (name, key)


def post(scene: Scene, name: str, key: str) -> httpx2.Response:
    path, headers = f"{scene.url}/v1/sweeps?on_duplicate=rerun", {"Idempotency-Key": key}
    return httpx2.post(path, json=sweep(name), headers=headers, timeout=120.0)


def is_whole_or_not_at_all(scene: Scene, record: Database) -> None:
    name, key = until(lambda: killed_on_its_way(scene, record))
    assert named(scene, name) == []
    first, again = (until(lambda: answered(lambda: post(scene, name, key))) for _ in range(2))
    assert (first["id"], first["count"], first["created"]) == (again["id"], COUNT, COUNT)
    assert [(one["id"], one["progress"]["of"]) for one in named(scene, name)] == [
        (first["id"], COUNT)
    ]
    path = f"{scene.url}{first['links']['self']}"
    until(lambda: answered(lambda: httpx2.post(f"{path}:cancel", timeout=120.0)))


@pytest.mark.timeout(500)
@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_a_sweep_whose_api_is_killed_while_it_arrives_is_there_whole_or_not_at_all(scene):
    with record_of(scene) as record:
        is_whole_or_not_at_all(scene, record)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_on_either_database_and_what_had_come_of_it_is_removed(scene):
    with record_of(scene) as record:
        for _ in range(3):
            is_whole_or_not_at_all(scene, record)
        until(lambda: unseen(record) == (0, 0))
