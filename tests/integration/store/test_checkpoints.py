"""Resuming from the newest intact checkpoint, with exactly the points recorded before it."""

import numpy as np
import pytest
from sqlalchemy import select, update

from store.arrays.packed import COLUMNS, pack_points
from store.db.tables import checkpoints
from store.experiments import results
from store.queue import reports
from store.records import Progress
from tests.kit import sample_specs


def lose_and_claim(repo, claim):
    repo.lose(claim)
    repo.reap()
    return repo.claim(worker="w2")


def series(repo, experiment_id):
    with repo.database.read() as tx:
        return results.series(tx, experiment_id)


def steps(repo, experiment_id):
    """The recorded steps of seed 0."""
    points = series(repo, experiment_id)
    return points["step"][points["seed"] == 0].tolist()


def corrupt(repo, *, step):
    with repo.database.write() as tx:
        tx.execute(update(checkpoints).where(checkpoints.c.step == step).values(payload=b"torn"))


def test_points_after_the_checkpoint_are_dropped_and_recorded_again(repo):
    claim = repo.begin()
    repo.record(claim, 0, 10, checkpoint=b"at 10")
    repo.record(claim, 20)
    repo.record(claim, 30, 40)
    assert steps(repo, claim.experiment_id) == [0, 10, 20, 30, 40]
    resumed = lose_and_claim(repo, claim)
    assert resumed.checkpoint == b"at 10"
    assert steps(repo, claim.experiment_id) == [0, 10]
    repo.record(resumed, 20, 30)
    repo.complete(resumed, points=sample_specs.points([40, 100]))
    assert steps(repo, claim.experiment_id) == [0, 10, 20, 30, 40, 100]


def test_without_a_checkpoint_all_points_are_dropped(repo):
    claim = repo.begin()
    repo.record(claim, 0, 10)
    resumed = lose_and_claim(repo, claim)
    assert resumed.checkpoint is None
    assert steps(repo, claim.experiment_id) == []


def test_a_point_at_the_step_of_the_checkpoint_is_recorded_once(repo):
    claim = repo.begin()
    repo.record(claim, 0, checkpoint=b"before the point at 10")
    with repo.database.write() as tx:
        tx.execute(update(checkpoints).values(step=10))
    repo.record(claim, 10)
    resumed = lose_and_claim(repo, claim)
    repo.record(resumed, 10, 20)
    assert steps(repo, claim.experiment_id) == [0, 10, 20]


def test_a_checkpoint_can_come_without_points(repo):
    claim = repo.begin()
    repo.record(claim, 0, 10)
    with repo.database.write() as tx:
        reports.record(
            tx,
            claim,
            progress=Progress(15, 100),
            chunk=None,
            checkpoint=b"at 15",
            checkpoint_step=15,
        )
    assert lose_and_claim(repo, claim).checkpoint == b"at 15"
    assert steps(repo, claim.experiment_id) == [0, 10]


def test_two_checkpoints_are_kept_and_the_newest_is_used(repo):
    claim = repo.begin()
    for step in (10, 20, 30, 40, 50):
        repo.record(claim, step, checkpoint=b"at %d" % step)
    with repo.database.read() as tx:
        assert sorted(tx.scalars(select(checkpoints.c.step))) == [40, 50]
    assert lose_and_claim(repo, claim).checkpoint == b"at 50"


def test_a_corrupt_checkpoint_falls_back_to_the_one_before(repo):
    claim = repo.begin()
    for step in (10, 20, 30):
        repo.record(claim, step, checkpoint=b"at %d" % step)
    corrupt(repo, step=30)
    resumed = lose_and_claim(repo, claim)
    assert resumed.checkpoint == b"at 20"
    assert steps(repo, claim.experiment_id) == [10, 20]
    assert "checkpoint_corrupt" in repo.kinds(claim.experiment_id)


def test_after_a_fallback_the_intact_checkpoint_is_not_overwritten(repo):
    claim = repo.begin()
    for step in (10, 20):
        repo.record(claim, step, checkpoint=b"at %d" % step)
    corrupt(repo, step=20)
    second = lose_and_claim(repo, claim)
    repo.record(second, 15, checkpoint=b"at 15")
    corrupt(repo, step=15)
    assert lose_and_claim(repo, second).checkpoint == b"at 10"


def test_without_an_intact_checkpoint_training_restarts(repo):
    claim = repo.begin()
    for step in (10, 20):
        repo.record(claim, step, checkpoint=b"at %d" % step)
        corrupt(repo, step=step)
    resumed = lose_and_claim(repo, claim)
    assert resumed.checkpoint is None
    assert steps(repo, claim.experiment_id) == []


def test_a_chunk_sent_twice_is_stored_once(repo):
    claim = repo.begin()
    for _ in range(2):
        repo.record(claim, 0, 10, checkpoint=b"at 10")
    repo.record(claim, 20)
    assert steps(repo, claim.experiment_id) == [0, 10, 20]


def test_completion_removes_the_checkpoints(repo):
    claim = repo.begin()
    repo.record(claim, 10, checkpoint=b"at 10")
    repo.complete(claim)
    with repo.database.read() as tx:
        assert tx.execute(select(checkpoints)).all() == []


def test_a_large_checkpoint_is_stored_exactly(repo):
    payload = np.random.default_rng(0).bytes(3_000_000)
    claim = repo.begin()
    repo.record(claim, 1, checkpoint=payload)
    assert lose_and_claim(repo, claim).checkpoint == payload


def test_progress_goes_back_to_the_step_of_the_checkpoint(repo):
    claim = repo.begin()
    repo.record(claim, 10, checkpoint=b"at 10")
    repo.record(claim, 20)
    assert repo.get(claim.experiment_id).progress.step == 20
    lose_and_claim(repo, claim)
    assert repo.get(claim.experiment_id).progress.step == 10


@pytest.mark.parametrize("broken", ["unknown column", "missing column", "unequal lengths"])
def test_points_with_wrong_columns_are_refused(repo, broken):
    claim, points = repo.begin(), sample_specs.points([0, 1])
    match broken:
        case "unknown column":
            points["surprise"] = points["step"]
        case "missing column":
            del points["train_loss"]
        case "unequal lengths":
            points["train_loss"] = points["train_loss"][:1]
    with pytest.raises(ValueError, match="column"), repo.database.write() as tx:
        reports.record(
            tx,
            claim,
            progress=Progress(1, 100),
            chunk=pack_points(points),
            checkpoint=None,
            checkpoint_step=0,
        )
    assert series(repo, claim.experiment_id)["step"].tolist() == []


def test_an_empty_series_has_all_columns(repo):
    points = series(repo, repo.submit().id)
    assert tuple(points) == COLUMNS
    assert {column.dtype.kind for column in points.values()} == {"i", "f"}
