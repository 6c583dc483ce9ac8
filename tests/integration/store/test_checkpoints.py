"""Resuming: from the newest whole checkpoint, with exactly the points that belong to it."""

import numpy as np
import pytest
from sqlalchemy import select, update

from store.arrays.series import COLUMNS
from store.db.tables import checkpoints
from store.experiments import results
from store.queue import claims
from store.records import Progress
from tests.kit import specimens


def lose_and_claim(desk, claim):
    desk.lose(claim)
    desk.reap()
    return desk.claim(worker="w2")


def series(desk, experiment_id):
    with desk.database.read() as tx:
        return results.series(tx, experiment_id)


def steps(desk, experiment_id):
    """The recorded steps of seed 0, each once."""
    found = series(desk, experiment_id)
    return found["step"][found["seed"] == 0].tolist()


def corrupt(desk, *, step):
    with desk.database.write() as tx:
        tx.execute(update(checkpoints).where(checkpoints.c.step == step).values(payload=b"torn"))


def test_points_past_the_checkpoint_are_cut_and_recorded_again(desk):
    claim = desk.begin()
    desk.record(claim, 0, 10, checkpoint=b"at 10")
    desk.record(claim, 20)
    desk.record(claim, 30, 40)
    assert steps(desk, claim.experiment_id) == [0, 10, 20, 30, 40]
    again = lose_and_claim(desk, claim)
    assert again.checkpoint == b"at 10"
    assert steps(desk, claim.experiment_id) == [0, 10]
    desk.record(again, 20, 30)
    desk.complete(again, points=specimens.points([40, 100]))
    assert steps(desk, claim.experiment_id) == [0, 10, 20, 30, 40, 100]


def test_without_a_checkpoint_all_points_are_cut(desk):
    claim = desk.begin()
    desk.record(claim, 0, 10)
    again = lose_and_claim(desk, claim)
    assert again.checkpoint is None
    assert steps(desk, claim.experiment_id) == []


def test_a_point_at_the_very_step_of_the_checkpoint_is_neither_lost_nor_doubled(desk):
    claim = desk.begin()
    desk.record(claim, 0, checkpoint=b"before the point at 10")
    with desk.database.write() as tx:
        tx.execute(update(checkpoints).values(step=10))
    desk.record(claim, 10)
    again = lose_and_claim(desk, claim)
    desk.record(again, 10, 20)
    assert steps(desk, claim.experiment_id) == [0, 10, 20]


def test_a_checkpoint_may_come_without_points(desk):
    claim = desk.begin()
    desk.record(claim, 0, 10)
    with desk.database.write() as tx:
        claims.record(
            tx,
            claim,
            progress=Progress(15, 100),
            points={},
            checkpoint=b"at 15",
            checkpoint_step=15,
        )
    assert lose_and_claim(desk, claim).checkpoint == b"at 15"
    assert steps(desk, claim.experiment_id) == [0, 10]


def test_two_checkpoints_are_kept_and_the_newest_is_taken(desk):
    claim = desk.begin()
    for step in (10, 20, 30, 40, 50):
        desk.record(claim, step, checkpoint=b"at %d" % step)
    with desk.database.read() as tx:
        assert sorted(tx.scalars(select(checkpoints.c.step))) == [40, 50]
    assert lose_and_claim(desk, claim).checkpoint == b"at 50"


def test_a_corrupt_newest_checkpoint_falls_back_to_the_one_before(desk):
    claim = desk.begin()
    for step in (10, 20, 30):
        desk.record(claim, step, checkpoint=b"at %d" % step)
    corrupt(desk, step=30)
    again = lose_and_claim(desk, claim)
    assert again.checkpoint == b"at 20"
    assert steps(desk, claim.experiment_id) == [10, 20]
    assert "checkpoint_corrupt" in desk.kinds(claim.experiment_id)


def test_after_a_fall_back_the_whole_checkpoint_is_not_the_one_that_is_overwritten(desk):
    claim = desk.begin()
    for step in (10, 20):
        desk.record(claim, step, checkpoint=b"at %d" % step)
    corrupt(desk, step=20)
    second = lose_and_claim(desk, claim)
    desk.record(second, 15, checkpoint=b"at 15")
    corrupt(desk, step=15)
    assert lose_and_claim(desk, second).checkpoint == b"at 10"


def test_without_a_whole_checkpoint_it_begins_again(desk):
    claim = desk.begin()
    for step in (10, 20):
        desk.record(claim, step, checkpoint=b"at %d" % step)
        corrupt(desk, step=step)
    again = lose_and_claim(desk, claim)
    assert again.checkpoint is None
    assert steps(desk, claim.experiment_id) == []


def test_a_chunk_whose_answer_was_lost_may_be_sent_again(desk):
    claim = desk.begin()
    for _ in range(2):
        desk.record(claim, 0, 10, checkpoint=b"at 10")
    desk.record(claim, 20)
    assert steps(desk, claim.experiment_id) == [0, 10, 20]


def test_completion_drops_the_checkpoints(desk):
    claim = desk.begin()
    desk.record(claim, 10, checkpoint=b"at 10")
    desk.complete(claim)
    with desk.database.read() as tx:
        assert tx.execute(select(checkpoints)).all() == []


def test_a_large_checkpoint_comes_back_whole(desk):
    payload = np.random.default_rng(0).bytes(3_000_000)
    claim = desk.begin()
    desk.record(claim, 1, checkpoint=payload)
    assert lose_and_claim(desk, claim).checkpoint == payload


def test_progress_tells_of_the_step_that_it_resumes_from(desk):
    claim = desk.begin()
    desk.record(claim, 10, checkpoint=b"at 10")
    desk.record(claim, 20)
    assert desk.get(claim.experiment_id).progress.step == 20
    lose_and_claim(desk, claim)
    assert desk.get(claim.experiment_id).progress.step == 10


@pytest.mark.parametrize("broken", ["unknown column", "missing column", "unequal lengths"])
def test_points_of_another_shape_are_refused(desk, broken):
    claim, points = desk.begin(), specimens.points([0, 1])
    match broken:
        case "unknown column":
            points["surprise"] = points["step"]
        case "missing column":
            del points["train_loss"]
        case "unequal lengths":
            points["train_loss"] = points["train_loss"][:1]
    with pytest.raises(ValueError, match="column"), desk.database.write() as tx:
        claims.record(
            tx, claim, progress=Progress(1, 100), points=points, checkpoint=None, checkpoint_step=0
        )
    assert series(desk, claim.experiment_id)["step"].tolist() == []


def test_a_series_without_points_has_all_its_columns(desk):
    found = series(desk, desk.submit().id)
    assert tuple(found) == COLUMNS
    assert {column.dtype.kind for column in found.values()} == {"i", "f"}
