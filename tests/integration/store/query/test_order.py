"""Orders are those of Python on both databases, whole and unmoved across pages, with what is missing last."""

import itertools
import math
from functools import cmp_to_key

import pytest

from core.spec.sweep import look_up
from store.errors import BadCursor
from store.query import pages
from store.query.cursor import Position, encode
from store.query.query import ExperimentQuery
from tests.integration.store.query.queries import statistic

VALUES = {
    "created": lambda s: s.created,
    "name": lambda s: s.spec.name,
    "owner": lambda s: s.owner,
    "finished": lambda s: s.finished,
    "priority": lambda s: s.priority,
    "seeds": lambda s: len(s.spec.seeds),
    "student.start.scale": lambda s: look_up(s.content, "student.start.scale"),
    "student.tied": lambda s: look_up(s.content, "student.tied"),
    "student.structure": lambda s: look_up(s.content, "student.structure"),
    "median(train_loss)": lambda s: statistic("median", s, "train_loss"),
    "max(zero_baseline)": lambda s: statistic("max", s, "zero_baseline"),
}


def in_python(stored, sort):
    """The ids in the order that ``sort`` asks for."""
    keys = [(VALUES[key.lstrip("-")], key.startswith("-")) for key in sort.split(",")]

    def compare(a, b):
        for value, falling in keys:
            left, right = value(a), value(b)
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            return (1 if left > right else -1) * (-1 if falling else 1)
        return (1 if a.id > b.id else -1) * (-1 if keys[0][1] else 1)

    return [one.id for one in sorted(stored, key=cmp_to_key(compare))]


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
    "-priority,max(zero_baseline),seeds",
]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("q", [None, "tag:x"])
def test_pages_follow_the_order(populated, sort, q):
    question = ExperimentQuery.parse(q, sort)
    found, cursor = [], None
    with populated.database.read() as tx:
        while True:
            page = list(itertools.islice(pages.walk(tx, question, cursor=cursor, page_size=4), 7))
            found += [one.experiment.id for one in page]
            if len(page) < 7:
                break
            cursor = page[-1].cursor
    wanted = [one for one in populated.stored if q is None or "x" in one.spec.tags]
    assert found == in_python(wanted, sort)


def test_a_cursor_belongs_to_its_question(populated):
    with populated.database.read() as tx:
        first = next(pages.walk(tx, ExperimentQuery.parse("student.dim > 1", "name")))
        for other in (
            ExperimentQuery.parse("student.dim > 2", "name"),
            ExperimentQuery.parse("student.dim > 1", "-name"),
            ExperimentQuery.parse(),
        ):
            with pytest.raises(BadCursor, match="another filter or order"):
                next(pages.walk(tx, other, cursor=first.cursor))


@pytest.mark.parametrize("place", [("x",), (1,), (math.pi, 2.0), (), (None,)])
def test_a_cursor_of_other_values_is_refused(populated, place):

    question = ExperimentQuery.parse()
    forged = encode(Position(question.digest, 1.0, place, "exp_" + "0" * 32))
    with populated.database.read() as tx, pytest.raises(BadCursor):
        next(pages.walk(tx, question, cursor=forged))


def test_the_count_is_that_of_the_answers(populated):
    question = ExperimentQuery.parse("state = completed and tag:x")
    with populated.database.read() as tx:
        assert (
            pages.count(tx, question)
            == len(list(pages.walk(tx, question)))
            == len(pages.ids(tx, question))
        )
