"""When the experiments of a sweep or a study end, from what is left and how fast this lab is."""

import pytest

from core.spec import ExperimentSpec
from store.queue.eta import NO_SLOT, NOTHING_HAS_COMPLETED, Eta, eta, lab_time
from store.queue.speed import Work
from tests.integration.store.test_scheduling import FRESH, add_workers, set_duration, set_eta


def ends(repo, ids):
    with repo.database.read() as tx:
        return eta(tx, ids, fresh_seconds=FRESH)


def measured(repo, seconds):
    """Has an experiment completed that took so long; returns its spec."""
    claim = repo.begin()
    repo.complete(claim)
    set_duration(repo, claim.experiment_id, seconds)
    return claim.spec


def longer(spec, factor):
    steps = factor * spec.optimizer.steps
    return spec.model_copy(update={"optimizer": spec.optimizer.model_copy(update={"steps": steps})})


def test_a_time_that_is_unknown_says_why(repo):
    waiting = repo.submit().id
    assert ends(repo, [waiting]) == Eta(unknown=NO_SLOT)
    add_workers(repo, "cpu")
    assert ends(repo, [waiting]) == Eta(unknown=NOTHING_HAS_COMPLETED)
    assert ends(repo, []) == Eta()


def test_an_end_counts_what_runs_and_waits_over_all_slots(repo):
    measured(repo, 10.0)
    add_workers(repo, "cpu", "cpu")
    running = [repo.begin().experiment_id for _ in range(2)]
    for name, left in zip(running, (7.0, 3.0), strict=True):
        set_eta(repo, name, left)
    waiting = [repo.submit().id for _ in range(3)]
    assert ends(repo, running).seconds == 7.0
    assert ends(repo, [*running, *waiting]).seconds == pytest.approx((7 + 3 + 3 * 10) / 2)
    assert ends(repo, waiting[:1]).seconds == pytest.approx(3 + 10), "not before one experiment is"
    assert ends(repo, waiting[2:]).seconds == pytest.approx((7 + 3 + 3 * 10) / 2), "others first"


def test_an_experiment_of_more_work_takes_longer(repo):
    spec = measured(repo, 2.0)
    small, large = Work.of(spec), Work.of(longer(spec, 100))
    expected = 2.0 * large.flop / small.flop
    with repo.database.read() as tx:
        alone = lab_time(tx, [small, large], fresh_seconds=FRESH)
    assert (alone.slots, alone.lab_seconds) == (0, None)
    assert alone.seconds == pytest.approx(2.0 + expected)
    add_workers(repo, "cpu", "cpu")
    with repo.database.read() as tx:
        assert lab_time(tx, [small] * 4, fresh_seconds=FRESH).lab_seconds == pytest.approx(4.0)
        together = lab_time(tx, [small, large], fresh_seconds=FRESH).lab_seconds
    assert together == pytest.approx(expected), "one experiment has one slot"
    changes = {"optimizer": {"steps": longer(spec, 100).optimizer.steps}}
    waiting = [repo.submit(changes=changes).id for _ in range(4)]
    assert ends(repo, waiting).seconds == pytest.approx(2 * expected)


def test_networks_are_timed_by_networks_if_any_has_completed(repo):
    linear = measured(repo, 1.0)
    changes = {"teacher": {"kind": "gru", "dim": 2}, "student": {"kind": "gru", "dim": 3}}
    network = Work.of(ExperimentSpec.model_validate(linear.model_dump() | changes))
    with repo.database.read() as tx:
        seconds = lab_time(tx, [network], fresh_seconds=FRESH).seconds
    assert seconds == pytest.approx(network.flop / Work.of(linear).flop)
