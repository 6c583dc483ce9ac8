"""A question has the answer that it has in Python, on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from store.db.tables import experiments
from store.query.parser import parse
from store.query.sql import condition
from tests.integration.store.query.queries import Question, questions
from tests.kit.population import NOW


@pytest.mark.filterwarnings(
    "ignore:Generating overly large repr"
)  # of a question that has the wrong answer
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(question=questions)
def test_sql_answers_as_python_does(populated, question: Question):
    with populated.database.read() as tx:
        found = set(
            tx.scalars(select(experiments.c.id).where(condition(parse(question.text), NOW)))
        )
    assert found == {one.id for one in populated.stored if question.holds(one)}
