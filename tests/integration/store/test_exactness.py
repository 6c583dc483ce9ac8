"""Numbers are read back bit for bit, including NaN, infinities and subnormal numbers."""

import math
import struct

import numpy as np
import pytest
from sqlalchemy import select, update

from core.arrays import pack, unpack
from core.result import METRICS, SERIES, Outcome, RunResult
from core.spec import ExperimentSpec
from store.arrays.packed import pack_points, pack_result
from store.db.tables import series_chunks
from store.errors import NotReady
from store.experiments import repository as experiments
from store.experiments import results, rows
from store.queue import reports
from store.records import Progress
from tests.kit import sample_specs

EXTREMES = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "smallest": 5e-324,
    "largest": 1.7976931348623157e308,
    "long": 0.1 + 0.2,
}
extreme_numbers = pytest.mark.parametrize("number", EXTREMES.values(), ids=EXTREMES)


def bits(value):
    """The bytes of every float in a nested value; all NaNs are equal."""
    match value:
        case float():
            return "NaN" if math.isnan(value) else struct.pack("<d", value)
        case dict():
            return {key: bits(item) for key, item in value.items()}
        case list() | tuple():
            return [bits(item) for item in value]
        case _:
            return value


def is_same(run: RunResult, other: RunResult) -> bool:
    return bits(run.model_dump()) == bits(other.model_dump())


@extreme_numbers
def test_summaries_and_arrays_are_stored_exactly(repo, number):
    claim = repo.begin()
    runs = [
        sample_specs.run(0, value=number, outcome=Outcome.DIVERGED, steps=7),
        sample_specs.run(1),
    ]
    repo.complete(claim, *runs)
    with repo.database.read() as tx:
        stored = results.result(tx, claim.experiment_id)
    assert all(map(is_same, stored.runs, runs))
    assert len(stored.runs) == len(runs)
    assert bits(stored.teacher_response) == bits(sample_specs.result(*runs).teacher_response)
    assert stored.series == {}
    first = repo.get(claim.experiment_id).runs[0]
    assert (first.outcome, first.steps) == (Outcome.DIVERGED, 7)
    assert bits(first.summary) == bits(runs[0].summary)


@extreme_numbers
def test_series_are_stored_exactly_and_sorted_by_seed_and_step(repo, number):
    claim = repo.begin()
    repo.complete(claim, points=sample_specs.points([3, 1], value=number))
    with repo.database.read() as tx:
        stored = results.series(tx, claim.experiment_id)
    assert stored["seed"].tolist() == [0, 0, 1, 1]
    assert stored["step"].tolist() == [1, 3, 1, 3]
    for name in SERIES:
        assert stored[name].tobytes() == np.full(4, number).tobytes()


@extreme_numbers
def test_trajectories_are_stored_exactly_and_read_on_request(repo, number):
    recorded = ("response", "eigenvalues")
    claim = repo.begin(changes={"evaluation": {"horizon": 8, "record": list(recorded)}})
    with repo.database.write() as tx:
        for step in (0, 7):
            points = sample_specs.points([step], value=number, record=recorded)
            reports.record(
                tx,
                claim,
                progress=Progress(step, 100),
                chunk=pack_points(points),
                checkpoint=None,
                checkpoint_step=step,
            )
    with repo.database.read() as tx:
        metrics, all_columns = (
            results.series(tx, claim.experiment_id, names) for names in ((), recorded)
        )
    assert list(metrics) == ["seed", "step", *SERIES]
    assert all_columns["response"].tobytes() == np.full((4, 8, 1, 1), number).tobytes()
    assert all_columns["eigenvalues"].shape == (4, 3, 2)


def test_trajectories_are_sorted_with_their_points(repo):
    claim = repo.begin(changes={"evaluation": {"horizon": 8, "record": ["response"]}})
    points = sample_specs.points([3, 1], record=["response"])
    repo.complete(claim, points=points)
    with repo.database.read() as tx:
        stored = results.series(tx, claim.experiment_id, ["response"])
    assert stored["response"][:, 0, 0, 0].tolist() == [1, 3, 1e6 + 1, 1e6 + 3]


def test_columns_of_different_lengths_are_refused(repo):
    claim = repo.begin()
    points = sample_specs.points([0, 1], record=["response"])
    with pytest.raises(ValueError, match="equally long"):
        repo.complete(claim, points={**points, "response": points["response"][:-1]})
    with pytest.raises(ValueError, match="flat except trajectories"):
        repo.complete(claim, points={**points, "train_loss": points["response"]})
    with pytest.raises(ValueError, match="hessian"):
        repo.complete(claim, points={**points, "hessian": points["response"]})


def test_a_metric_newer_than_the_recording_is_nan(repo):
    claim = repo.begin()
    repo.record(claim, 0)
    with repo.database.write() as tx:
        (payload,) = tx.scalars(select(series_chunks.c.payload))
        columns = {name: column for name, column in unpack(payload).items() if name != "sharpness"}
        tx.execute(update(series_chunks).values(payload=pack(columns)))
    repo.record(claim, 1)
    with repo.database.read() as tx:
        stored = results.series(tx, claim.experiment_id)
    assert np.isnan(stored["sharpness"][stored["step"] == 0]).all()
    assert np.isfinite(stored["sharpness"][stored["step"] == 1]).all()


@extreme_numbers
def test_baselines_are_stored_exactly_and_left_out_of_lists(repo, number):
    claim = repo.begin()
    baselines = [sample_specs.baseline("era", number), sample_specs.baseline("least_squares")]
    with repo.database.write() as tx:
        result = sample_specs.result(sample_specs.run(0), sample_specs.run(1), baselines=baselines)
        reports.complete(tx, claim, pack_result(result), None, {})
    with repo.database.read() as tx:
        stored = results.result(tx, claim.experiment_id).baselines
    assert bits([baseline.model_dump() for baseline in stored]) == bits(
        [baseline.model_dump() for baseline in baselines]
    )
    assert "baselines" not in {column.name for column in rows.EXPERIMENT_COLUMNS}


def test_a_run_keeps_its_warnings(repo):
    claim = repo.begin()
    repo.complete(claim, sample_specs.run(0), sample_specs.run(1, value=2.0))
    assert [run.warnings for run in repo.get(claim.experiment_id).runs] == [(), ("Seed 1 is odd.",)]


def test_multivariate_responses_keep_their_shape(repo):
    matrices = [[[1.0, math.nan], [0.5, 2.0], [0.0, -1.0]]] * 8
    claim = repo.begin()
    runs = [sample_specs.run(seed).model_copy(update={"response": matrices}) for seed in (0, 1)]
    repo.complete(claim, *runs)
    with repo.database.read() as tx:
        stored = results.result(tx, claim.experiment_id)
    assert bits(stored.runs[0].response) == bits(matrices)


def test_runs_are_in_the_order_of_the_seeds_in_the_spec(repo):
    claim = repo.begin(changes={"seeds": [5, 2, 9]})
    repo.complete(claim)
    with repo.database.read() as tx:
        assert [run.seed for run in results.result(tx, claim.experiment_id).runs] == [5, 2, 9]


def test_a_metric_that_was_not_computed_is_missing_rather_than_nan(repo):
    claim = repo.begin()
    runs = [
        sample_specs.run(seed).model_copy(update={"summary": {"train_loss": math.nan}})
        for seed in (0, 1)
    ]
    repo.complete(claim, *runs)
    assert list(repo.get(claim.experiment_id).runs[0].summary) == ["train_loss"]


def test_an_unknown_metric_is_refused(repo):
    claim = repo.begin()
    runs = [
        sample_specs.run(seed).model_copy(update={"summary": {"surprise": 1.0}}) for seed in (0, 1)
    ]
    with pytest.raises(ValueError, match="surprise"):
        repo.complete(claim, *runs)
    assert repo.get(claim.experiment_id).state == "running"


def test_every_metric_has_a_column(repo):
    claim = repo.begin()
    repo.complete(claim)
    assert repo.get(claim.experiment_id).runs[0].summary.keys() == METRICS.keys()


def test_numbers_of_a_spec_are_stored_exactly(repo):
    numbers = [0.1 + 0.2, 1e-300, 1.0, -1 / 3]
    changes = {"teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": numbers}}}
    submitted = repo.submit(changes=changes)
    assert repo.get(submitted.id).spec == ExperimentSpec.model_validate(
        sample_specs.spec(**changes).model_dump()
    )


def test_a_running_experiment_has_no_result(repo):
    claim = repo.begin()
    with repo.database.read() as tx, pytest.raises(NotReady, match="running"):
        results.result(tx, claim.experiment_id)


def test_a_log_replaces_characters_that_sql_cannot_store(repo):
    claim = repo.begin()
    for text in ("first\n", "nul \0, torn \udc80, fine ✓\n"):
        with repo.database.write() as tx:
            reports.append_log(tx, claim, text)
    with repo.database.read() as tx:
        (log,) = experiments.logs(tx, claim.experiment_id)
    assert (log.attempt, log.text) == (1, "first\nnul \N{REPLACEMENT CHARACTER}, torn ?, fine ✓\n")
