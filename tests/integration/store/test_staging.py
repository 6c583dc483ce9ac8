"""Many experiments at once: written some at a time, seen all together, and gone where nobody finishes them."""

import pytest
from sqlalchemy import func, select, update

from core.spec import spec_hash
from store.db import tables
from store.db.database import now
from store.errors import StoreUnavailable
from store.experiments import duplicates, id_prefix, staging
from store.experiments import repository as experiments
from store.experiments.draft import Options
from store.query import pages
from store.query.query import ExperimentQuery
from store.queue import scheduling
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps import staging as sweep_staging
from store.sweeps import submission as sweep_submission
from tests.integration.store.test_sweeps import draft
from tests.kit import sample_specs

LRS = {"path": "optimizer.lr", "values": [round(0.01 * n, 2) for n in range(1, 12)]}
SHARED = {"optimizer": {"kind": "gd", "steps": 100, "lr": 0.03}}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(staging, "WRITE_BATCH", 4)


@pytest.fixture
def bring(database):
    def bring(some, *, rerun=False):
        arrival = sweep_staging.stage(database, some, owner="ada", options=Options(), rerun=rerun)
        assert arrival is not None
        return arrival

    return bring


@pytest.fixture
def submit(database):
    def submit(some, arrival, *, rerun=False):
        with database.write() as tx:
            return sweep_submission.submit(
                tx, some, owner="ada", options=Options(), rerun=rerun, staged=arrival
            )

    return submit


def counts(database):
    """Rows of experiments, members, sweeps and arrivals, seen or not."""
    asked = (tables.experiments, tables.sweep_members, tables.sweeps, tables.staged_batches)
    with database.read() as tx:
        return [tx.scalars(select(func.count()).select_from(table)).one() for table in asked]


def test_what_arrives_is_unseen_until_all_of_it_is_there(database, repo, bring, submit):
    large = draft(LRS, tags=["many"])
    arrival = bring(large)
    hashes = [point.spec_hash for point in large.points]
    assert counts(database) == [11, 11, 1, 1]
    with database.read() as tx:
        assert pages.count(tx, ExperimentQuery.parse()) == 0
        assert pages.ids(tx, ExperimentQuery.parse(tag="many")) == []
        assert experiments.by_spec_hash(tx, hashes) == {}
        assert duplicates.find_reusable(tx, hashes) == {}
        assert sweeps.page(tx, limit=50, cursor=None) == ([], None)
        assert scheduling.count_waiting(tx, "cpu", limit=99) == 0
        assert (
            id_prefix.ids_with_prefix(tx, "exp_0", limit=50)
            == id_prefix.ids_with_prefix(tx, "swp_0", limit=50)
            == []
        )
    assert repo.claim() is None
    made = submit(large, arrival)
    assert counts(database) == [11, 11, 1, 0]
    with database.read() as tx:
        listed = pages.ids(tx, ExperimentQuery.parse(tag="many"))
        members, _ = sweeps.members(tx, made.id)
        assert scheduling.count_waiting(tx, "cpu", limit=99) == 11
    assert [one.id for one in made.members] == [member.experiment_id for member in members]
    assert set(listed) == {one.id for one in made.members}
    assert [member.coordinates["optimizer.lr"] for member in members] == LRS["values"]
    assert repo.claim().experiment_id == members[0].experiment_id, "they wait in the sweep's order"
    assert repo.kinds(members[-1].experiment_id) == ["submitted"]


def test_few_experiments_are_not_worth_an_arrival(database):
    few = draft({**LRS, "values": [0.1, 0.2]})
    assert sweep_staging.stage(database, few, owner="ada", options=Options()) is None


def test_what_nobody_finishes_is_removed_some_at_a_time_and_can_not_go_on(
    database, repo, bring, submit
):
    kept = repo.submit(changes={"seeds": [7]})
    lost, alive = (
        bring(draft(LRS)),
        bring(draft(LRS, name="another", student={"kind": "linear", "dim": 4})),
    )
    with database.write() as tx:
        silent = update(tables.staged_batches).where(
            tables.staged_batches.c.id == lost.experiments.id
        )
        tx.execute(silent.values(touched_at=now(tx) - 100))
    removed = []
    while not removed or removed[-1]:
        with database.write() as tx:
            removed.append(staging.remove_abandoned(tx, 60.0))
    assert removed == [4, 4, 3, 0]
    assert counts(database) == [12, 11, 1, 1]
    with pytest.raises(StoreUnavailable, match="given up"):
        submit(draft(LRS), lost)
    assert counts(database) == [12, 11, 1, 1], "what could not be finished left nothing"
    assert (
        len(submit(draft(LRS, name="another", student={"kind": "linear", "dim": 4}), alive).members)
        == 11
    )
    assert repo.get(kept.id).state is State.QUEUED


def test_an_arrival_that_is_being_given_up_takes_no_more(database, bring):
    arrival = bring(draft(LRS))
    with database.write() as tx:
        tx.execute(update(tables.staged_batches).values(touched_at=now(tx) - 100))
        staging.remove_abandoned(tx, 60.0)
    with pytest.raises(StoreUnavailable), database.write() as tx:
        staging.touch(tx, arrival.experiments.id)


def test_what_others_submit_in_the_meantime_is_shared(database, repo, bring, submit):
    large = draft(LRS, tags=["its"])
    arrival = bring(large)
    other = repo.submit(rerun=False, changes={**SHARED, "tags": ["mine"]})
    assert not other.reused, "nobody reuses what is unseen"
    made = submit(large, arrival)
    assert [one.reused for one in made.members] == [n == 2 for n in range(11)]
    assert made.members[2].id == other.id
    assert repo.get(other.id).spec.tags == ("mine", "its")
    with database.read() as tx:
        members, _ = sweeps.members(tx, made.id)
    assert [member.experiment_id for member in members] == [one.id for one in made.members]
    assert counts(database) == [11, 11, 1, 0]


def test_what_was_shared_and_is_gone_when_all_is_there_is_made_anew(database, repo, bring, submit):
    for end in (experiments.remove, lambda tx, one: None):
        there = repo.submit(changes=SHARED)
        large = draft(LRS)
        arrival = bring(large)
        with database.write() as tx:
            experiments.request_cancel(tx, there.id)
            end(tx, there.id)
        made = submit(large, arrival, rerun=False)
        assert there.id not in {one.id for one in made.members}
        with database.read() as tx:
            members, _ = sweeps.members(tx, made.id)
            assert len(experiments.by_spec_hash(tx, [spec_hash(sample_specs.spec(**SHARED))])) == 1
        assert [member.experiment_id for member in members] == [one.id for one in made.members]
        with database.write() as tx:
            for one in made.members:
                experiments.request_cancel(tx, one.id)
                experiments.remove(tx, one.id)


def test_an_equal_sweep_that_was_faster_is_taken_and_nothing_is_there_twice(
    database, bring, submit
):
    large = draft(LRS)
    slower, faster = bring(large), bring(large)
    first = submit(large, faster)
    second = submit(large, slower)
    assert (second.id, second.reused) == (first.id, True)
    assert [one.id for one in second.members] == [one.id for one in first.members]
    assert counts(database) == [11, 11, 1, 0]
    again = submit(large, bring(large, rerun=True), rerun=True)
    assert again.id != first.id
    assert counts(database) == [22, 22, 2, 0]


def test_many_that_are_there_already_are_members_of_another_sweep_or_of_the_equal_one(
    database, repo, bring, submit
):
    large, other = draft(LRS), draft(LRS, tags=["other"])
    first = submit(large, bring(large))
    again = submit(large, bring(large))
    assert (again.id, [one.reused for one in again.members]) == (first.id, [True] * 11)
    assert counts(database) == [11, 11, 1, 0], "an equal sweep is brought in no second time"
    arrival = bring(other)
    assert counts(database) == [11, 22, 2, 1]
    with database.read() as tx:
        seen, _ = sweeps.page(tx, limit=50, cursor=None)
    assert [sweep.id for sweep in seen] == [first.id]
    second = submit(other, arrival)
    assert second.id != first.id
    assert [one.id for one in second.members] == [one.id for one in first.members]
    assert {repo.get(one.id).spec.tags for one in second.members} == {("other",)}
    assert counts(database) == [11, 22, 2, 0]


def test_a_large_sweep_of_what_is_there_that_nobody_finishes_is_removed_and_its_experiments_stay(
    database, repo, bring, submit
):
    submit(draft(LRS), bring(draft(LRS)))
    bring(draft(LRS, tags=["other"]))
    with database.write() as tx:
        tx.execute(update(tables.staged_batches).values(touched_at=now(tx) - 100))
        while staging.remove_abandoned(tx, 60):
            pass
    assert counts(database) == [11, 11, 1, 0]


MORE = {"path": "optimizer.lr", "values": [round(0.01 * n, 2) for n in range(6, 20)]}
"""Eight that are not among :data:`LRS`."""


@pytest.fixture
def extend(database):
    def extend(sweep_id, some, *, meanwhile=lambda: None):
        arrival = sweep_staging.stage_extension(
            database, sweep_id, some, owner="ada", options=Options()
        )
        assert arrival is not None
        meanwhile()
        with database.write() as tx:
            return sweep_submission.extend(
                tx, sweep_id, some, owner="ada", options=Options(), staged=arrival
            )

    return extend


def placed(database, sweep_id):
    with database.read() as tx:
        members, _ = sweeps.members(tx, sweep_id)
    assert [member.position for member in members] == list(range(len(members)))
    return [member.coordinates["optimizer.lr"] for member in members]


def test_many_that_extend_a_sweep_are_unseen_until_all_are_there(database, bring, submit, extend):
    first = submit(draft(LRS), bring(draft(LRS)))

    def look():
        assert counts(database) == [19, 19, 2, 1]
        assert placed(database, first.id) == LRS["values"]
        with database.read() as tx:
            assert [sweep.id for sweep in sweeps.page(tx, limit=9, cursor=None)[0]] == [first.id]
            assert pages.count(tx, ExperimentQuery.parse()) == 11

    made = extend(first.id, draft(MORE), meanwhile=look)
    assert [one.reused for one in made.members] == [False] * 8
    assert placed(database, first.id) == [*LRS["values"], *MORE["values"][6:]]
    assert counts(database) == [19, 19, 1, 0]


def test_two_that_extend_a_sweep_at_once_add_everything_once(database, bring, submit, extend):
    first = submit(draft(LRS), bring(draft(LRS)))
    extend(first.id, draft(MORE), meanwhile=lambda: extend(first.id, draft(MORE)))
    assert placed(database, first.id) == [*LRS["values"], *MORE["values"][6:]]
    assert counts(database) == [19, 19, 1, 0]


def test_a_sweep_is_extended_by_many_that_are_there_already(database, repo, bring, submit, extend):
    first = submit(draft(LRS), bring(draft(LRS)))
    other = submit(draft(MORE), bring(draft(MORE)))
    made = extend(first.id, draft(MORE))
    assert [one.id for one in made.members] == [one.id for one in other.members[6:]]
    assert placed(database, first.id) == [*LRS["values"], *MORE["values"][6:]]
    assert counts(database) == [19, 33, 2, 0]
