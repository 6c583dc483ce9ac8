"""Results and series, exactly as they were stored, non-finite numbers included."""

import csv
import io
import json
import math

import numpy as np
import pytest

from core.result import SERIES
from tests.kit import specimens


@pytest.fixture
def completed(submit, desk) -> str:
    """The path of a completed experiment, whose second seed diverged."""
    path = submit()
    claim = desk.claim()
    points = specimens.points([0, 1, 2, 50, 100], claim.spec.seeds)
    points["train_loss"][-1] = np.nan
    points["fit_error"][-1] = -np.inf
    runs = specimens.run(0), specimens.run(1, outcome="diverged", odd=math.inf)
    desk.complete(claim, specimens.result(*runs), points)
    return path


def test_there_is_no_result_before_the_end(client, submit):
    answer = client.get(f"{submit()}/result")
    assert answer.status_code == 409
    assert "queued" in answer.json()["detail"]


def test_a_result_is_what_was_stored_with_words_for_what_json_lacks(client, completed):
    answer = client.get(f"{completed}/result")
    stored = specimens.result(specimens.run(0), specimens.run(1, outcome="diverged", odd=math.inf))
    assert answer.json() == json.loads(stored.model_dump_json(exclude={"series"}))
    assert answer.json()["runs"][1]["response"][2] == "Infinity"
    assert answer.json()["runs"][1]["summary"]["fit_error"] == "-Infinity"
    assert client.get(completed).json()["runs"][1]["summary"]["train_loss"] == "Infinity"


def test_series_are_columns_by_seed_and_step(client, completed):
    columns = client.get(f"{completed}/series").json()
    assert list(columns) == ["seed", "step", *SERIES]
    assert columns["seed"] == [0] * 5 + [1] * 5
    assert columns["step"] == [0, 1, 2, 50, 100] * 2
    assert (columns["train_loss"][-2:], columns["fit_error"][-1]) == ([1e6 + 50, "NaN"], "-Infinity")


def test_names_and_seeds_are_chosen(client, completed):
    columns = client.get(f"{completed}/series?names=sharpness,train_loss&seeds=1").json()
    assert list(columns) == ["seed", "step", "sharpness", "train_loss"]
    assert set(columns["seed"]) == {1}


def test_csv_holds_the_same_numbers(client, completed):
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
    columns = client.get(f"{completed}/series?names=train_loss&max_points=3").json()
    assert columns["step"] == [0, 2, 100, 0, 2, 100]


def test_series_can_be_read_while_it_runs(client, submit):
    assert client.get(f"{submit()}/series?names=train_loss").json() == {"seed": [], "step": [], "train_loss": []}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("names=trian_loss,nothing", [("/query/names", "train_loss"), ("/query/names", None)]),
        ("names=", [("/query/names", None)]),
        ("names=zero_baseline", [("/query/names", None)]),
        ("seeds=2,x", [("/query/seeds", None)] * 2),
        ("seeds=01", [("/query/seeds", None)]),
        ("names=nothing&seeds=7", [("/query/names", None), ("/query/seeds", None)]),
        ("format=parquet", [("/query/format", None)]),
        ("max_points=1", [("/query/max_points", None)]),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(client, completed, query, told):
    answer = client.get(f"{completed}/series?{query}")
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [error["pointer"] for error in errors] == [pointer for pointer, _ in told]
    for error, (_, nearest) in zip(errors, told, strict=True):
        assert nearest is None or f"did you mean '{nearest}'?" in error["message"]


@pytest.mark.parametrize("part", ["/result", "/series", "/series?format=csv"])
def test_what_is_at_hand_is_not_sent_again(client, completed, part):
    etag = client.get(completed + part).headers["etag"]
    assert client.get(completed + part, headers={"If-None-Match": etag}).status_code == 304


def test_big_answers_are_compressed(client, completed):
    assert client.get(f"{completed}/result").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get(f"{completed}/result", headers={"Accept-Encoding": "identity"}).headers
