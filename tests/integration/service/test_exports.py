"""Exports: complete and exact, with the same rows in every format; and series as files."""

import csv
import io
import math
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from core.result import METRICS
from service.exports import encoding, streams
from store.query import export_rows
from store.query.export_rows import Column
from store.query.fields import Kind
from store.query.query import ExperimentQuery
from tests.integration.service.export_files import FORMATS, export, read, table_of
from tests.kit import sample_specs

NUMBERS = [0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324]
"""Numbers that are easily written inexactly."""

FIELDS = "name,training.length,student.start.scale,student.start.fixed"


@pytest.fixture
def ids(submit, worker):
    """The ids of three completed experiments, newest first; a fourth is queued."""
    experiment_ids = []
    for number in range(3):
        path = submit(
            name=f'no. {number}, "odd"',
            tags=["x", "y"],
            seeds=[0, 1],
            training={"length": number + 2},
        )
        claim = worker.claim()
        points = sample_specs.points([0, 1, 5], claim.spec.seeds)
        points["train_loss"][:2] = NUMBERS[number], math.nan
        runs = [sample_specs.run(seed, value=NUMBERS[number + 2 * seed]) for seed in (0, 1)]
        worker.complete(claim, sample_specs.result(*runs), points)
        experiment_ids.append(path.rpartition("/")[2])
    submit(name="queued")
    return experiment_ids[::-1]


@pytest.mark.parametrize("form", FORMATS)
def test_each_run_is_a_row_with_exact_numbers(client, ids, monkeypatch, form):
    monkeypatch.setattr(streams, "EXPERIMENTS_PER_PAGE", 2)
    rows = read(client, form, fields=FIELDS, metrics="train_loss,fit_error")
    assert [(row["experiment"], row["seed"]) for row in rows] == [
        (experiment, seed) for experiment in ids for seed in (0, 1)
    ]
    losses = [NUMBERS[number + 2 * seed] for number in (2, 1, 0) for seed in (0, 1)]
    assert [repr(row["train_loss"]) for row in rows] == [repr(loss) for loss in losses]
    first = rows[0]
    assert first["name"] == 'no. 2, "odd"'
    assert (first["training.length"], first["student.start.scale"]) == (4, 1e-3)
    assert first["student.start.fixed"] is None
    assert (first["tags"], first["outcome"], first["steps"]) == ("x; y", "fitted", 100)


@pytest.mark.parametrize("form", FORMATS)
def test_each_recorded_point_is_a_row(client, ids, monkeypatch, form):
    monkeypatch.setattr(export_rows, "ROWS_PER_BATCH", 4)
    rows = read(client, form, what="series", metrics="train_loss", q="tag:x", sort="created")
    assert [(row["experiment"], row["seed"], row["step"]) for row in rows] == [
        (experiment, seed, step)
        for experiment in ids[::-1]
        for seed in (0, 1)
        for step in (0, 1, 5)
    ]
    assert [row["train_loss"] for row in rows[:2]] == [NUMBERS[0], 1.0]
    assert math.isnan(rows[3]["train_loss"])


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow", "arrows"])
def test_each_experiment_is_a_row(client, ids, form):
    rows = read(
        client, form, what="experiments", metrics="fit_error", fields="state,created,student.tied"
    )
    assert [row["state"] for row in rows] == ["queued", "completed", "completed", "completed"]
    assert [(row["runs"], row["fitted"]) for row in rows] == [(0, 0), (2, 2), (2, 2), (2, 2)]
    assert rows[1]["fit_error.median"] is None
    assert rows[0]["student.tied"] == ("false" if form == "csv" else False)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_experiments_are_whole_in_json(client, ids, form):
    rows = read(client, form, what="experiments", q="state = completed")
    assert rows == client.get("/v1/experiments", params={"q": "state = completed"}).json()["items"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", ["runs", "series", "experiments"])
def test_an_export_of_nothing_is_a_valid_file(client, form, what):
    assert read(client, form, what=what, q="tag:nothing") == []


def test_all_metrics_and_common_fields_are_the_default(client, ids):
    answer = export(client)
    assert answer.headers["content-disposition"] == 'attachment; filename="extrapolab-runs.csv"'
    header = answer.text.splitlines()[0].split(",")
    assert header[-len(METRICS) - 1 :] == [*METRICS, "spec"]
    specs = [row["spec"] for row in read(client, "csv")]
    assert [spec is not None for spec in specs] == [True, False] * 3, "of the first run of each"
    assert {"experiment", "tags", "student.start.scale", "seed", "outcome"} <= set(header)


def test_specs_are_read_a_few_at_a_time_if_they_are_large(client, ids, monkeypatch):
    whole = export(client).text
    monkeypatch.setattr(export_rows, "MAX_SPEC_BYTES", 1)
    assert export(client).text == whole


def test_a_spreadsheet_takes_text_of_a_safe_file_as_text(client, submit, worker):
    submit(name="=cmd|' /C calc'!A0", tags=["+x", "-0.5"])
    worker.complete(worker.claim())
    sweep = {"base": sample_specs.spec(name="@a").model_dump(mode="json"), "name": "s"}
    axes = [{"path": "student.start", "values": [{"kind": "wide"}, {"kind": "gaussian"}]}]
    sweep_path = client.post("/v1/sweeps", json=sweep | {"axes": axes}).headers["location"]
    for path, query in (
        ("/v1/export", {"fields": "name,created"}),
        ("/v1/export", {"what": "experiments", "fields": "name"}),
        ("/v1/table", {"by": "name"}),
        ("/v1/table", {"by": "name", "group": False}),
        (f"{sweep_path}/table", {}),
    ):
        options = query | {"format": "csv", "metrics": "fit_error"}
        exact, safe = (
            client.get(path, params=options | {"safe": safe}).text for safe in (False, True)
        )
        assert client.get(path, params=options).text == exact
        cells = [cell for line in csv.reader(io.StringIO(safe)) for cell in line]
        assert not [cell for cell in cells if cell[:1] in {*"=+@\t\r"}], path
        unsafe = [cell for line in csv.reader(io.StringIO(exact)) for cell in line]
        assert [cell.removeprefix("'") for cell in cells] == unsafe


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("q=nothing%20=%201", 400, "/query/q"),
        ("sort=nothing", 400, "/query/sort"),
        ("fields=nothing", 400, "/query/fields"),
        ("metrics=nothing", 422, "/query/metrics"),
        ("metrics=train_loss,,fit_error", 422, "/query/metrics"),
        ("what=series&metrics=zero_baseline", 422, "/query/metrics"),
        ("format=xlsx", 422, "/query/format"),
    ],
)
def test_a_bad_parameter_is_refused_before_the_file_starts(client, query, status, pointer):
    answer = client.get(f"/v1/export?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)


def test_a_reference_means_the_same_on_every_page(client, ids, submit, monkeypatch):
    monkeypatch.setattr(streams, "EXPERIMENTS_PER_PAGE", 1)
    query = ExperimentQuery.parse('id = "@latest" or state = completed')
    pages = streams.id_pages(client.app.state.context, query)
    latest = next(pages)
    submit(name="later")
    assert [latest, *pages][1:] == [[name] for name in ids]


@pytest.mark.parametrize("form", ["parquet", "arrow", "arrows"])
def test_parquet_and_arrow_are_refused_without_pyarrow(client, ids, monkeypatch, form):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = client.get(f"/v1/export?format={form}")
    assert answer.status_code == 501
    assert "pip install 'extrapolab[export]'" in answer.json()["detail"]
    assert client.get("/v1/export?format=ndjson").status_code == 200


@pytest.mark.parametrize("form", ["parquet", "arrow", "arrows"])
def test_a_series_is_a_file_with_real_nan(client, ids, form):
    path = f"/v1/experiments/{ids[2]}/series"
    content = client.get(path, params={"format": form, "names": "train_loss"}).content
    table = table_of(content, form)
    assert table.column_names == ["seed", "step", "train_loss"]
    assert table["seed"].to_pylist() == [0, 0, 0, 1, 1, 1]
    assert math.isnan(table["train_loss"].to_pylist()[3])


def test_data_frame_libraries_read_arrow_files(client, ids, monkeypatch):
    monkeypatch.setattr(streams, "EXPERIMENTS_PER_PAGE", 2)
    answer = export(client, format="arrow", fields="name", metrics="fit_error")
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.file"
    assert 'filename="extrapolab-runs.arrow"' in answer.headers["content-disposition"]
    assert pa.ipc.open_file(answer.content).num_record_batches == 2
    rows = read(client, "arrows", fields="name", metrics="fit_error")
    names = [row["name"] for row in rows]
    assert pd.read_feather(io.BytesIO(answer.content))["name"].tolist() == names
    assert pl.read_ipc(answer.content)["name"].to_list() == names


def test_arrow_streams_have_a_media_type_of_their_own(client, ids):
    for path in ("/v1/export", f"/v1/experiments/{ids[0]}/series"):
        answer = client.get(path, params={"format": "arrows"})
        assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_file_that_fails_midway_cannot_be_read(form):
    def batches():
        yield {"seed": [1]}
        raise OSError("the database is gone")

    sent = []
    with pytest.raises(OSError, match="database is gone"):
        sent.extend(encoding.encode(form, [Column("seed", Kind.WHOLE)], batches()))
    assert sent
    with pytest.raises(pa.ArrowInvalid):
        table_of(b"".join(sent), form)
