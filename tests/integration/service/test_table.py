"""Tables: groups of runs with statistics, seeds counted once, diverged ones as infinite."""

import csv
import io
import math

import pytest

from core.result import Outcome
from tests.kit import sample_specs


def done(client, submit, worker, values, *, diverged=(), **changes):
    path = submit(seeds=list(range(len(values))), **changes)
    claim = worker.claim()
    runs = [
        sample_specs.run(
            seed, value=value, outcome=Outcome.DIVERGED if seed in diverged else Outcome.FITTED
        )
        for seed, value in enumerate(values)
    ]
    worker.complete(claim, sample_specs.result(*runs))
    return path.rpartition("/")[2]


def rows(client, **query):
    answer = client.get("/v1/table", params={"metrics": "train_loss", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_setup_is_a_row_with_statistics_over_its_seeds(client, submit, worker):
    first = done(client, submit, worker, [1.0, 2.0, 3.0, 6.0], name="first")
    second = done(client, submit, worker, [0.5], training={"length": 6})
    submit(training={"length": 2})
    newest, oldest = rows(client)
    assert (newest["newest"], oldest["newest"], oldest["name"]) == (second, first, "first")
    assert (oldest["seeds"], oldest["experiments"], oldest["diverged"]) == (4, 1, 0)
    error = math.sqrt(((1 - 3) ** 2 + 1 + 0 + 9) / 3) / 2
    expected = {
        "median": 2.5,
        "q1": 2.0,
        "q3": 3.0,
        "mean": 3.0,
        "min": 1.0,
        "max": 6.0,
        "standard_error": error,
    }
    assert oldest["metrics"]["train_loss"] == pytest.approx(expected)
    assert (
        newest["metrics"]["train_loss"] | {"standard_error": "NaN"}
        == newest["metrics"]["train_loss"]
    )


def test_a_diverged_run_is_counted_and_infinite(client, submit, worker):
    done(client, submit, worker, [1.0, 2.0, 3.0], diverged=[2])
    (row,) = rows(client, statistic="median,max,mean")
    assert row["diverged"] == 1
    assert row["metrics"]["train_loss"] == {"median": 2.0, "max": "Infinity", "mean": "Infinity"}


def test_what_is_the_teachers_stays_as_it_is_where_students_diverge(client, submit, worker):
    done(client, submit, worker, [1.0, 2.0], diverged=[0, 1])
    (row,) = rows(client, metrics="zero_baseline,train_loss", statistic="max")
    assert row["metrics"]["train_loss"] == {"max": "Infinity"}
    assert row["metrics"]["zero_baseline"]["max"] == sample_specs.run(0).summary["zero_baseline"]


def test_what_was_computed_again_counts_once_as_it_was_last(client, submit, worker):
    done(client, submit, worker, [1.0, 1.0])
    again = done(client, submit, worker, [2.0, 2.0])
    done(client, submit, worker, [5.0, 5.0, 4.0])
    (row,) = rows(client, statistic="min,max", q=f"id = {again} or seeds = 2")
    assert (row["seeds"], row["newest"], row["metrics"]["train_loss"]) == (
        2,
        again,
        {"min": 2.0, "max": 2.0},
    )
    (row,) = rows(client, statistic="min,max")
    assert (row["seeds"], row["experiments"], row["metrics"]["train_loss"]) == (
        3,
        1,
        {"min": 4.0, "max": 5.0},
    )


def test_groups_share_the_fields_that_are_chosen(client, submit, worker):
    for length, scale, value in ((6, 0.1, 1.0), (4, 0.1, 2.0), (4, 0.5, 4.0)):
        start = {"kind": "gaussian", "scale": scale}
        done(
            client,
            submit,
            worker,
            [value],
            training={"length": length},
            student={"kind": "linear", "dim": 3, "start": start},
        )
    done(client, submit, worker, [8.0], training={"length": 4}, student={"kind": "gru", "dim": 3})
    found = rows(client, by="training.length,student.start.scale", statistic="mean")
    assert [(list(row["by"].values()), row["metrics"]["train_loss"]["mean"]) for row in found] == [
        ([4, 0.1], 2.0),
        ([4, 0.5], 4.0),
        ([4, None], 8.0),
        ([6, 0.1], 1.0),
    ]
    assert rows(client, by="training.length", statistic="mean")[0]["seeds"] == 3


def test_ungrouped_every_run_is_a_row_as_it_was_stored(client, submit, worker):
    name = done(client, submit, worker, [1.0, math.inf], diverged=[1])
    found = rows(client, group="false", by="training.length")
    assert [
        (row["experiment"], row["seed"], row["outcome"], row["metrics"]["train_loss"])
        for row in found
    ] == [
        (name, 0, "fitted", 1.0),
        (name, 1, "diverged", "Infinity"),
    ]
    assert found[0]["by"] == {"training.length": 4}


def test_pages_hold_every_row_once(client, submit, worker):
    for length in (2, 3, 4, 5):
        done(client, submit, worker, [1.0], training={"length": length})
    query = {"by": "training.length", "limit": 3}
    first = client.get("/v1/table", params=query).json()
    rest = client.get("/v1/table", params={**query, "cursor": first["next"]}).json()
    lengths = [row["by"]["training.length"] for row in first["items"] + rest["items"]]
    assert (lengths, rest["next"]) == ([2, 3, 4, 5], None)
    assert client.get("/v1/table", params={"cursor": "x"}).status_code == 400


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_of_runs_hold_every_run_once(client, submit, worker, limit):
    names = [
        done(client, submit, worker, [1.0] * seeds, training={"length": seeds})
        for seeds in (2, 3, 1)
    ]
    query, found = {"group": "false", "limit": limit}, []
    while True:
        page = client.get("/v1/table", params=query).json()
        found += [(row["experiment"], row["seed"]) for row in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == [
        (name, seed)
        for name, seeds in zip(names[::-1], (1, 3, 2), strict=True)
        for seed in range(seeds)
    ]
    unknown = names[0].translate({ord(letter): "0" for letter in "123456789abcdef"})
    for cursor in ("x", f"{names[0]}-x", f"{unknown}-0"):
        assert (
            client.get("/v1/table", params={"group": "false", "cursor": cursor}).status_code == 400
        )


def test_a_run_that_was_computed_again_is_in_the_group_of_the_last(client, submit, worker):
    done(client, submit, worker, [1.0, 1.0], name="before")
    done(client, submit, worker, [2.0, 2.0, 3.0], name="after")
    done(client, submit, worker, [7.0, 7.0, 7.0, 8.0], name="before")
    found = rows(client, by="name", statistic="max")
    assert [
        (row["by"]["name"], row["seeds"], row["metrics"]["train_loss"]["max"]) for row in found
    ] == [("before", 4, 8.0)]
    again = rows(client, by="name", statistic="max", q="seeds <= 3")
    assert [(row["by"]["name"], row["seeds"]) for row in again] == [("after", 3)]


def test_csv_has_all_rows_and_exact_numbers(client, submit, worker):
    done(client, submit, worker, [0.1 + 0.2, math.inf], name='a "name", with comma')
    query = {"metrics": "train_loss", "statistic": "min,max", "format": "csv", "limit": 1}
    text = client.get("/v1/table", params=query).text
    header, row = csv.reader(io.StringIO(text))
    assert header[1:] == [
        "experiments",
        "newest",
        "name",
        "seeds",
        "diverged",
        "train_loss.min",
        "train_loss.max",
    ]
    assert (row[3], float(row[6]), row[7]) == ('a "name", with comma', 0.1 + 0.2, "Infinity")


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("q=stat%3D1", 400, "/query/q"),
        ("by=training.lengt", 400, "/query/by"),
        ("by=outcome", 400, "/query/by"),
        ("metrics=loss", 422, "/query/metrics"),
        ("statistic=mode", 422, "/query/statistic"),
        ("group=perhaps", 422, "/query/group"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_parameter(client, query, status, pointer):
    answer = client.get(f"/v1/table?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
