"""What is stored comes back bit for bit, whatever SQL thinks of NaN, infinities and very small numbers."""

import math
import struct

import numpy as np
import pytest

from core.result import METRICS, SERIES, Outcome, RunResult
from core.spec import ExperimentSpec
from store import experiments, queue, results
from store.errors import NotReady
from tests.kit import specimens

ODD = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "long": 0.1 + 0.2,
}
odd_numbers = pytest.mark.parametrize("odd", ODD.values(), ids=ODD)


def bits(value):
    """The bytes of every float in a nested value; one NaN is as good as another."""
    match value:
        case float():
            return "NaN" if math.isnan(value) else struct.pack("<d", value)
        case dict():
            return {key: bits(item) for key, item in value.items()}
        case list() | tuple():
            return [bits(item) for item in value]
        case _:
            return value


def same(one: RunResult, other: RunResult) -> bool:
    return bits(one.model_dump()) == bits(other.model_dump())


@odd_numbers
def test_summaries_and_arrays_come_back_exactly(desk, odd):
    claim = desk.begin()
    runs = [specimens.run(0, odd=odd, outcome=Outcome.DIVERGED, steps=7), specimens.run(1)]
    desk.complete(claim, *runs)
    with desk.database.read() as tx:
        stored = results.result(tx, claim.experiment_id)
    assert all(same(one, other) for one, other in zip(stored.runs, runs, strict=True))
    assert bits(stored.teacher_response) == bits(specimens.result(*runs).teacher_response)
    assert stored.series == {}
    first = desk.get(claim.experiment_id).runs[0]
    assert (first.outcome, first.steps) == (Outcome.DIVERGED, 7)
    assert bits(first.summary) == bits(runs[0].summary)


@odd_numbers
def test_series_come_back_exactly_by_seed_and_step(desk, odd):
    claim = desk.begin()
    desk.complete(claim, points=specimens.points([3, 1], value=odd))
    with desk.database.read() as tx:
        stored = results.series(tx, claim.experiment_id)
    assert stored["seed"].tolist() == [0, 0, 1, 1]
    assert stored["step"].tolist() == [1, 3, 1, 3]
    for name in SERIES:
        assert stored[name].tobytes() == np.full(4, odd).tobytes()


def test_responses_of_several_inputs_and_outputs_keep_their_shape(desk):
    matrices = [[[1.0, math.nan], [0.5, 2.0], [0.0, -1.0]]] * 8
    claim = desk.begin()
    runs = [specimens.run(seed).model_copy(update={"response": matrices}) for seed in (0, 1)]
    desk.complete(claim, *runs)
    with desk.database.read() as tx:
        stored = results.result(tx, claim.experiment_id)
    assert bits(stored.runs[0].response) == bits(matrices)


def test_runs_come_in_the_order_of_the_specs_seeds(desk):
    claim = desk.begin(changes={"seeds": [5, 2, 9]})
    desk.complete(claim)
    with desk.database.read() as tx:
        assert [run.seed for run in results.result(tx, claim.experiment_id).runs] == [5, 2, 9]


def test_a_metric_that_was_not_computed_is_absent_and_not_nan(desk):
    claim = desk.begin()
    runs = [specimens.run(seed).model_copy(update={"summary": {"train_loss": math.nan}}) for seed in (0, 1)]
    desk.complete(claim, *runs)
    assert list(desk.get(claim.experiment_id).runs[0].summary) == ["train_loss"]


def test_a_metric_without_a_name_is_refused(desk):
    claim = desk.begin()
    runs = [specimens.run(seed).model_copy(update={"summary": {"surprise": 1.0}}) for seed in (0, 1)]
    with pytest.raises(ValueError, match="surprise"):
        desk.complete(claim, *runs)
    assert desk.get(claim.experiment_id).state == "running"


def test_every_metric_has_its_column(desk):
    claim = desk.begin()
    desk.complete(claim)
    assert desk.get(claim.experiment_id).runs[0].summary.keys() == METRICS.keys()


def test_numbers_of_a_spec_come_back_exactly(desk):
    numbers = [0.1 + 0.2, 1e-300, 1.0, -1 / 3]
    changes = {"teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": numbers}}}
    submitted = desk.submit(changes=changes)
    assert desk.get(submitted.id).spec == ExperimentSpec.model_validate(specimens.spec(**changes).model_dump())


def test_there_is_no_result_before_completion(desk):
    claim = desk.begin()
    with desk.database.read() as tx, pytest.raises(NotReady, match="running"):
        results.result(tx, claim.experiment_id)


def test_a_log_keeps_what_sql_can_hold(desk):
    claim = desk.begin()
    for text in ("first\n", "nul \0, torn \udc80, fine ✓\n"):
        with desk.database.write() as tx:
            queue.append_log(tx, claim, text)
    with desk.database.read() as tx:
        (log,) = experiments.logs(tx, claim.experiment_id)
    assert (log.attempt, log.text) == (1, "first\nnul \N{REPLACEMENT CHARACTER}, torn ?, fine ✓\n")
