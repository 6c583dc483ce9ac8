"""Pages of a query: newest first, complete, and not shifted by inserts."""

import itertools

import pytest

from store.errors import BadCursor
from store.experiments import repository as experiments
from store.query import pages
from store.query.query import ExperimentQuery
from store.states import State


def walk(repo, *, limit=3, between=lambda: None, sort=None, **filters):
    """The ids of each page."""
    query = ExperimentQuery.parse(sort=sort, **filters)
    pages_of_ids, cursor = [], None
    while True:
        with repo.database.read() as tx:
            matches = pages.walk(tx, query, cursor=cursor, page_size=limit + 1)
            page = list(itertools.islice(matches, limit + 1))
        pages_of_ids.append([match.experiment.id for match in page[:limit]])
        if len(page) <= limit:
            return pages_of_ids
        cursor = page[limit - 1].cursor
        between()


def test_pages_are_newest_first_with_each_experiment_once(repo):
    ids = [repo.submit().id for _ in range(7)]
    newest_first = ids[::-1]
    assert walk(repo) == [newest_first[:3], newest_first[3:6], newest_first[6:]]


def test_a_full_last_page_is_followed_by_none(repo):
    ids = [repo.submit().id for _ in range(3)]
    assert walk(repo) == [ids[::-1]]


@pytest.mark.parametrize("sort", [None, "name", "started,-median(train_loss)"])
def test_inserts_between_pages_neither_repeat_nor_skip(repo, sort):
    ids = [repo.submit().id for _ in range(7)]
    listed = list(itertools.chain(*walk(repo, between=repo.submit, sort=sort)))
    original = [experiment_id for experiment_id in listed if experiment_id in ids]
    assert original == (ids[::-1] if sort is None else ids)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    "filters", [{"tag": "odd"}, {"tag": "odd", "state": State.QUEUED}, {"state": State.CANCELLED}]
)
def test_filtered_queries_have_pages_too(repo, filters):
    ids = [repo.submit(changes={"tags": ["odd", "x"] if n % 2 else ["x"]}).id for n in range(10)]
    with repo.database.write() as tx:
        for experiment_id in ids[:4]:
            experiments.request_cancel(tx, experiment_id)
    expected = ids[::-1]
    if "tag" in filters:
        expected = [experiment_id for experiment_id in expected if experiment_id in ids[1::2]]
    if "state" in filters:
        in_state = ids[:4] if filters["state"] is State.CANCELLED else ids[4:]
        expected = [experiment_id for experiment_id in expected if experiment_id in in_state]
    assert list(itertools.chain(*walk(repo, limit=2, **filters))) == expected


def test_each_experiment_on_a_page_has_its_tags_and_runs(repo):
    first = repo.begin(changes={"tags": ["one"]})
    repo.complete(first)
    repo.submit(changes={"tags": ["two", "three"]})
    with repo.database.read() as tx:
        newer, older = (match.experiment for match in pages.walk(tx, ExperimentQuery.parse()))
    assert (newer.spec.tags, older.spec.tags) == (("two", "three"), ("one",))
    assert [run.outcome for run in newer.runs] == [None, None]
    assert [run.outcome for run in older.runs] == ["fitted", "fitted"]
    assert older.runs[1].summary["train_loss"] == 0.25


@pytest.mark.parametrize("tag", ["unused", "'; DROP TABLE tags", "x" * 10_000])
def test_an_unknown_tag_matches_nothing(repo, tag):
    repo.submit(changes={"tags": ["some"]})
    with repo.database.read() as tx:
        assert list(pages.walk(tx, ExperimentQuery.parse(tag=tag))) == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "bnVsbA", "é", "WzEsICJleHBfIl0", "[1.0, 'exp_']", "A" * 4001]
)
def test_a_malformed_cursor_is_refused(repo, cursor):
    with repo.database.read() as tx, pytest.raises(BadCursor):
        list(pages.walk(tx, ExperimentQuery.parse(), cursor=cursor))
