"""Results and series, exactly as stored, including non-finite numbers."""

import csv
import io
import json
import math

import numpy as np
import pytest

from core.result import SERIES, ExperimentResult
from service.exports import series_columns
from tests.kit import sample_specs


@pytest.fixture
def completed(submit, worker) -> str:
    """The path of a completed experiment whose second seed diverged."""
    path = submit()
    claim = worker.claim()
    points = sample_specs.points([0, 1, 2, 50, 100], claim.spec.seeds)
    points["train_loss"][-1] = np.nan
    points["fit_error"][-1] = -np.inf
    worker.complete(claim, sample_result(), points)
    return path


def sample_result() -> ExperimentResult:
    runs = sample_specs.run(0), sample_specs.run(1, outcome="diverged", value=math.inf)
    return sample_specs.result(*runs, baselines=[sample_specs.baseline(value=math.nan)])


@pytest.fixture
def recorded(submit, worker) -> str:
    """The path of a completed experiment that recorded its trajectories."""
    path = submit(evaluation={"horizon": 8, "record": ["response", "eigenvalues"]})
    claim = worker.claim()
    points = sample_specs.points(
        [0, 1, 2, 50, 100], claim.spec.seeds, record=["response", "eigenvalues"]
    )
    points["response"][-1, 3] = np.nan
    worker.complete(claim, points=points)
    return path


def test_an_unfinished_experiment_has_no_result(client, submit):
    answer = client.get(f"{submit()}/result")
    assert answer.status_code == 409
    assert "queued" in answer.json()["detail"]


def test_a_result_is_exact_with_words_for_non_finite_numbers(client, completed):
    answer = client.get(f"{completed}/result")
    assert answer.json() == json.loads(sample_result().model_dump_json(exclude={"series"}))
    assert answer.json()["runs"][1]["warnings"] == ["Seed 1 is odd."]
    assert answer.json()["baselines"][0]["response"][2] == "NaN"
    assert answer.json()["runs"][1]["response"][2] == "Infinity"
    assert answer.json()["runs"][1]["summary"]["fit_error"] == "-Infinity"
    assert client.get(completed).json()["runs"][1]["summary"]["train_loss"] == "Infinity"


def test_series_are_columns_sorted_by_seed_and_step(client, completed):
    columns = client.get(f"{completed}/series").json()
    assert list(columns) == ["seed", "step", *SERIES]
    assert columns["seed"] == [0] * 5 + [1] * 5
    assert columns["step"] == [0, 1, 2, 50, 100] * 2
    assert (columns["train_loss"][-2:], columns["fit_error"][-1]) == (
        [1e6 + 50, "NaN"],
        "-Infinity",
    )


def test_names_and_seeds_can_be_chosen(client, completed):
    columns = client.get(f"{completed}/series?names=sharpness,train_loss&seeds=1").json()
    assert list(columns) == ["seed", "step", "sharpness", "train_loss"]
    assert set(columns["seed"]) == {1}


def test_csv_has_the_same_numbers(client, completed):
    answer = client.get(f"{completed}/series?format=csv&names=train_loss,fit_error")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text)))
    columns = client.get(f"{completed}/series?names=train_loss,fit_error").json()
    assert rows[0] == list(columns)
    assert [[float(cell) for cell in row] for row in rows[1:-1]] == [
        list(row) for row in zip(*columns.values(), strict=True)
    ][:-1]
    assert rows[-1] == ["1", "100", "NaN", "-Infinity"]


def test_series_are_thinned_only_on_request(client, completed):
    columns = client.get(f"{completed}/series?names=train_loss&max_points=4").json()
    assert columns["step"] == [0, 2, 50, 100, 0, 2, 50, 100]


@pytest.fixture
def spiked(submit, worker) -> str:
    """The path of an experiment, still running, whose first seed diverged at step 30."""
    path = submit()
    claim = worker.claim()
    for chunk in (range(40), range(40, 100)):
        points = sample_specs.points(chunk, claim.spec.seeds)
        points["fit_error"][points["step"] == 17] = math.inf
        is_end = (points["seed"] == 0) & (points["step"] == 30)
        points["fit_error"][is_end] = 28.5  # no extreme
        has_ended = (points["seed"] == 0) & (points["step"] > 30)
        worker.record(claim, {name: column[~has_ended] for name, column in points.items()})
    return path


def test_columns_share_an_axis_of_steps_with_null_for_missing_points(client, spiked):
    answer = client.get(f"{spiked}/series?form=columns&names=train_loss,fit_error").json()
    assert answer["step"] == [*range(100)]
    assert (answer["thinned"], answer["of"]) == (False, 100)
    assert list(answer["seeds"]) == ["0", "1"]
    first, second = answer["seeds"].values()
    assert list(first) == ["train_loss", "fit_error"]
    assert first["train_loss"] == [*range(31), *[None] * 69]
    assert second["train_loss"] == [1e6 + step for step in range(100)]
    assert first["fit_error"][17] == second["fit_error"][17] == "Infinity"


def test_thinned_columns_keep_spikes_and_the_ends_of_seeds(client, spiked):
    query = "form=columns&names=fit_error&max_points=12"
    answer = client.get(f"{spiked}/series?{query}").json()
    assert (answer["thinned"], answer["of"]) == (True, 100)
    assert 8 <= len(answer["step"]) <= 12
    assert {0, 17, 30, 99} <= {*answer["step"]}
    everything = client.get(f"{spiked}/series?form=columns&names=fit_error").json()
    for seed, columns in everything["seeds"].items():
        thinned = [columns["fit_error"][step] for step in answer["step"]]
        assert answer["seeds"][seed]["fit_error"] == thinned


def test_a_live_curve_goes_on_after_a_step(client, spiked):
    columns = client.get(f"{spiked}/series?names=train_loss&since_step=97").json()
    assert (columns["seed"], columns["step"]) == ([1, 1], [98, 99])
    answer = client.get(f"{spiked}/series?form=columns&names=train_loss&since_step=28").json()
    assert answer["step"] == [*range(29, 100)]
    assert answer["seeds"]["0"]["train_loss"][:3] == [29, 30, None]
    nothing = client.get(f"{spiked}/series?form=columns&since_step=99").json()
    assert nothing == {"step": [], "seeds": {}, "thinned": False, "of": 0}


def test_columns_can_have_recorded_trajectories(client, recorded):
    names = "names=response,eigenvalues"
    rows = client.get(f"{recorded}/series?{names}&seeds=1").json()
    answer = client.get(f"{recorded}/series?form=columns&{names}&seeds=1").json()
    assert answer["seeds"] == {"1": {name: rows[name] for name in ("response", "eigenvalues")}}


def test_an_answer_in_columns_is_limited(client, spiked, monkeypatch):
    monkeypatch.setattr(series_columns, "MAX_NUMBERS", 199)
    refused = client.get(f"{spiked}/series?form=columns&names=fit_error")
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/query/max_points", "too_many_numbers")
    assert "at most 99 points" in error["message"]
    path = f"{spiked}/series?form=columns&names=fit_error&max_points=99"
    assert client.get(path).status_code == 200
    monkeypatch.setattr(series_columns, "MAX_CELLS", 199)
    (error,) = client.get(path).json()["errors"]
    assert (error["pointer"], error["code"]) == ("/query/names", "too_many_numbers")


def test_series_can_be_read_before_anything_is_recorded(client, submit):
    assert client.get(f"{submit()}/series?names=train_loss").json() == {
        "seed": [],
        "step": [],
        "train_loss": [],
    }


def test_trajectories_are_nested_lists_and_sent_only_on_request(client, recorded):
    assert not {"response", "eigenvalues"} & client.get(f"{recorded}/series").json().keys()
    columns = client.get(
        f"{recorded}/series?names=train_loss,response,eigenvalues&max_points=2"
    ).json()
    assert list(columns) == ["seed", "step", "train_loss", "response", "eigenvalues"]
    assert columns["step"] == [0, 100, 0, 100]
    assert columns["response"][1] == [100 + j / 128 for j in range(8)]
    assert columns["response"][3][2:5] == [1000100 + 2 / 128, "NaN", 1000100 + 4 / 128]
    assert columns["eigenvalues"][0] == [[0, 1 / 128], [2 / 128, 3 / 128], [4 / 128, 5 / 128]]


def test_trajectories_are_flat_columns_in_csv(client, recorded):
    text = client.get(f"{recorded}/series?format=csv&names=eigenvalues,response&seeds=1").text
    header, *rows = csv.reader(io.StringIO(text))
    poles = [f"eigenvalue_{i}_{part}" for i in range(3) for part in ("re", "im")]
    assert header == ["seed", "step", *poles, *(f"response_{j}" for j in range(8))]
    assert rows[-1][:4] == ["1", "100", "1000100.0", str(1000100 + 1 / 128)]
    assert rows[-1][header.index("response_3")] == "NaN"


def test_responses_of_several_channels_keep_their_axes(client, submit, worker):
    teacher = {"kind": "explicit", "A": [[0.5]], "B": [[1.0, 2.0]], "C": [[1.0], [0.5], [0.25]]}
    path = submit(teacher=teacher, evaluation={"horizon": 5, "record": ["response"]})
    empty = client.get(f"{path}/series?format=csv&names=response").text.split(",")
    assert empty[2:4] == ["response_0_0_0", "response_0_0_1"]
    assert (len(empty), empty[-1].strip()) == (2 + 5 * 3 * 2, "response_4_2_1")
    claim = worker.claim()
    responses = np.arange(2 * 30.0).reshape(2, 5, 3, 2)
    worker.complete(claim, points={**sample_specs.points([0]), "response": responses})
    assert client.get(f"{path}/series?names=response").json()["response"] == responses.tolist()
    row = (
        client.get(f"{path}/series?format=csv&names=response&seeds=1")
        .text.splitlines()[1]
        .split(",")
    )
    assert [float(cell) for cell in row[2:]] == [*np.arange(30.0, 60.0)]


def test_an_unrecorded_trajectory_is_refused_with_how_to_record_it(client, completed):
    answer = client.get(f"{completed}/series?names=train_loss,response")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"], error["given"]) == (
        "/query/names",
        "not_recorded",
        "response",
    )
    assert "evaluation.record" in error["message"]
    assert "train_loss" in error["allowed"]
    assert "eigenvalues" not in error["allowed"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("names=trian_loss,nothing", [("/query/names", "train_loss"), ("/query/names", None)]),
        ("names=", [("/query/names", None)]),
        ("seeds=0,", [("/query/seeds", None)]),
        ("names=zero_baseline", [("/query/names", None)]),
        ("names=respons", [("/query/names", "response")]),
        ("seeds=2,x", [("/query/seeds", None)] * 2),
        ("seeds=01", [("/query/seeds", None)]),
        ("names=nothing&seeds=7", [("/query/names", None), ("/query/seeds", None)]),
        ("format=xlsx", [("/query/format", None)]),
        ("max_points=1", [("/query/max_points", None)]),
        ("since_step=-2", [("/query/since_step", None)]),
        ("form=wide", [("/query/form", None)]),
        ("form=columns&format=csv", [("/query/form", None)]),
    ],
)
def test_bad_parameters_are_named_with_the_nearest_valid_one(client, completed, query, expected):
    answer = client.get(f"{completed}/series?{query}")
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [error["pointer"] for error in errors] == [pointer for pointer, _ in expected]
    for error, (_, nearest) in zip(errors, expected, strict=True):
        assert nearest is None or f"did you mean '{nearest}'?" in error["message"]


@pytest.mark.parametrize(
    "part", ["/result", "/series", "/series?format=csv", "/series?form=columns"]
)
def test_an_unchanged_answer_is_not_sent_again(client, completed, part):
    etag = client.get(completed + part).headers["etag"]
    assert client.get(completed + part, headers={"If-None-Match": etag}).status_code == 304


def test_large_answers_are_compressed_unless_the_client_declines(client, completed):
    assert client.get(f"{completed}/result").headers["content-encoding"] == "gzip"
    assert (
        "content-encoding"
        not in client.get(f"{completed}/result", headers={"Accept-Encoding": "identity"}).headers
    )
