"""Staged batches are stored in parts, published at once, and removed if abandoned."""

import pytest
from sqlalchemy import func, select, update

from core.spec import spec_hash
from store.db import tables
from store.db.database import now
from store.errors import StoreUnavailable
from store.experiments import repository as experiments
from store.experiments import staging
from store.experiments.draft import Options
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import scheduling
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps import staging as sweep_staging
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import K, draft
from tests.kit import sample_specs

LRS = {"path": "optimizer.lr", "values": [round(0.01 * n, 2) for n in range(1, 12)]}
SHARED = {"optimizer": {"kind": "gd", "steps": 100, "lr": 0.03}}
"""Changes that make the spec of the third point of :data:`LRS`."""

LARGER = {"path": "optimizer.lr", "values": [round(0.01 * n, 2) for n in range(6, 20)]}
"""Eight of its values aren't in :data:`LRS`."""

DIM_4 = {"name": "another", "student": {"kind": "linear", "dim": 4}}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(staging, "WRITE_BATCH", 4)
    monkeypatch.setattr(sweep_staging, "WRITE_BATCH", 4)


@pytest.fixture
def stage(database):
    def stage(sweep, *, rerun=False):
        staged = sweep_staging.stage(database, sweep, owner="ada", options=Options(), rerun=rerun)
        assert staged is not None
        return staged

    return stage


@pytest.fixture
def submit(database):
    def submit(sweep, staged, *, rerun=False):
        with database.write() as tx:
            return sweep_submission.submit(
                tx, sweep, owner="ada", options=Options(), rerun=rerun, staged=staged
            )

    return submit


@pytest.fixture
def extend(database):
    def extend(sweep_id, sweep, *, meanwhile=lambda: None):
        staged = sweep_staging.stage_extension(
            database, sweep_id, sweep, owner="ada", options=Options()
        )
        assert staged is not None
        with database.read() as tx:
            known_axes = sweeps.get(tx, sweep_id).axes
        meanwhile()
        with database.write() as tx:
            return sweep_submission.extend(
                tx,
                sweep_id,
                sweep,
                known_axes=known_axes,
                owner="ada",
                options=Options(),
                staged=staged,
            )

    return extend


def row_counts(database):
    """Rows of experiments, members, sweeps and batches, visible or not."""
    counted = (
        tables.experiments,
        tables.sweep_members,
        tables.sweeps,
        tables.staged_batches,
    )
    with database.read() as tx:
        return [tx.scalars(select(func.count()).select_from(table)).one() for table in counted]


def members_of(database, sweep_id):
    with database.read() as tx:
        return sweeps.members(tx, sweep_id)[0]


def member_ids(database, sweep_id):
    return [member.experiment_id for member in members_of(database, sweep_id)]


def ids_of(submissions):
    return [submission.id for submission in submissions]


def abandon(tx, batch_id=None):
    """Ends the time in which a batch, or each, had to be touched."""
    change = update(tables.staged_batches).values(touched_at=now(tx) - 100)
    tx.execute(change if batch_id is None else change.where(tables.staged_batches.c.id == batch_id))


def test_submission_publishes_a_staged_sweep(database, repo, stage, submit):
    sweep = draft(LRS, tags=["many"])
    staged = stage(sweep)
    assert row_counts(database) == [11, 11, 1, 1]
    assert repo.claim() is None
    submitted = submit(sweep, staged)
    assert row_counts(database) == [11, 11, 1, 0]
    members = members_of(database, submitted.id)
    assert ids_of(submitted.members) == member_ids(database, submitted.id)
    assert [member.coordinates["optimizer.lr"] for member in members] == LRS["values"]
    with database.read() as tx:
        listed = pages.ids(tx, ExperimentQuery.parse(tag="many"))
        assert scheduling.count_waiting(tx, "cpu", limit=99) == 11
    assert set(listed) == set(ids_of(submitted.members))
    assert repo.claim().experiment_id == members[0].experiment_id, "queued in the sweep's order"
    assert repo.kinds(members[-1].experiment_id) == ["submitted"]


def test_small_sweep_is_not_staged(database):
    small = draft({**LRS, "values": [0.1, 0.2]})
    assert sweep_staging.stage(database, small, owner="ada", options=Options()) is None


def test_abandoned_batch_is_removed_in_parts_and_cannot_be_submitted(database, repo, stage, submit):
    other = repo.submit(changes={"seeds": [7]})
    abandoned, active = stage(draft(LRS)), stage(draft(LRS, **DIM_4))
    with database.write() as tx:
        abandon(tx, abandoned.experiments.id)
    removed = []
    while not removed or removed[-1]:
        with database.write() as tx:
            removed.append(staging.remove_abandoned(tx, 60.0))
    assert removed == [4, 4, 3, 0]
    assert row_counts(database) == [12, 11, 1, 1]
    with pytest.raises(StoreUnavailable, match="abandoned"):
        submit(draft(LRS), abandoned)
    assert row_counts(database) == [12, 11, 1, 1], "the refused submission left nothing"
    assert len(submit(draft(LRS, **DIM_4), active).members) == 11
    assert repo.get(other.id).state is State.QUEUED


def test_abandoned_batch_accepts_no_writes(database, stage):
    staged = stage(draft(LRS))
    with database.write() as tx:
        abandon(tx)
        staging.remove_abandoned(tx, 60.0)
    with pytest.raises(StoreUnavailable), database.write() as tx:
        staging.touch(tx, staged.experiments.id)


def test_experiments_submitted_since_staging_are_shared(database, repo, stage, submit):
    sweep = draft(LRS, tags=["its"])
    staged = stage(sweep)
    other = repo.submit(rerun=False, changes={**SHARED, "tags": ["mine"]})
    assert not other.reused, "a staged experiment is never reused"
    submitted = submit(sweep, staged)
    assert [member.reused for member in submitted.members] == [n == 2 for n in range(11)]
    assert submitted.members[2].id == other.id
    assert repo.get(other.id).spec.tags == ("mine", "its")
    assert member_ids(database, submitted.id) == ids_of(submitted.members)
    assert row_counts(database) == [11, 11, 1, 0]


def test_experiments_about_to_pause_are_not_shared_with_a_staged_batch(
    database, repo, stage, submit
):
    sweep = draft(LRS)
    staged = stage(sweep)
    pausing = repo.begin(rerun=False, changes=SHARED).experiment_id
    with database.write() as tx:
        experiments.request_pause(tx, pausing)
    assert pausing not in ids_of(submit(sweep, staged).members)


@pytest.mark.parametrize("is_removed", [False, True])
def test_shared_experiments_lost_since_staging_are_replaced(
    database, repo, stage, submit, is_removed
):
    shared = repo.submit(changes=SHARED)
    sweep = draft(LRS)
    staged = stage(sweep)
    with database.write() as tx:
        experiments.request_cancel(tx, shared.id)
        if is_removed:
            experiments.remove(tx, shared.id)
    submitted = submit(sweep, staged)
    assert shared.id not in ids_of(submitted.members)
    assert member_ids(database, submitted.id) == ids_of(submitted.members)
    with database.read() as tx:
        assert len(experiments.by_spec_hash(tx, [spec_hash(sample_specs.spec(**SHARED))])) == 1


def test_equal_sweep_submitted_since_staging_is_reused(database, stage, submit):
    sweep = draft(LRS)
    slower, faster = stage(sweep), stage(sweep)
    first, second = submit(sweep, faster), submit(sweep, slower)
    assert (second.id, second.reused) == (first.id, True)
    assert ids_of(second.members) == ids_of(first.members)
    assert row_counts(database) == [11, 11, 1, 0]
    again = submit(sweep, stage(sweep, rerun=True), rerun=True)
    assert again.id != first.id
    assert row_counts(database) == [22, 22, 2, 0]


def test_existing_experiments_are_members_of_the_equal_or_of_another_sweep(
    database, repo, stage, submit
):
    sweep, other = draft(LRS), draft(LRS, tags=["other"])
    first = submit(sweep, stage(sweep))
    again = submit(sweep, stage(sweep))
    assert again.id == first.id
    assert all(member.reused for member in again.members)
    assert row_counts(database) == [11, 11, 1, 0], "an equal sweep is not staged again"
    staged = stage(other)
    assert row_counts(database) == [11, 22, 2, 1]
    with database.read() as tx:
        visible, _ = sweeps.page(tx, limit=50, cursor=None)
    assert [visible_sweep.id for visible_sweep in visible] == [first.id]
    second = submit(other, staged)
    assert second.id != first.id
    assert ids_of(second.members) == ids_of(first.members)
    assert {repo.get(experiment_id).spec.tags for experiment_id in ids_of(second.members)} == {
        ("other",)
    }
    assert row_counts(database) == [11, 22, 2, 0]


def test_abandoned_sweep_of_existing_experiments_is_removed_without_them(database, stage, submit):
    submit(draft(LRS), stage(draft(LRS)))
    stage(draft(LRS, tags=["other"]))
    with database.write() as tx:
        abandon(tx)
        while staging.remove_abandoned(tx, 60):
            pass
    assert row_counts(database) == [11, 11, 1, 0]


def lrs_of(database, sweep_id):
    members = members_of(database, sweep_id)
    assert [member.position for member in members] == list(range(len(members)))
    return [member.coordinates["optimizer.lr"] for member in members]


def test_staged_extension_is_invisible_until_it_is_submitted(database, stage, submit, extend):
    first = submit(draft(LRS), stage(draft(LRS)))

    def check_invisible():
        assert row_counts(database) == [19, 19, 2, 1]
        assert lrs_of(database, first.id) == LRS["values"]
        with database.read() as tx:
            assert [sweep.id for sweep in sweeps.page(tx, limit=9, cursor=None)[0]] == [first.id]
            assert pages.count(tx, ExperimentQuery.parse()) == 11

    extended = extend(first.id, draft(LARGER), meanwhile=check_invisible)
    assert [member.reused for member in extended.members] == [False] * 8
    assert lrs_of(database, first.id) == [*LRS["values"], *LARGER["values"][6:]]
    assert row_counts(database) == [19, 19, 1, 0]


def test_concurrent_equal_extensions_add_everything_once(database, stage, submit, extend):
    first = submit(draft(LRS), stage(draft(LRS)))
    extend(first.id, draft(LARGER), meanwhile=lambda: extend(first.id, draft(LARGER)))
    assert lrs_of(database, first.id) == [*LRS["values"], *LARGER["values"][6:]]
    assert row_counts(database) == [19, 19, 1, 0]


def test_an_extension_drops_no_axis_that_another_has_added(database, stage, submit, extend):
    first = submit(draft(LRS), stage(draft(LRS)))
    with pytest.raises(StoreUnavailable, match="axes were changed"):
        extend(first.id, draft(LARGER), meanwhile=lambda: extend(first.id, draft(LARGER, K)))
    with database.read() as tx:
        assert [axis["path"] for axis in sweeps.get(tx, first.id).axes] == [LRS["path"], K["path"]]


def test_extension_reuses_existing_experiments(database, stage, submit, extend):
    first = submit(draft(LRS), stage(draft(LRS)))
    elsewhere = draft(LARGER, name="other")
    other = submit(elsewhere, stage(elsewhere))
    extended = extend(first.id, draft(LARGER))
    assert ids_of(extended.members) == ids_of(other.members)[6:]
    assert lrs_of(database, first.id) == [*LRS["values"], *LARGER["values"][6:]]
    assert row_counts(database) == [19, 33, 2, 0]
