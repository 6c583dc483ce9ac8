"""Sweeps are visible as a whole, share equal experiments, and keep their members."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.errors import SpecError
from core.result import Outcome
from core.spec.sweep import SweepSpec
from store.errors import BadCursor, IllegalMove, NotFound
from store.experiments import duplicates
from store.experiments import repository as experiments
from store.experiments.draft import Draft, Options
from store.query import pages, run_ends
from store.query.cursor import encode
from store.query.query import ExperimentQuery
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps import submission as sweep_submission
from store.sweeps.draft import SweepDraft
from tests.kit import sample_specs

K = {"path": "training.length", "values": [2, 3, 4]}
LR = {"path": "optimizer.lr", "values": [0.1, 0.2]}


def draft(*axes, name="a sweep", **changes):
    base = sample_specs.spec(**changes).model_dump(mode="json", exclude={"name"})
    sweep = SweepSpec.model_validate({"name": name, "base": base, "axes": list(axes)})
    points = sweep.expand()
    items = []
    for point in points:
        content = point.spec.model_dump(mode="json", exclude={"name", "tags", "notes"})
        draft = Draft(point.spec, point.spec_hash, point.setup_hash, content)
        items.append((draft, ("odd",)))
    return SweepDraft(sweep, points, items)


@pytest.fixture
def sweep(database):
    def sweep(*axes, owner="ada", rerun=False, **changes):
        with database.write() as tx:
            return sweep_submission.submit(
                tx, draft(*axes, **changes), owner=owner, options=Options(), rerun=rerun
            )

    return sweep


@pytest.fixture
def extend(database):
    def extend(sweep_id, *axes, **changes):
        with database.write() as tx:
            return sweep_submission.extend(
                tx,
                sweep_id,
                draft(*axes, **changes),
                known_axes=sweeps.get(tx, sweep_id).axes,
                owner="ada",
                options=Options(),
            )

    return extend


@pytest.fixture
def members(database):
    def members(sweep_id, **options):
        with database.read() as tx:
            return sweeps.members(tx, sweep_id, **options)[0]

    return members


@pytest.fixture
def get(database):
    def get(sweep_id):
        with database.read() as tx:
            return sweeps.get(tx, sweep_id)

    return get


def test_sweep_is_read_back_as_sent(repo, sweep, get, members):
    submitted = sweep(K, LR, tags=["b", "a"])
    stored = get(submitted.id)
    assert (stored.name, stored.owner, stored.version) == ("a sweep", "ada", 1)
    assert stored.spec.axes == draft(K, LR).sweep.axes
    assert stored.counts == dict.fromkeys(State, 0) | {State.QUEUED: 6}
    assert [m.coordinates for m in members(submitted.id)] == [
        {"training.length": k, "optimizer.lr": lr} for k in K["values"] for lr in LR["values"]
    ]
    first = repo.get(members(submitted.id)[0].experiment_id)
    alone = sample_specs.spec(
        tags=["b", "a"], training={"length": 2}, optimizer={"kind": "gd", "steps": 100, "lr": 0.1}
    )
    assert first.spec.model_copy(update={"name": ""}) == alone
    assert (first.warnings, first.owner, repo.kinds(first.id)) == (("odd",), "ada", ["submitted"])
    assert repo.claim().experiment_id == first.id, "its experiments are queued in order"


def test_members_equal_experiments_submitted_one_by_one(repo, sweep, members):
    ids = [member.experiment_id for member in members(sweep(K, LR, tags=["t"]).id)]
    for experiment_id in ids:
        member = repo.get(experiment_id)
        changes = member.spec.model_dump(mode="json")
        single = repo.get(repo.submit(rerun=True, changes=changes, warnings=["odd"]).id)
        for name in ("spec", "spec_hash", "setup_hash", "warnings", "version", "device"):
            assert getattr(single, name) == getattr(member, name)


def test_equal_experiments_are_shared_and_gain_the_tags(repo, sweep, members):
    alone = repo.submit(changes={"training": {"length": 3}, "tags": ["mine"]})
    submitted = sweep(K, tags=["mine", "its"])
    assert [member.reused for member in submitted.members] == [False, True, False]
    assert members(submitted.id)[1].experiment_id == alone.id
    assert (repo.get(alone.id).spec.tags, repo.get(alone.id).version) == (("mine", "its"), 2)
    again = sweep(K, tags=["its"], name="another name")
    assert all(member.reused for member in again.members)
    assert repo.get(alone.id).version == 2, "no tag was new"
    assert {member.id for member in again.members} == {member.id for member in submitted.members}


def test_experiments_cancelled_or_about_to_be_are_not_shared(repo, database, sweep):
    cancelled = repo.submit(changes={"training": {"length": 2}})
    with database.write() as tx:
        experiments.request_cancel(tx, cancelled.id)
    running = repo.begin(changes={"training": {"length": 3}})
    with database.write() as tx:
        experiments.request_cancel(tx, running.experiment_id)
    assert [member.reused for member in sweep(K).members] == [False, False, False]


def test_newest_of_equal_experiments_is_shared(repo, sweep):
    for _ in range(2):
        newest = repo.submit(rerun=True, changes={"training": {"length": 2}})
    assert sweep(K).members[0].id == newest.id


def test_equal_sweep_of_the_owner_is_reused_with_cancelled_members_replaced(
    repo, database, sweep, members
):
    first = sweep(K)
    assert (sweep(K).id, sweep(K).reused) == (first.id, True)
    others = [sweep(K, owner="bea"), sweep(K, name="other"), sweep(LR), sweep(K, rerun=True)]
    assert len({first.id, *(other.id for other in others)}) == 5
    submitted = sweep(K, name="unshared", student={"kind": "linear", "dim": 4})
    lost = members(submitted.id)[1].experiment_id
    with database.write() as tx:
        experiments.request_cancel(tx, lost)
    again = sweep(K, name="unshared", student={"kind": "linear", "dim": 4})
    assert again.id == submitted.id
    assert [member.reused for member in again.members] == [True, False, True]
    assert [m.experiment_id for m in members(submitted.id)] == [
        member.id for member in again.members
    ]
    assert lost not in {member.id for member in again.members}


def test_extension_appends_missing_members(sweep, extend, get, members):
    submitted = sweep(K)
    before = members(submitted.id)
    more = extend(submitted.id, {**K, "values": [1, 2, 3, 4, 5]})
    assert [member.reused for member in more.members] == [False, False]
    after = members(submitted.id)
    assert after[:3] == before
    assert [m.coordinates["training.length"] for m in after] == [2, 3, 4, 1, 5]
    assert [m.position for m in after] == [0, 1, 2, 3, 4]
    assert (get(submitted.id).version, get(submitted.id).axes[0]["values"]) == (2, [1, 2, 3, 4, 5])


def test_coordinates_on_a_new_axis_are_the_specs_values(sweep, extend, members):
    submitted = sweep(K)
    default = sample_specs.spec().optimizer.lr
    extend(
        submitted.id, {**K, "values": [2, 3]}, {"path": "optimizer.lr", "values": [default, 0.5]}
    )
    where = {tuple(sorted(m.coordinates.items())) for m in members(submitted.id)}
    assert where == {
        (("optimizer.lr", lr), ("training.length", k))
        for k, lr in [(2, default), (3, default), (4, default), (2, 0.5), (3, 0.5)]
    }


def test_pages_of_sweeps_and_members_neither_repeat_nor_skip(database, sweep, members):
    ids = [sweep(K, name=str(n)).id for n in range(5)]
    with database.read() as tx:
        seen, cursor = [], None
        for _ in range(3):
            page, cursor = sweeps.page(tx, limit=2, cursor=cursor)
            seen += [listed.id for listed in page]
        assert (seen, cursor) == (ids[::-1], None)
        first, cursor = sweeps.members(tx, ids[0], limit=2)
        rest, end = sweeps.members(tx, ids[0], limit=2, cursor=cursor)
        assert (first + rest, end) == (members(ids[0]), None)
        for wrong in ("", "x", ids[0] + "0", "1e3", "9" * 30, "\0"):
            with pytest.raises(BadCursor):
                sweeps.page(tx, limit=2, cursor=wrong)
            with pytest.raises(BadCursor):
                sweeps.members(tx, ids[0], limit=2, cursor=wrong)


@pytest.mark.parametrize("sweep_id", ["swp_" + "0" * 32, "exp_1", "", "\0"])
def test_unknown_sweep_is_not_found(database, extend, get, sweep_id):
    with pytest.raises(NotFound):
        get(sweep_id)
    with pytest.raises(NotFound):
        extend(sweep_id, K)
    with database.write() as tx, pytest.raises(NotFound):
        sweeps.remove(tx, sweep_id)


def test_exclusive_experiments_are_in_no_other_sweep(database, repo, sweep, members):
    submitted = sweep(K)
    sweep({**K, "values": [3]}, name="other")
    ids = [member.experiment_id for member in members(submitted.id)]
    with database.read() as tx:
        assert sweeps.experiment_ids(tx, submitted.id, (State.QUEUED,)) == ids
        assert sweeps.experiment_ids(tx, submitted.id, (State.QUEUED,), exclusive=True) == [
            ids[0],
            ids[2],
        ]
        assert sweeps.experiment_ids(tx, submitted.id, (State.FAILED,)) == []


def test_removing_a_sweep_without_pending_members_keeps_its_experiments(
    database, repo, sweep, members
):
    submitted = sweep({**K, "values": [2]})
    (member,) = members(submitted.id)
    with database.write() as tx, pytest.raises(IllegalMove, match="1 of its experiments"):
        sweeps.remove(tx, submitted.id)
    repo.complete(repo.claim())
    with database.write() as tx:
        sweeps.remove(tx, submitted.id)
    assert repo.get(member.experiment_id).state is State.COMPLETED


def test_resubmission_replaces_a_removed_member(database, sweep, members):
    submitted = sweep(K)
    gone = members(submitted.id)[1].experiment_id
    with database.write() as tx:
        experiments.request_cancel(tx, gone)
        experiments.remove(tx, gone)
    assert [m.position for m in members(submitted.id)] == [0, 2]
    again = sweep(K)
    assert again.id == submitted.id
    assert [m.coordinates["training.length"] for m in members(submitted.id)] == [2, 3, 4]


def test_values_of_completed_runs_are_found_by_the_sweep(database, repo, sweep, members):
    submitted = sweep(K)
    claim = repo.claim()
    repo.complete(
        claim,
        sample_specs.run(0, value=float("-inf")),
        sample_specs.run(1, outcome=Outcome.DIVERGED),
    )
    metrics = ["train_loss", "fit_error", "zero_baseline"]
    with database.read() as tx:
        runs = run_ends.completed_runs(tx, ExperimentQuery.parse(f"sweep:{submitted.id}"), metrics)
    assert list(runs) == [claim.experiment_id]
    baseline = sample_specs.run(0).summary["zero_baseline"]
    found = runs[claim.experiment_id]
    assert Outcome.DIVERGED in found.outcomes
    np.testing.assert_array_equal(
        found.values, [[-np.inf, np.inf, baseline], [np.inf, np.inf, baseline]]
    )


def test_filter_by_sweep_finds_members_in_any_order_and_combination(database, sweep, members):
    submitted, other = sweep(K), sweep({**K, "values": [4, 5]}, tags=["x"])
    ids = [member.experiment_id for member in members(submitted.id)]
    shared = {member.experiment_id for member in members(other.id)} & set(ids)
    assert len(shared) == 1
    expected = {
        f"sweep:{submitted.id}": set(ids),
        f"sweep:{submitted.id} and sweep:{other.id}": shared,
        f"tag:x and sweep:{submitted.id}": shared,
        f"sweep:{submitted.id} and not sweep:{other.id}": set(ids) - shared,
        f"sweep:{submitted.id} and training.length < 4": set(ids) - shared,
        "sweep:swp_x": set(),
    }
    with database.read() as tx:
        for text, matches in expected.items():
            query = ExperimentQuery.parse(text, "-training.length,name")
            first = pages.read_page(tx, query, cursor=None, limit=2)
            rest = pages.read_page(tx, query, cursor=encode(first[-1]), limit=9) if first else []
            listed = [position.id for position in (*first, *rest)]
            assert listed == [name for name in reversed(ids) if name in matches], text
            assert set(pages.ids(tx, query)) == matches
            assert pages.count(tx, query) == len(matches)


def test_nothing_of_a_refused_sweep_is_stored(database, repo):
    start = {"kind": "from_experiment", "id": "exp_" + "0" * 32}
    refused = draft(LR, {"path": "student.start", "values": [{"kind": "gaussian"}, start]})
    with pytest.raises(SpecError, match="no such experiment"), database.write() as tx:
        sweep_submission.submit(tx, refused, owner="ada", options=Options())
    with database.read() as tx:
        assert pages.read_page(tx, ExperimentQuery.parse(), limit=9, cursor=None) == []
        assert sweeps.page(tx, limit=9, cursor=None) == ([], None)


def test_concurrent_equal_sweeps_and_experiments_are_stored_once(database, repo, sweep):
    def submit(number):
        if number % 2:
            return [member.id for member in sweep(K, LR).members]
        changes = {"training": {"length": 3}, "optimizer": {"kind": "gd", "steps": 100, "lr": 0.2}}
        return [repo.submit(rerun=False, changes=changes).id]

    with ThreadPoolExecutor(8) as pool:
        ids = {experiment_id for ids in pool.map(submit, range(16)) for experiment_id in ids}
    assert len(ids) == 6
    with database.read() as tx:
        assert len(pages.read_page(tx, ExperimentQuery.parse(), limit=99, cursor=None)) == 6
        assert len(sweeps.page(tx, limit=99, cursor=None)[0]) == 1


def test_readers_see_a_large_sweep_whole_or_not_at_all(database, sweep):
    """Reads while 2,000 experiments are written."""
    lrs = {"path": "optimizer.lr", "kind": "linspace", "low": 0.001, "high": 0.5, "count": 2000}
    large = draft(lrs)
    seen, done = set(), threading.Event()

    def read_repeatedly():
        while not done.is_set():
            with database.read() as tx:
                page, _ = sweeps.page(tx, limit=1, cursor=None)
                listed = len(pages.read_page(tx, ExperimentQuery.parse(), limit=500, cursor=None))
                seen.add((sum(page[0].counts.values()) if page else 0, listed))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_repeatedly)
        time.sleep(0.05)
        with database.write() as tx:
            sweep_submission.submit(tx, large, owner="ada", options=Options())
        time.sleep(0.3)
        done.set()
        reading.result()
    assert seen == {(0, 0), (2000, 500)}
    with database.read() as tx:
        reusable = duplicates.find_reusable(tx, [point.spec_hash for point in large.points])
    assert len(reusable) == 2000


def test_no_experiment_is_removed_that_another_sweep_has_taken_meanwhile(database, repo, sweep):
    first = sweep({**K, "values": [2, 3]})
    for _ in first.members:
        repo.complete(repo.claim())
    other = sweep({**K, "values": [3, 4]}, name="another")
    with database.write() as tx:
        removed = sweeps.remove_experiments(tx, first.id, [one.id for one in first.members])
    assert [*removed.states] == [first.members[0].id]
    with database.read() as tx:
        assert len(sweeps.members(tx, other.id)[0]) == 2
