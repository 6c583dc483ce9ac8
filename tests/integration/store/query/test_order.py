"""Orders match Python's on both databases and across pages, with missing values last."""

import itertools
import math
from functools import cmp_to_key

import pytest

from core.spec.paths import value_at
from store.errors import BadCursor
from store.query import pages
from store.query.cursor import Position, encode
from store.query.query import ExperimentQuery
from tests.integration.store.query.sample_filters import statistic

VALUES = {
    "created": lambda s: s.created,
    "name": lambda s: s.spec.name,
    "owner": lambda s: s.owner,
    "finished": lambda s: s.finished,
    "priority": lambda s: s.priority,
    "seeds": lambda s: len(s.spec.seeds),
    "student.start.scale": lambda s: value_at(s.content, "student.start.scale"),
    "student.tied": lambda s: value_at(s.content, "student.tied"),
    "student.structure": lambda s: value_at(s.content, "student.structure"),
    "median(train_loss)": lambda s: statistic("median", s, "train_loss"),
    "count(outcome = fitted)": lambda s: sum(run.outcome == "fitted" for run in s.runs),
    "spec.name": lambda s: s.spec.name,
    "max(zero_baseline)": lambda s: statistic("max", s, "zero_baseline"),
}


def in_python(stored, sort):
    """The ids of the experiments in the order of ``sort``."""
    keys = [(VALUES[key.lstrip("-")], key.startswith("-")) for key in sort.split(",")]

    def compare(a, b):
        for value, descending in keys:
            left, right = value(a), value(b)
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            return (1 if left > right else -1) * (-1 if descending else 1)
        later = (a.created, a.id) > (b.created, b.id)
        return (1 if later else -1) * (-1 if keys[0][1] else 1)

    return [experiment.id for experiment in sorted(stored, key=cmp_to_key(compare))]


SORTS = [
    "-created",
    "created",
    "name",
    "-owner,created",
    "-finished,name",
    "student.start.scale,-created",
    "-student.tied,student.structure",
    "median(train_loss)",
    "-median(train_loss),-name",
    "-count(outcome = fitted),spec.name",
    "-priority,max(zero_baseline),seeds",
]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("q", [None, "tag:x"])
def test_pages_follow_the_order(populated, sort, q):
    query = ExperimentQuery.parse(q, sort)
    ids, cursor = [], None
    with populated.database.read() as tx:
        while True:
            page = list(itertools.islice(pages.walk(tx, query, cursor=cursor, page_size=4), 7))
            ids += [match.experiment.id for match in page]
            if len(page) < 7:
                break
            cursor = page[-1].cursor
    matching = [
        experiment for experiment in populated.stored if q is None or "x" in experiment.spec.tags
    ]
    assert ids == in_python(matching, sort)


def test_a_cursor_of_another_query_is_refused(populated):
    with populated.database.read() as tx:
        first = next(pages.walk(tx, ExperimentQuery.parse("student.dim > 1", "name")))
        for other in (
            ExperimentQuery.parse("student.dim > 2", "name"),
            ExperimentQuery.parse("student.dim > 1", "-name"),
            ExperimentQuery.parse(),
        ):
            with pytest.raises(BadCursor, match="another filter or order"):
                next(pages.walk(tx, other, cursor=first.cursor))


@pytest.mark.parametrize("values", [("x",), (1,), (math.pi, 2.0), (), (None,)])
def test_a_cursor_with_values_of_another_type_is_refused(populated, values):
    query = ExperimentQuery.parse()
    forged = encode(Position(query.digest, 1.0, values, "exp_" + "0" * 32))
    with populated.database.read() as tx, pytest.raises(BadCursor):
        next(pages.walk(tx, query, cursor=forged))


def test_count_and_ids_agree_with_the_pages(populated):
    query = ExperimentQuery.parse("state = completed and tag:x")
    with populated.database.read() as tx:
        assert (
            pages.count(tx, query) == len(list(pages.walk(tx, query))) == len(pages.ids(tx, query))
        )
