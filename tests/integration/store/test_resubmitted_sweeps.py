"""A sweep submitted again under its name and base is the same one, with other values to vary."""

import pytest
from sqlalchemy import func, select

from store.experiments import duplicates
from store.experiments import repository as experiments
from store.experiments.draft import Options
from store.sweeps import repository as sweeps
from store.sweeps import staging, submission
from tests.integration.store.test_sweeps import LR, K, draft
from tests.kit import sample_specs

OPTIONS = Options()


@pytest.fixture
def sweep(database):
    def sweep(*axes, owner="ada", rerun=False, staged=None, **changes):
        with database.write() as tx:
            options = {"owner": owner, "options": OPTIONS, "rerun": rerun, "staged": staged}
            return submission.submit(tx, draft(*axes, **changes), **options)

    return sweep


@pytest.fixture
def read(database):
    """Returns a sweep and its members."""

    def read(sweep_id):
        with database.read() as tx:
            return sweeps.get(tx, sweep_id), sweeps.members(tx, sweep_id)[0]

    return read


def values(*lengths):
    return {**K, "values": list(lengths)}


def lengths(members):
    return [member.coordinates["training.length"] for member in members]


def test_wider_axes_extend_the_sweep(sweep, read):
    first = sweep(K)
    _, before = read(first.id)
    wider = sweep(values(1, 2, 3, 4, 5))
    assert (wider.id, wider.reused) == (first.id, True)
    assert [member.reused for member in wider.members] == [False, True, True, True, False]
    found, after = read(first.id)
    assert (found.axes[0]["values"], found.version) == ([1, 2, 3, 4, 5], 2)
    assert lengths(after) == [1, 2, 3, 4, 5]
    assert {member.experiment_id for member in before} < {one.experiment_id for one in after}
    assert sweep(values(1, 2, 3, 4, 5)).id == first.id
    assert read(first.id) == (found, after), "nothing has changed"


def test_narrower_and_other_values_keep_what_is_there(sweep, read):
    first = sweep(K)
    kept = {member.experiment_id for member in read(first.id)[1]}
    assert sweep(values(3)).id == first.id
    assert sweep(values(3)).id == first.id
    assert {member.experiment_id for member in read(first.id)[1]} == kept
    assert sweep(values(3, 6)).id == first.id
    assert lengths(read(first.id)[1]) == [3, 6, 2, 4], "those that are named come first"


def test_a_member_that_was_cancelled_is_replaced(sweep, read, database):
    first = sweep(K)
    lost = read(first.id)[1][1].experiment_id
    with database.write() as tx:
        experiments.request_cancel(tx, lost)
    again = sweep(values(3, 6))
    assert [member.reused for member in again.members] == [False, False]
    _, after = read(first.id)
    assert lengths(after) == [3, 6, 2, 4]
    assert [one.experiment_id for one in after[:2]] == [one.id for one in again.members]
    assert lost not in {member.experiment_id for member in after}


def test_a_further_axis_extends_the_sweep_and_a_lost_one_makes_another(sweep, read):
    first = sweep(K)
    assert sweep(K, LR).id == first.id
    _, members = read(first.id)
    default = sample_specs.spec().optimizer.lr
    assert {member.coordinates["optimizer.lr"] for member in members} == {default, 0.1, 0.2}
    others = [
        sweep(K),  # without an axis that the sweep has by now
        sweep(LR),
        sweep(K, LR, numerics={"dtype": "float32"}),
        sweep(K, LR, owner="bea"),
        sweep(K, LR, rerun=True),
    ]
    assert len({first.id, *(other.id for other in others)}) == 6
    assert sweep(K).id == others[0].id, "the same axes come before further ones"


def test_without_a_name_only_equal_axes_are_the_same_sweep(sweep):
    first = sweep(K, name="")
    assert sweep(K, name="").id == first.id
    assert sweep(values(2, 3, 4, 5), name="").id != first.id


def test_a_staged_submission_extends_the_sweep(sweep, read, database, monkeypatch):
    for module in ("experiments", "sweeps"):
        monkeypatch.setattr(f"store.{module}.staging.WRITE_BATCH", 4)
    first = sweep(K)
    wider = values(2, 3, 4, 5, 6)
    staged = staging.stage(database, draft(wider), owner="ada", options=OPTIONS)
    assert staged is not None
    assert staged.sweep_id is None
    assert sweep(wider, staged=staged).id == first.id
    assert lengths(read(first.id)[1]) == [2, 3, 4, 5, 6]
    with database.read() as tx:
        assert len(sweeps.page(tx, limit=10, cursor=None)[0]) == 1


def test_submissions_of_one_experiment_wait_for_each_other(database):
    """Each would else look for the same sweep before the other has stored it."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("it has a single writer")
    with database.write() as tx:
        submission.submit(tx, draft(values(1)), owner="ada", options=OPTIONS)
        with database.read() as other:
            shared = func.pg_try_advisory_xact_lock_shared(duplicates._SUBMISSIONS_LOCK)
            assert other.scalars(select(shared)).one() is False
