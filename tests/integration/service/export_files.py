"""Exports of a lab, read back from every format."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = ["csv", "json", "ndjson", "parquet", "arrow", "arrows"]


def export(client, **query):
    answer = client.get("/v1/export", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def read(client, form, **query):
    """The rows of an export; numbers and words for numbers are floats."""
    content = export(client, format=form, **query).content
    match form:
        case "csv":
            rows = csv.DictReader(io.StringIO(content.decode()))
        case "json":
            rows = json.loads(content)["items"]
        case "ndjson":
            rows = map(json.loads, content.splitlines())
        case _:
            return table_of(content, form).to_pylist()
    return [{name: as_number(value) for name, value in row.items()} for row in rows]


def table_of(content, form):
    match form:
        case "parquet":
            return pq.read_table(io.BytesIO(content))
        case "arrow":
            return pa.ipc.open_file(content).read_all()
        case _:
            return pa.ipc.open_stream(content).read_all()


def as_number(value):
    """The value as a float if it is one or names one; None for an empty cell."""
    try:
        return None if value == "" else float(value)
    except (TypeError, ValueError):
        return value
