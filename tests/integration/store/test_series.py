"""Parts of series: the newest points of running seeds."""

import pytest

from store.arrays import series
from store.arrays.packed import pack_points
from store.arrays.series import LIVE_METRICS, MAX_LIVE_SEEDS
from store.queue import reports
from store.records import Progress
from tests.kit import sample_specs


def record(repo, claim, steps, seeds):
    with repo.database.write() as tx:
        points = sample_specs.points(steps, seeds)
        reports.record(
            tx,
            claim,
            progress=Progress(steps[-1], 100),
            chunk=pack_points(points),
            checkpoint=None,
            checkpoint_step=steps[-1],
        )


def test_the_newest_points_are_those_of_seeds_in_the_last_chunk(repo):
    claim, waiting = repo.begin(changes={"seeds": [0, 1, 2]}), repo.submit()
    record(repo, claim, [0, 1], [0, 1, 2])
    record(repo, claim, [5], [0, 1, 2])
    record(repo, claim, [9, 7], [0, 2])  # seed 1 has ended
    with repo.database.read() as tx:
        newest = series.newest(tx, [waiting.id, claim.experiment_id])
    points = newest.pop(claim.experiment_id)
    assert newest == {}
    assert list(points) == ["seed", "step", *LIVE_METRICS]
    assert (points["seed"].tolist(), points["step"].tolist()) == ([0, 2], [9, 9])
    assert points["train_loss"].tolist() == [9, 2e6 + 9]


@pytest.mark.parametrize(("seeds", "found"), [(MAX_LIVE_SEEDS, True), (MAX_LIVE_SEEDS + 1, False)])
def test_the_newest_points_of_very_many_seeds_are_not_read(repo, seeds, found):
    claim = repo.begin(changes={"seeds": seeds})
    record(repo, claim, [3], range(seeds))
    with repo.database.read() as tx:
        assert (claim.experiment_id in series.newest(tx, [claim.experiment_id])) is found
