"""What the client's values show of themselves, and what they say of names that they don't have."""

import copy
import pickle

import pytest

from extrapolab import AsyncLab, Lab, Rows
from extrapolab.client.answers.result import Result
from extrapolab.models.experiments import ExperimentRecord
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import record, runs


@pytest.fixture(scope="module")
def result():
    runs = sample_specs.result(sample_specs.run(0))
    return Result.model_validate(runs.model_dump())


@pytest.fixture
def lab():
    with Lab("http://127.0.0.1:9", patience=0) as lab:
        yield lab


def test_every_value_is_shown_on_one_line(lab, result):
    listed = record("completed", runs=runs("fitted"))
    shown = [
        *(lab, AsyncLab(lab.url), lab.query("state = failed"), lab.study("balanced")),
        *(lab.figure(x="lag"), listed, listed.runs[0], result, result.runs[0]),
        Rows([{"id": "exp_1", "fit_error": 0.5}] * 500),
    ]
    for value in shown:
        assert len(repr(value)) < 160
        assert "\n" not in repr(value)
        assert type(value).__name__.removeprefix("Async") in repr(value) or value in result.runs
    assert repr(listed).startswith(f"<ExperimentRecord id={listed.id}, state=completed")


def test_printed_rows_are_a_table():
    rows = Rows([{"id": "exp_1", "fit_error": 0.000123456}, {"id": "exp_23", "fit_error": None}])
    assert str(rows).splitlines() == ["id      fit_error", "exp_1   0.000123", "exp_23"]


def test_a_name_that_is_not_there_is_answered_with_what_is(lab, result):
    with pytest.raises(AttributeError, match="did you mean 'submit'"):
        _ = lab.submitt
    with pytest.raises(AttributeError, match="AsyncLab has no 'sweps'; did you mean 'sweeps'"):
        _ = AsyncLab(lab.url).sweps
    with pytest.raises(AttributeError, match=r"has no 'loss'\. It has: eigenvalues, hankel"):
        _ = result.runs[0].loss
    with pytest.raises(AttributeError, match="did you mean 'state'"):
        _ = record().stat


def test_values_are_copied_and_pickled(result):
    _ = result.teacher_response
    for value in (result, record()):
        assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value  # our own
    assert isinstance(pickle.loads(pickle.dumps(record())), ExperimentRecord)  # our own
