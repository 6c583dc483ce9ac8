"""Pages: newest first, whole, and unmoved by what is inserted between two of them."""

import itertools

import pytest

from store.errors import BadCursor
from store.experiments import repository as experiments
from store.query import pages
from store.query.query import ExperimentQuery
from store.states import State


def walk(repo, *, limit=3, between=lambda: None, sort=None, **filters):
    """The ids of each page."""
    question = ExperimentQuery.parse(sort=sort, **filters)
    found, cursor = [], None
    while True:
        with repo.database.read() as tx:
            page = list(
                itertools.islice(
                    pages.walk(tx, question, cursor=cursor, page_size=limit + 1), limit + 1
                )
            )
        found.append([one.experiment.id for one in page[:limit]])
        if len(page) <= limit:
            return found
        cursor = page[limit - 1].cursor
        between()


def test_pages_are_newest_first_and_hold_each_experiment_once(repo):
    ids = [repo.submit().id for _ in range(7)]
    newest_first = ids[::-1]
    assert walk(repo) == [newest_first[:3], newest_first[3:6], newest_first[6:]]


def test_the_last_page_has_no_cursor_even_if_it_is_full(repo):
    ids = [repo.submit().id for _ in range(3)]
    assert walk(repo) == [ids[::-1]]


@pytest.mark.parametrize("sort", [None, "name", "started,-median(train_loss)"])
def test_inserts_between_pages_neither_repeat_nor_skip(repo, sort):
    ids = [repo.submit().id for _ in range(7)]
    found = [
        experiment_id
        for page in walk(repo, between=repo.submit, sort=sort)
        for experiment_id in page
    ]
    assert [name for name in found if name in ids] == (ids[::-1] if sort is None else ids)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "filters", [{"tag": "odd"}, {"tag": "odd", "state": State.QUEUED}, {"state": State.CANCELLED}]
)
def test_filters_page_the_same_way(repo, filters):
    ids = [repo.submit(changes={"tags": ["odd", "x"] if n % 2 else ["x"]}).id for n in range(10)]
    with repo.database.write() as tx:
        for experiment_id in ids[:4]:
            experiments.request_cancel(tx, experiment_id)
    cancelled, odd = set(ids[:4]), set(ids[1::2])
    wanted = [
        experiment_id
        for experiment_id in ids[::-1]
        if ("tag" not in filters or experiment_id in odd)
        and (
            "state" not in filters
            or (experiment_id in cancelled) == (filters["state"] is State.CANCELLED)
        )
    ]
    assert [
        experiment_id for page in walk(repo, limit=2, **filters) for experiment_id in page
    ] == wanted


def test_a_page_has_the_tags_and_runs_of_each_of_its_experiments(repo):
    first = repo.begin(changes={"tags": ["one"]})
    repo.complete(first)
    repo.submit(changes={"tags": ["two", "three"]})
    with repo.database.read() as tx:
        newer, older = (found.experiment for found in pages.walk(tx, ExperimentQuery.parse()))
    assert (newer.spec.tags, older.spec.tags) == (("two", "three"), ("one",))
    assert [run.outcome for run in newer.runs] == [None, None]
    assert [run.outcome for run in older.runs] == ["fitted", "fitted"]
    assert older.runs[1].summary["train_loss"] == 0.25


@pytest.mark.parametrize("tag", ["nobody has it", "'; DROP TABLE tags", "x" * 10_000])
def test_an_unknown_tag_has_an_empty_page(repo, tag):
    repo.submit(changes={"tags": ["some"]})
    with repo.database.read() as tx:
        assert list(pages.walk(tx, ExperimentQuery.parse(tag=tag))) == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "bnVsbA", "é", "WzEsICJleHBfIl0", "[1.0, 'exp_']", "A" * 4001]
)
def test_a_made_up_cursor_is_refused(repo, cursor):
    with repo.database.read() as tx, pytest.raises(BadCursor):
        list(pages.walk(tx, ExperimentQuery.parse(), cursor=cursor))
