"""Setups and columns match Python's on both databases."""

from collections import Counter

import pytest

from core.spec import setup_hash
from store.query import columns, setups
from store.query.fields import FIELDS
from store.query.query import ExperimentQuery
from store.states import State
from tests.integration.store.query.sample_filters import statistic


@pytest.mark.parametrize("q", [None, "tag:x", "training.length > 2 and seeds < 3"])
def test_setups_are_paged_newest_first_with_all_their_matches(populated, q):
    query = ExperimentQuery.parse(q)
    matching = [
        stored
        for stored in populated.stored
        if q is None
        or (q == "tag:x" and "x" in stored.spec.tags)
        or (q != "tag:x" and stored.spec.training.length > 2 and len(stored.spec.seeds) < 3)
    ]
    newest_first = sorted(matching, key=lambda stored: (stored.created, stored.id), reverse=True)
    hash_of = {stored.id: setup_hash(stored.spec) for stored in matching}
    expected = list(dict.fromkeys(hash_of[stored.id] for stored in newest_first))
    found, cursor, sizes = [], None, []
    with populated.database.read() as tx:
        while True:
            page, cursor = setups.newest(tx, query, limit=2, cursor=cursor)
            found += page
            sizes.append(len({one.setup_hash for one in page}))
            if cursor is None:
                break
        completed = setups.count(tx, query, [State.COMPLETED])
        assert setups.count(tx, query) == len(expected)
        everything = setups.find(tx, query, [FIELDS["name"]])
        count = setups.count_runs(tx, [one.id for one in everything])
    assert count == sum(len(stored.runs) for stored in matching)
    assert set(sizes[:-1]) <= {2}
    assert list(dict.fromkeys(one.setup_hash for one in found)) == expected
    assert Counter(one.id for one in found) == Counter(stored.id for stored in matching)
    assert [one.id for one in everything] == [stored.id for stored in newest_first]
    assert completed == len(
        {hash_of[stored.id] for stored in matching if stored.state == State.COMPLETED}
    )


def test_columns_have_the_values_that_python_reads(populated):
    ids = [stored.id for stored in populated.stored]
    text = "name,min(train_loss),count(outcome = fitted),tag,seed,created_at,spec.student.dim"
    with populated.database.read() as tx:
        values = columns.read(tx, ids, columns.parse(text))
    for stored in populated.stored:
        name, least, fitted, tags, seeds, created, dim = values[stored.id]
        assert (name, created, dim) == (stored.spec.name, stored.created, stored.spec.student.dim)
        assert fitted == sum(run.outcome == "fitted" for run in stored.runs)
        assert (tuple(tags), seeds) == (stored.spec.tags, [run.seed for run in stored.runs])
        finite = statistic("min", stored, "train_loss")
        assert finite is None or least == finite
        assert (least is None) == (not stored.runs)
