"""Filters match the same experiments in SQL as in Python, on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from store.db.tables import experiments
from store.query.parser import parse
from store.query.sql import condition
from tests.integration.store.query.sample_filters import SampleFilter, filters
from tests.kit.population import NOW


@pytest.mark.filterwarnings(
    "ignore:Generating overly large repr"
)  # of a filter that fails the test
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(sample=filters)
def test_sql_matches_as_python_does(populated, sample: SampleFilter):
    query = select(experiments.c.id).where(condition(parse(sample.text), NOW))
    with populated.database.read() as tx:
        matching = set(tx.scalars(query))
    assert matching == {
        experiment.id for experiment in populated.stored if sample.matches(experiment)
    }
