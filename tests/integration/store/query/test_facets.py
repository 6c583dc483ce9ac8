"""Facets, differences and completion of filters agree with counting in Python, on each database."""

from collections import Counter

import pytest

from core.spec.paths import flatten, value_at
from store.query import facets, pages, varying
from store.query.completion import complete
from store.query.query import ExperimentQuery

FILTERS = [None, "training.length > 2", "tag:figure-1 and not state = failed", "owner = nobody"]
VALUES = {
    "state": lambda stored: [str(stored.state)],
    "owner": lambda stored: [stored.owner],
    "failure": lambda stored: [stored.failure and str(stored.failure)],
    "name": lambda stored: [stored.spec.name],
    "training.length": lambda stored: [stored.spec.training.length],
    "student.tied": lambda stored: [value_at(stored.content, "student.tied")],
    "student.start.scale": lambda stored: [value_at(stored.content, "student.start.scale")],
    "teacher.seed": lambda stored: [value_at(stored.content, "teacher.seed")],
    "tag": lambda stored: stored.spec.tags or [None],
    "outcome": lambda stored: {str(run.outcome) for run in stored.runs} or [None],
    "steps": lambda stored: {run.steps for run in stored.runs} or [None],
    "sweep": lambda _: [None],
}


def read(populated, q, names, **options):
    with populated.database.read() as tx:
        fields = facets.parse_fields(",".join(names))
        return facets.read(tx, ExperimentQuery.parse(q), fields, **options)


def matches(populated, q):
    with populated.database.read() as tx:
        ids = set(pages.ids(tx, ExperimentQuery.parse(q)))
    return [stored for stored in populated.stored if stored.id in ids]


@pytest.mark.parametrize("q", FILTERS)
def test_facets_count_as_python_counts(populated, q):
    matching = matches(populated, q)
    counted = read(populated, q, VALUES)
    assert counted.count == len(matching)
    for facet in counted.facets:
        values_of = VALUES[facet.field.name]
        expected = Counter(value for stored in matching for value in values_of(stored))
        assert facet.missing == expected.pop(None, 0)
        assert {c.value: c.count for c in facet.values} == expected
        assert {type(c.value) for c in facet.values} == {type(value) for value in expected}
        counts = [c.count for c in facet.values]
        assert (counts, facet.more) == (sorted(counts, reverse=True), 0)


def test_a_facet_has_the_most_frequent_values_and_the_number_of_others(populated):
    whole, part = (read(populated, None, ["name"], limit=n).facets[0] for n in (100, 3))
    assert (part.values, part.more) == (whole.values[:3], len(whole.values) - 3)


def test_a_prefix_selects_text_and_takes_wildcards_literally(populated):
    def names(prefix):
        (facet,) = read(populated, None, ["name"], prefix=prefix).facets
        return {counted.value for counted in facet.values}

    assert names("BAL") == {"balanced", "Balanced teacher"}
    assert (names("a_"), names("%")) == ({"a_b"}, set())


def test_only_the_newest_can_be_counted(populated):
    newest = sorted(populated.stored, key=lambda s: (s.created, s.id), reverse=True)[:7]
    counted = read(populated, None, ["owner"], newest=7)
    assert counted.count == 7
    expected = Counter(stored.owner for stored in newest)
    assert {c.value: c.count for c in counted.facets[0].values} == expected


@pytest.mark.parametrize("q", FILTERS)
def test_what_varies_is_what_differs_among_specs(populated, q):
    flat = [dict(flatten(stored.content)) for stored in matches(populated, q)]
    paths = {path for spec in flat for path in spec}
    expected = {}
    for path in paths:
        values = {str(spec[path]) for spec in flat if spec.get(path) is not None}
        missing = sum(spec.get(path) is None for spec in flat)
        if len(values) + bool(missing) > 1:
            expected[path] = (len(values), missing)
    with populated.database.read() as tx:
        found = varying.read(tx, ExperimentQuery.parse(q))
    assert (found.sample, found.of) == (len(flat), len(flat))
    assert {p.path: (p.distinct, p.missing) for p in found.parts} == expected
    for part in found.parts:
        assert sum(c.count for c in part.values) in {0, len(flat) - part.missing}
        if part.path == "training.length":
            lengths = sorted(spec[part.path] for spec in flat)
            assert (part.low, part.high) == (lengths[0], lengths[-1])


def test_a_sample_reaches_from_the_newest_to_the_oldest(populated, monkeypatch):
    monkeypatch.setattr(varying, "SAMPLE", 30)
    with populated.database.read() as tx:
        found = varying.read(tx, ExperimentQuery.parse())
    assert (found.sample, found.of) == (30, len(populated.stored))
    newest = sorted(populated.stored, key=lambda s: (s.created, s.id), reverse=True)
    lengths = Counter(stored.spec.training.length for stored in newest[::2])
    part = next(part for part in found.parts if part.path == "training.length")
    assert {c.value: c.count for c in part.values} == lengths


def test_completion_suggests_values_with_counts(populated):
    with populated.database.read() as tx:
        tags = complete(tx, "tag:TWO", 7, limit=5).suggestions
        lengths = complete(tx, "training.length = ", 18, limit=5).suggestions
        states = complete(tx, "state = fa", 10, limit=5).suggestions
    count = sum("two words" in stored.spec.tags for stored in populated.stored)
    assert [(s.text, s.count) for s in tags] == [('"two words"', count)]
    expected = Counter(str(stored.spec.training.length) for stored in populated.stored)
    assert {s.text: s.count for s in lengths} == expected
    failed = sum(stored.state == "failed" for stored in populated.stored)
    assert [(s.text, s.count) for s in states] == [("failed", failed)]
