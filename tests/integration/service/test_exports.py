"""Exports: whole, exact, the same rows in every format, in constant memory; and a series as a file."""

import csv
import io
import json
import math
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.result import METRICS
from service.exports import streams
from store.query import export_rows
from tests.kit import sample_specs

ODD = [0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324]


@pytest.fixture
def filled(submit, worker):
    """Three completed experiments with odd numbers and names, a queued one; their ids, the newest first."""
    ids = []
    for number in range(3):
        path = submit(
            name=f'no. {number}, "odd"',
            tags=["x", "y"],
            seeds=[0, 1],
            training={"length": number + 2},
        )
        claim = worker.claim()
        points = sample_specs.points([0, 1, 5], claim.spec.seeds)
        points["train_loss"][:2] = ODD[number], math.nan
        runs = [sample_specs.run(0, value=ODD[number]), sample_specs.run(1, value=ODD[number + 2])]
        worker.complete(claim, sample_specs.result(*runs), points)
        ids.append(path.rpartition("/")[2])
    submit(name="queued")
    return ids[::-1]


def get(client, **query):
    answer = client.get("/v1/export", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def read(client, form, **query):
    """The rows of a file, non-finite numbers as numbers."""
    content = get(client, format=form, **query).content
    match form:
        case "csv":
            return [
                {k: _told(v) for k, v in row.items()}
                for row in csv.DictReader(io.StringIO(content.decode()))
            ]
        case "json":
            return [{k: _told(v) for k, v in row.items()} for row in json.loads(content)["items"]]
        case "ndjson":
            return [
                {k: _told(v) for k, v in json.loads(line).items()} for line in content.splitlines()
            ]
        case "parquet":
            return pq.read_table(io.BytesIO(content)).to_pylist()
        case _:
            return pa.ipc.open_stream(content).read_all().to_pylist()


def _told(value):
    try:
        return None if value == "" else float(value)
    except (TypeError, ValueError):
        return value


FORMATS = ["csv", "json", "ndjson", "parquet", "arrow"]
FIELDS = "name,training.length,student.start.scale,student.start.fixed"


@pytest.mark.parametrize("form", FORMATS)
def test_every_run_is_a_row_with_exact_numbers(client, filled, monkeypatch, form):
    monkeypatch.setattr(streams, "EXPERIMENTS_PER_PAGE", 2)
    rows = read(client, form, fields=FIELDS, metrics="train_loss,fit_error")
    assert [(row["experiment"], row["seed"]) for row in rows] == [
        (name, seed) for name in filled for seed in (0, 1)
    ]
    wanted = [ODD[n + seed] for n in (2, 1, 0) for seed in (0, 2)]
    assert [repr(row["train_loss"]) for row in rows] == [repr(value) for value in wanted]
    assert rows[0]["name"] == 'no. 2, "odd"'
    assert (
        rows[0]["training.length"],
        rows[0]["student.start.scale"],
        rows[0]["student.start.fixed"],
    ) == (
        4,
        1e-3,
        None,
    )
    assert (rows[0]["tags"], rows[0]["outcome"], rows[0]["steps"]) == ("x; y", "fitted", 100)


@pytest.mark.parametrize("form", FORMATS)
def test_every_recorded_point_is_a_row(client, filled, monkeypatch, form):
    monkeypatch.setattr(export_rows, "ROWS_PER_BATCH", 4)
    rows = read(client, form, what="series", metrics="train_loss", q="tag:x", sort="created")
    assert [(row["experiment"], row["seed"], row["step"]) for row in rows] == [
        (name, seed, step) for name in filled[::-1] for seed in (0, 1) for step in (0, 1, 5)
    ]
    assert [row["train_loss"] for row in rows[:2]] == [ODD[0], 1.0]
    assert math.isnan(rows[3]["train_loss"])


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_every_experiment_is_a_row(client, filled, form):
    rows = read(
        client, form, what="experiments", metrics="fit_error", fields="state,created,student.tied"
    )
    assert [row["state"] for row in rows] == ["queued", "completed", "completed", "completed"]
    assert [row["runs"] for row in rows] == [0, 2, 2, 2]
    assert rows[1]["fit_error.median"] is None
    assert rows[0]["student.tied"] == ("false" if form == "csv" else False)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_as_json_experiments_are_whole(client, filled, form):
    rows = read(client, form, what="experiments", q="state = completed")
    assert rows == client.get("/v1/experiments", params={"q": "state = completed"}).json()["items"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", ["runs", "series", "experiments"])
def test_an_export_of_nothing_is_a_whole_file(client, form, what):
    assert read(client, form, what=what, q="tag:nothing") == []


def test_all_metrics_and_the_usual_fields_come_by_default(client, filled):
    answer = get(client)
    assert answer.headers["content-disposition"] == 'attachment; filename="extrapolab-runs.csv"'
    header = answer.text.splitlines()[0].split(",")
    assert header[-len(METRICS) :] == [*METRICS]
    assert {"experiment", "tags", "student.start.scale", "seed", "outcome"} <= set(header)


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("q=nothing%20=%201", 400, "/query/q"),
        ("sort=nothing", 400, "/query/sort"),
        ("fields=nothing", 400, "/query/fields"),
        ("metrics=nothing", 422, "/query/metrics"),
        ("what=series&metrics=zero_baseline", 422, "/query/metrics"),
        ("format=xlsx", 422, "/query/format"),
    ],
)
def test_what_is_not_understood_is_refused_before_the_file_begins(client, query, status, pointer):
    answer = client.get(f"/v1/export?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)


def test_without_pyarrow_its_formats_are_refused_in_words(client, filled, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = client.get("/v1/export?format=parquet")
    assert answer.status_code == 501
    assert "pip install 'extrapolab[export]'" in answer.json()["detail"]
    assert client.get("/v1/export?format=ndjson").status_code == 200


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_series_is_a_file_with_real_nan(client, filled, form):
    answer = client.get(f"/v1/experiments/{filled[2]}/series?format={form}&names=train_loss")
    content = answer.content
    reader = (
        pq.read_table(io.BytesIO(content))
        if form == "parquet"
        else pa.ipc.open_stream(content).read_all()
    )
    assert reader.column_names == ["seed", "step", "train_loss"]
    assert reader["seed"].to_pylist() == [0, 0, 0, 1, 1, 1]
    assert math.isnan(reader["train_loss"].to_pylist()[3])
