"""Setups in order: the same as by their pooled runs, which every write keeps up to date."""

import threading

import pytest
from sqlalchemy import select

from core.result import Outcome
from core.statistics import median
from store.arrays.packed import pack_result
from store.db.database import now
from store.db.tables import setups as table
from store.experiments import repository as experiments
from store.query import run_ends, setup_order, setups
from store.query.fields import FIELDS
from store.query.query import ExperimentQuery
from store.query.setup_order import SetupKey
from store.queue import reports
from store.states import State
from tests.kit import sample_specs


@pytest.fixture
def complete(repo):
    """Completes an experiment with a value for each seed, infinite ones diverged; its record."""

    def complete(length, values, *, first=0, **changes):
        claim = repo.begin(
            changes={
                "training": {"length": length},
                "seeds": list(range(first, first + len(values))),
                **changes,
            }
        )
        runs = [
            sample_specs.run(
                seed,
                value=value,
                outcome=Outcome.DIVERGED if value == float("inf") else Outcome.FITTED,
            )
            for seed, value in enumerate(values, start=first)
        ]
        repo.complete(claim, *runs)
        return repo.get(claim.experiment_id)

    return complete


def stored(database):
    with database.read() as tx:
        return {row.setup_hash: row for row in tx.execute(select(table))}


def test_runs_are_pooled_when_experiments_complete_and_when_they_are_removed(repo, complete):
    database = repo.database
    first, second, rerun = complete(4, [1.0, 3.0]), complete(4, [9.0], first=2), complete(4, [7.0])
    (row,) = stored(database).values()
    assert (row.setup_hash, row.experiments, row.seeds) == (first.setup_hash, 3, 3)
    assert row.train_loss == 7.0  # of 7, 3 and 9
    with database.write() as tx:
        experiments.remove(tx, rerun.id)
    assert stored(database)[first.setup_hash].train_loss == 3.0
    with database.write() as tx:
        experiments.remove(tx, second.id)
        experiments.remove(tx, first.id)
    assert stored(database) == {}


def test_of_experiments_that_complete_at_once_all_count(repo):
    database = repo.database
    claims = [repo.begin(changes={"seeds": [seed]}) for seed in (0, 1, 2, 3)]
    results = [pack_result(sample_specs.result(sample_specs.run(n, value=n))) for n in range(4)]
    at_once = threading.Barrier(4)

    def complete(claim, result):
        at_once.wait()
        with database.write() as tx:
            reports.complete(tx, claim, result, None, {})

    threads = [
        threading.Thread(target=complete, args=pair) for pair in zip(claims, results, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = stored(database).values()
    assert (row.experiments, row.seeds, row.train_loss) == (4, 4, 1.5)


KEYS = ["train_loss", "seeds", "diverged", "name", "created", "setup_hash", "training.length"]


@pytest.mark.parametrize("states", [tuple(State), (State.COMPLETED,)], ids=["all", "completed"])
@pytest.mark.parametrize("q", [None, "seeds = 2", "training.length < 6"])
def test_the_order_is_that_of_the_pooled_runs(repo, complete, q, states):
    infinite = float("inf")
    complete(4, [1.0, 3.0], name="b")
    complete(4, [9.0, 8.0], first=2, name="Ä")
    complete(5, [3.0, infinite, infinite], name="a")
    complete(6, [2.0, 0.5], name="a")
    complete(7, [6.0, 0.5], name="c")
    complete(7, [0.0, 0.25], name="d")  # the same seeds again
    for length in (7, 3):
        repo.submit(changes={"training": {"length": length}, "seeds": 2})
    query = ExperimentQuery.parse(q)
    with repo.database.read() as tx:
        found = setups.find(tx, query.where_in("state", states), [FIELDS["training.length"]])
        completed = [one for one in found if one.state == "completed"]
        runs = run_ends.final_metrics(tx, [one.id for one in completed], ["train_loss"])
        counted = run_ends.latest_runs(completed, runs)
        groups = run_ends.group_runs([one.setup_hash for one in completed], runs, counted)
        losses = run_ends.values_as_counted(runs, ["train_loss"])
        of_setup = {}
        for one in found:
            indices = groups.get(one.setup_hash, [])
            of_setup.setdefault(
                one.setup_hash,
                {
                    "train_loss": float(median(losses[indices])[0]) if len(indices) else None,
                    "seeds": len(indices),
                    "diverged": int(runs.diverged[indices].sum()) if len(indices) else 0,
                    "name": one.name,
                    "created": one.created,
                    "setup_hash": one.setup_hash,
                    "training.length": one.key[0],
                },
            )
        for name in KEYS:
            values = {setup: row[name] for setup, row in of_setup.items()}
            present = [s for s in values if values[s] is not None and values[s] != infinite]
            for descending in (False, True):
                expected = sorted(present, key=values.__getitem__, reverse=descending)
                expected += [setup for setup in values if setup not in present]
                key = SetupKey(FIELDS.get(name) if "." in name else name, descending)
                for limit in (None, 2):
                    order = setup_order.read(
                        tx, query, [key], at=now(tx), states=states, limit=limit
                    )
                    assert order == expected[:limit], name


def test_a_query_that_splits_the_pooled_runs_needs_the_runs_unless_it_leaves_one(repo, complete):
    kept = [complete(4, [value], first=value, tags=["kept"]) for value in (1, 2)]
    complete(4, [3.0], first=3)
    with repo.database.read() as tx:
        by_loss, by_count = (SetupKey(name, descending=False) for name in ("train_loss", "seeds"))

        def read(q, key):
            return setup_order.read(tx, ExperimentQuery.parse(q), [key], at=now(tx))

        assert read("tag:kept", by_loss) is None
        assert read(f"id = {kept[0].id}", by_loss) == [kept[0].setup_hash]
        assert read(f"id = {kept[0].id}", by_count) is None
        assert read(None, by_count) == [kept[0].setup_hash]
